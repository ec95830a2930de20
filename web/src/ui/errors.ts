// The codes of errors in the user's language; what has no words here keeps the server's.

import { t, type Key } from "../i18n";
import { en } from "../i18n/en";
import { ApiError } from "../net/wire";

export function errorText(code: string, name: string, text = ""): string {
  const key = `err_${code === "lost" ? "offline" : code}`;
  return key in en ? t(key as Key, { name }) : text || t("err_other");
}

export function thrownText(error: unknown, name = ""): string {
  return error instanceof ApiError ? errorText(error.code, name, error.message) : t("err_other");
}
