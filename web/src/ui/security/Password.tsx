// The own password is changed: the old one, the new one twice, and a code where there is a second factor.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import { changePassword } from "../../net/own";
import { codeOf } from "../../net/wire";
import { useSession } from "../context";
import { OidcPassword } from "../Oidc";
import { announce } from "../parts/live";
import { ownErrorText } from "./errors";

type Name = "current" | "next" | "again" | "code";

/** What is wrong, and with which field; "": with none of them. */
interface Wrong {
  field: Name | "";
  text: string;
}

const RIGHT: Wrong = { field: "", text: "" };
const idOf = (name: Name) => `password-${name}`;

interface FieldProps {
  name: Name;
  label: string;
  hint?: string;
  value: Signal<string>;
  wrong: Signal<Wrong>;
}

function Field({ name, label, hint = "", value, wrong }: FieldProps) {
  const id = idOf(name);
  const bad = wrong.value.field === name;
  // The types of JSX know only fields with one face.
  const type = (name === "code" ? "text" : "password") as "password";
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={type}
        autocomplete={name === "code" ? "one-time-code" : name === "current" ? "current-password" : "new-password"}
        required
        value={value.value}
        aria-invalid={bad}
        aria-describedby={`${id}-wrong ${id}-hint`}
        onInput={(e) => (value.value = e.currentTarget.value)}
      />
      <p class="hint" id={`${id}-hint`}>{hint}</p>
      <p class="form-error" id={`${id}-wrong`} role="alert" hidden={!bad}>{bad && wrong.value.text}</p>
    </div>
  );
}

/** What the server did not take. asked: with a code. */
function wrongOf(error: unknown, asked: boolean): Wrong {
  switch (codeOf(error)) {
    case "wrong_login":
      return asked ? { field: "code", text: t("sec_password_or_code_wrong") } : { field: "current", text: t("sec_password_wrong") };
    case "bad_password":
      return { field: "next", text: t("sec_password_bad") };
    default:
      return { field: "", text: ownErrorText(error) };
  }
}

function Form({ done, cancel }: { done: () => void; cancel: () => void }) {
  const { user } = useSession();
  const [current, next, again, code] = [useSignal(""), useSignal(""), useSignal(""), useSignal("")];
  const needsCode = useSignal(false);
  const busy = useSignal(false);
  const wrong = useSignal<Wrong>(RIGHT);
  useEffect(() => document.getElementById(idOf("current"))?.focus(), []);
  useEffect(() => {
    if (needsCode.value) document.getElementById(idOf("code"))?.focus();
  }, [needsCode.value]);
  const tell = (w: Wrong) => {
    wrong.value = w;
    if (w.field) document.getElementById(idOf(w.field))?.focus();
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy.value) return;
    if (next.value !== again.value) return tell({ field: "again", text: t("sec_password_differ") });
    busy.value = true;
    wrong.value = RIGHT;
    try {
      await changePassword(current.value, next.value, code.value.trim());
      done();
    } catch (thrown) {
      if (codeOf(thrown) === "code_needed") needsCode.value = true;
      else tell(wrongOf(thrown, needsCode.value));
    } finally {
      busy.value = false;
    }
  };
  const missing = !current.value || !next.value || !again.value || (needsCode.value && !code.value.trim());
  const general = wrong.value.field ? "" : wrong.value.text;
  return (
    <form class="own-form" onSubmit={(e) => void submit(e)}>
      {/* Whose it is, for what keeps passwords. */}
      <input type="text" autocomplete="username" value={user.value.uri} readOnly hidden />
      <Field name="current" label={t("sec_password_current")} value={current} wrong={wrong} />
      <Field name="next" label={t("sec_password_next")} hint={t("sec_password_rules")} value={next} wrong={wrong} />
      <Field name="again" label={t("sec_password_again")} value={again} wrong={wrong} />
      {needsCode.value && <Field name="code" label={t("signin_code")} hint={t("signin_code_hint")} value={code} wrong={wrong} />}
      <OidcPassword />
      <p class="form-error" role="alert" hidden={!general}>{general}</p>
      <div class="buttons">
        <button type="submit" class="button primary" disabled={missing || busy.value} aria-busy={busy.value}>{t("sec_password_submit")}</button>
        <button type="button" class="button" onClick={cancel}>{t("cancel")}</button>
      </div>
    </form>
  );
}

/** changed: told afterwards; the user is signed in nowhere else then. */
export function Password({ changed }: { changed: () => void }) {
  const open = useSignal(false);
  const note = useSignal("");
  const done = () => {
    open.value = false;
    note.value = t("sec_password_done");
    announce(note.value);
    changed();
  };
  const begin = () => {
    note.value = "";
    open.value = true;
  };
  return (
    <section class="card" aria-labelledby="sec-password">
      <h2 id="sec-password">{t("sec_password")}</h2>
      <p class="hint">{t("sec_password_hint")}</p>
      {note.value && <p class="note">{note.value}</p>}
      {open.value ? <Form done={done} cancel={() => (open.value = false)} /> : <button type="button" class="button" onClick={begin}>{t("sec_password_change")}</button>}
    </section>
  );
}
