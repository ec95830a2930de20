// The company's own sign-on, where the server has one: the way there, and what went wrong on it.

import "../style/oidc.css";

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../i18n";
import "../i18n/more";
import { BEGIN, provider, troubleOf } from "../net/oidc";
import { Icon } from "./parts/Icon";

/** The provider's name; empty while that is not known, and if there is none. */
function useProvider(): string {
  const name = useSignal("");
  useEffect(() => {
    provider().then(
      (found) => (name.value = found ?? ""),
      () => undefined, // the password is there
    );
  }, []);
  return name.value;
}

/** Said once: the address becomes what it is without it. */
export function OidcTrouble({ then }: { then: string }) {
  const trouble = useSignal(troubleOf(location.hash));
  useEffect(() => {
    if (trouble.peek()) location.replace(then);
  }, []);
  return (
    <div role="alert">
      {trouble.value && <p class="form-error"><Icon name="alert" size={18} />{t(`oidc_error_${trouble.value}`)}</p>}
    </div>
  );
}

export function OidcSignIn() {
  const name = useProvider();
  return (
    <>
      <OidcTrouble then="#/" />
      {name && (
        <>
          <p class="or">{t("oidc_or")}</p>
          <a class="button wide" href={BEGIN} aria-describedby="oidc-hint">{t("oidc_with", { name })}</a>
          <p class="hint" id="oidc-hint">{t("oidc_with_hint", { name })}</p>
        </>
      )}
    </>
  );
}

/** In place of the password that is to be typed again. */
export function OidcProof() {
  const name = useProvider();
  if (!name) return null;
  return (
    <>
      <p class="or">{t("oidc_or")}</p>
      <p class="hint">{t("oidc_prove_hint")}</p>
      <a class="button" href={`${BEGIN}?prove`}>{t("oidc_with", { name })}</a>
    </>
  );
}

/** Who signs in by it alone has no password to change here. */
export function OidcPassword() {
  const name = useProvider();
  return name ? <p class="hint">{t("oidc_password_hint", { name })}</p> : null;
}
