// What has a name, was made for one program or device, and can be taken back: passwords of phones, app tokens.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import { codeOf } from "../../net/wire";
import { since } from "../../text/time";
import { now } from "../context";
import { announce } from "../parts/live";
import { ownErrorText } from "./errors";
import { Secret } from "./Secret";

export interface Named<T> {
  /** Null: not known yet. */
  rows: Signal<T[] | null>;
  error: Signal<string>;
  fail: (e: unknown) => void;
  load: () => Promise<unknown>;
  remove: (number: number) => void;
}

export function useNamed<T>(list: () => Promise<T[]>, take: (number: number) => Promise<unknown>): Named<T> {
  const rows = useSignal<T[] | null>(null);
  const error = useSignal("");
  const fail = (e: unknown) => void (error.value = ownErrorText(e));
  const load = () => list().then((found) => (rows.value = found), fail);
  useEffect(() => void load(), []);
  const remove = (number: number) => {
    error.value = "";
    // One that is not there any more is what was wanted.
    const gone = (e: unknown) => (codeOf(e) === "not_found" ? undefined : Promise.reject(e as Error));
    void take(number).catch(gone).then(() => announce(t("sec_device_removed")), fail).then(load);
  };
  return { rows, error, fail, load, remove };
}

interface RowProps {
  name: string;
  /** When it was made, in words. */
  made: string;
  usedAt: string | null;
  remove: () => void;
}

export function NamedRow({ name, made, usedAt, remove }: RowProps) {
  return (
    <li class="own-row">
      <div class="own-what">
        <p><bdi>{name}</bdi></p>
        <p class="muted">{made}</p>
        <p class="muted">{usedAt ? t("sec_login_used", { since: since(usedAt, now.value, locale.value) }) : t("sec_device_unused")}</p>
      </div>
      <button type="button" class="button small" aria-label={t("sec_device_remove_named", { name })} onClick={remove}>
        {t("sec_device_remove")}
      </button>
    </li>
  );
}

/** What is told this once. */
export function MadeSecret({ note, label, text, close }: { note: string; label: string; text: string; close: () => void }) {
  return (
    <div class="own-form">
      <p class="note">{note}</p>
      <Secret label={label} text={text} />
      <button type="button" class="button" onClick={close}>{t("close")}</button>
    </div>
  );
}
