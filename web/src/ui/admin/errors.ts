// What went wrong with a command: the tool's own sentence, where it has one.

import { t } from "../../i18n";
import "../../i18n/admin";
import { ApiError } from "../../net/wire";
import { thrownText } from "../errors";

export function adminErrorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("err_other");
  if (error.code === "failed") return error.message;
  if (error.code === "unknown_op") return t("adm_err_right");
  if (error.code === "wrong_login") return t("adm_err_password");
  return thrownText(error);
}
