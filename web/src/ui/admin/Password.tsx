// A new password for somebody else: made by the server, or typed.

import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/admin";
import type { Args } from "../../net/admin";

const SHORTEST = 8;

export interface Choice {
  makes: Signal<boolean>;
  typed: Signal<string>;
  ready: ReadonlySignal<boolean>;
}

export function usePassword(): Choice {
  const makes = useSignal(true);
  const typed = useSignal("");
  const ready = useComputed(() => makes.value || typed.value.length >= SHORTEST);
  return { makes, typed, ready };
}

export function passwordArgs({ makes, typed }: Choice): Args {
  return makes.peek() ? { generate: true } : { password: typed.peek() };
}

export function PasswordChoice({ choice }: { choice: Choice }) {
  const { makes, typed } = choice;
  return (
    <>
      <fieldset class="segments">
        <legend>{t("signin_password")}</legend>
        {[true, false].map((x) => (
          <label key={String(x)}>
            <input type="radio" name="adm-password" checked={makes.value === x} onChange={() => (makes.value = x)} />
            <span>{t(x ? "adm_password_make" : "adm_password_type")}</span>
          </label>
        ))}
      </fieldset>
      {!makes.value && (
        <div class="field">
          <label for="adm-typed">{t("adm_password_new")}</label>
          <input id="adm-typed" type="password" autocomplete="new-password" aria-describedby="adm-typed-hint" value={typed.value} onInput={(e) => (typed.value = e.currentTarget.value)} />
          <p class="hint" id="adm-typed-hint">{t("adm_password_hint", { n: SHORTEST })}</p>
        </div>
      )}
    </>
  );
}
