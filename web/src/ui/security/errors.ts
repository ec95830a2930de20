// What can go wrong with the own account, in words.

import { t } from "../../i18n";
import "../../i18n/more";
import { ApiError, codeOf } from "../../net/wire";
import { countdown } from "../../text/time";
import { thrownText } from "../errors";

export function ownErrorText(error: unknown): string {
  switch (codeOf(error)) {
    case "wrong_login":
    case "wrong_code":
      return t("sec_err_wrong");
    case "too_many_attempts":
      return t("signin_locked", { time: countdown(error instanceof ApiError ? Math.max(1, error.retryS) : 1) });
    case "exists":
      return t("sec_err_exists");
    case "full":
      return t("sec_err_full");
    case "bad_request":
      return t("sec_err_bad");
    default:
      return thrownText(error);
  }
}
