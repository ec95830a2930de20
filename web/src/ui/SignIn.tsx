// The first page: name and password, and what can go wrong with them.

import { useComputed, useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t } from "../i18n";
import { ApiError, codeOf } from "../net/wire";
import { countdown } from "../text/time";
import { usePage } from "./context";
import { thrownText } from "./errors";
import { Icon, Logo } from "./parts/Icon";
import { lazy } from "./parts/Lazy";

const Oidc = lazy(async () => (await import("./Oidc")).OidcSignIn, true);

/** Seconds until `end`, counted down each second; 0 afterwards. */
function useSecondsTo(end: Signal<number>): Signal<number> {
  const left = useSignal(0);
  useEffect(
    () =>
      end.subscribe((at) => {
        left.value = Math.max(0, Math.ceil((at - Date.now()) / 1000));
      }),
    [],
  );
  useEffect(() => {
    const timer = setInterval(() => (left.value = Math.max(0, Math.ceil((end.peek() - Date.now()) / 1000))), 250);
    return () => clearInterval(timer);
  }, []);
  return left;
}

function Password({ value, invalid }: { value: Signal<string>; invalid: boolean }) {
  const shown = useSignal(false);
  const caps = useSignal(false);
  // One field with two faces; the types of JSX know only fields with one.
  const type = (shown.value ? "text" : "password") as "password";
  const look = (e: KeyboardEvent) => (caps.value = e.getModifierState("CapsLock"));
  return (
    <div class="field">
      <label for="password">{t("signin_password")}</label>
      <div class="input-with-button">
        <input
          id="password"
          type={type}
          autocomplete="current-password"
          value={value.value}
          aria-invalid={invalid}
          aria-describedby="signin-error password-hint caps"
          onInput={(e) => (value.value = e.currentTarget.value)}
          onKeyDown={look}
          onKeyUp={look}
          onBlur={() => (caps.value = false)}
        />
        <button
          type="button"
          class="icon-button"
          aria-pressed={shown.value}
          aria-label={shown.value ? t("signin_hide") : t("signin_show")}
          onClick={() => (shown.value = !shown.value)}
        >
          <Icon name="eye" />
        </button>
      </div>
      <p class="hint" id="password-hint">{t("signin_password_hint")}</p>
      <p class="hint warn" id="caps" role="status">
        {caps.value && t("signin_caps")}
      </p>
    </div>
  );
}

function Code({ value, invalid }: { value: Signal<string>; invalid: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <div class="field">
      <label for="code">{t("signin_code")}</label>
      <input
        id="code"
        ref={field}
        type="text"
        inputMode="text"
        autocomplete="one-time-code"
        autocapitalize="none"
        spellcheck={false}
        value={value.value}
        aria-invalid={invalid}
        aria-describedby="code-hint signin-error"
        onInput={(e) => (value.value = e.currentTarget.value)}
      />
      <p class="hint" id="code-hint">{t("signin_code_hint")}</p>
    </div>
  );
}

export function SignIn() {
  const { app } = usePage();
  const name = useSignal("");
  const password = useSignal("");
  const code = useSignal("");
  /** Name and password were right, and a code is needed too. */
  const wantsCode = useSignal(false);
  const busy = useSignal(false);
  const error = useSignal("");
  const lockedUntil = useSignal(0);
  const left = useSecondsTo(lockedUntil);
  const locked = useComputed(() => left.value > 0);
  const nameField = useRef<HTMLInputElement>(null);
  useEffect(() => nameField.current?.focus(), []);

  const failed = (e: unknown) => {
    const what = codeOf(e);
    if (what === "too_many_attempts" && e instanceof ApiError) {
      lockedUntil.value = Date.now() + Math.max(1, e.retryS) * 1000;
      error.value = "";
    } else if (what === "code_needed") {
      wantsCode.value = true;
    } else if (wantsCode.value) {
      error.value = what === "wrong_login" ? t("signin_code_wrong") : thrownText(e);
      code.value = "";
    } else {
      error.value = what === "wrong_login" ? t("signin_wrong") : thrownText(e);
      password.value = what === "wrong_login" ? "" : password.value;
    }
    document.getElementById(wantsCode.value ? "code" : "password")?.focus();
  };

  const back = () => {
    wantsCode.value = false;
    code.value = password.value = error.value = "";
  };

  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy.value || locked.value) return;
    if (!name.value.trim() || !password.value || (wantsCode.value && !code.value.trim())) {
      error.value = t(wantsCode.value ? "signin_code_missing" : "signin_missing");
      return;
    }
    busy.value = true;
    error.value = "";
    try {
      await app.signIn(name.value.trim(), password.value, code.value.trim());
    } catch (thrown) {
      failed(thrown);
    } finally {
      busy.value = false;
    }
  };

  return (
    <main class="signin">
      <form class="signin-card" onSubmit={(e) => void submit(e)} noValidate>
        <div class="signin-head">
          <Logo size={44} />
          <h1>{t("signin_title")}</h1>
          <p>{t("app")}</p>
        </div>
        {app.expired.value && <p class="note">{t("signin_expired")}</p>}
        {wantsCode.value ? (
          <Code value={code} invalid={error.value !== ""} />
        ) : (
          <>
            <div class="field">
              <label for="user">{t("signin_user")}</label>
              <input
                id="user"
                ref={nameField}
                type="text"
                autocomplete="username"
                autocapitalize="none"
                spellcheck={false}
                placeholder={t("signin_user_hint")}
                value={name.value}
                aria-invalid={error.value !== ""}
                aria-describedby="signin-error"
                onInput={(e) => (name.value = e.currentTarget.value)}
              />
            </div>
            <Password value={password} invalid={error.value !== ""} />
          </>
        )}
        <div id="signin-error" role="alert">
          {error.value && <p class="form-error"><Icon name="alert" size={18} />{error.value}</p>}
          {lockedUntil.value > 0 && !locked.value && !error.value && <p class="note">{t("signin_unlocked")}</p>}
        </div>
        {locked.value && (
          <p class="form-error" role="timer" aria-live="off">
            <Icon name="clock" size={18} />
            {t("signin_locked", { time: countdown(left.value) })}
          </p>
        )}
        <button type="submit" class="button primary wide" disabled={busy.value || locked.value}>
          {busy.value ? t("signin_busy") : t("signin_submit")}
        </button>
        {wantsCode.value ? <button type="button" class="link" onClick={back}>{t("signin_code_back")}</button> : <Oidc />}
      </form>
    </main>
  );
}
