// What weakens an account, or shows a secret, needs the password typed lately: asked when the server wants it.

import { useSignal, type Signal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/more";
import { prove } from "../../net/own";
import { codeOf } from "../../net/wire";
import { OidcProof } from "../Oidc";
import { Dialog } from "../parts/Dialog";
import { ownErrorText } from "./errors";

interface Waiting {
  again: () => void;
}

export interface Proof {
  /** Does it, after the password if that is needed; what else goes wrong is told to fail. */
  run: (what: () => Promise<void>, fail: (error: unknown) => void) => void;
  waiting: Signal<Waiting | null>;
}

export function useProof(): Proof {
  const waiting = useSignal<Waiting | null>(null);
  const run: Proof["run"] = (what, fail) => {
    what().catch((e: unknown) => {
      if (codeOf(e) !== "prove") fail(e);
      else waiting.value = { again: () => run(what, fail) };
    });
  };
  return { run, waiting };
}

function Form({ done }: { done: () => void }) {
  const password = useSignal("");
  const code = useSignal("");
  const needsCode = useSignal(false);
  const error = useSignal("");
  const submit = async (e: Event) => {
    e.preventDefault();
    error.value = "";
    try {
      await prove(password.value, code.value);
      done();
    } catch (thrown) {
      if (codeOf(thrown) === "code_needed") needsCode.value = true;
      else error.value = ownErrorText(thrown);
    }
  };
  return (
    <form class="own-form" onSubmit={(e) => void submit(e)}>
      <p>{t("sec_prove_text")}</p>
      <div class="field">
        <label for="prove-password">{t("signin_password")}</label>
        <input id="prove-password" type="password" autocomplete="current-password" value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} />
      </div>
      {needsCode.value && (
        <div class="field">
          <label for="prove-code">{t("signin_code")}</label>
          <input id="prove-code" type="text" inputMode="numeric" autocomplete="one-time-code" value={code.value} onInput={(e) => (code.value = e.currentTarget.value)} />
        </div>
      )}
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <button type="submit" class="button primary" disabled={!password.value}>{t("sec_prove_submit")}</button>
      <OidcProof />
    </form>
  );
}

export function ProofDialog({ proof }: { proof: Proof }) {
  const { waiting } = proof;
  if (!waiting.value) return null;
  const done = () => {
    const { again } = waiting.peek() ?? {};
    waiting.value = null;
    again?.();
  };
  return (
    <Dialog title={t("sec_prove_title")} onClose={() => (waiting.value = null)}>
      <Form done={done} />
    </Dialog>
  );
}
