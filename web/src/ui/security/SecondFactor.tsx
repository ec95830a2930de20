// Setting up the second factor, and what can be done with one that is on.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import * as own from "../../net/own";
import { Skeleton } from "../parts/Skeleton";
import { ownErrorText } from "./errors";
import { ProofDialog, useProof } from "./proof";
import { QrCode } from "./QrCode";
import { Secret } from "./Secret";

function Recovery({ codes, done }: { codes: string[]; done: () => void }) {
  return (
    <>
      <p class="note">{t("sec_recovery_text")}</p>
      <Secret label={t("sec_recovery")} text={codes.join("\n")} />
      <button type="button" class="button primary" onClick={done}>{t("sec_recovery_done")}</button>
    </>
  );
}

function Confirm({ secret, codes, error }: { secret: own.Secret; codes: Signal<string[]>; error: Signal<string> }) {
  const code = useSignal("");
  const submit = (e: Event) => {
    e.preventDefault();
    error.value = "";
    own.confirmFactor(code.value).then((list) => (codes.value = list), (x) => (error.value = ownErrorText(x)));
  };
  return (
    <form class="own-form" onSubmit={submit}>
      <p>{t("sec_factor_scan")}</p>
      <QrCode text={secret.uri} label={t("sec_factor_qr")} />
      <p>{t("sec_factor_type")}</p>
      <Secret label={t("sec_factor_secret")} text={secret.secret.replace(/(.{4})(?=.)/g, "$1 ")} />
      <div class="field">
        <label for="factor-code">{t("sec_factor_first")}</label>
        <input id="factor-code" type="text" inputMode="numeric" autocomplete="one-time-code" value={code.value} onInput={(e) => (code.value = e.currentTarget.value)} />
      </div>
      <button type="submit" class="button primary" disabled={!code.value.trim()}>{t("sec_factor_confirm")}</button>
    </form>
  );
}

function On({ state, renew, end }: { state: own.Factor; renew: () => void; end: () => void }) {
  return (
    <>
      <p>{t("sec_factor_on")} {t("sec_recovery_left", { n: state.recovery_left })}</p>
      <div class="buttons">
        <button type="button" class="button" onClick={renew}>{t("sec_recovery_renew")}</button>
        {!state.required && <button type="button" class="button danger" onClick={end}>{t("sec_factor_end")}</button>}
      </div>
    </>
  );
}

/** done: told when one was set up and its recovery codes were seen. */
export function SecondFactor({ done }: { done?: () => void }) {
  const state = useSignal<own.Factor | null>(null);
  const secret = useSignal<own.Secret | null>(null);
  const codes = useSignal<string[]>([]);
  const error = useSignal("");
  const proof = useProof();
  const fail = (e: unknown) => (error.value = ownErrorText(e));
  const load = () => own.factor().then((f) => (state.value = f), fail);
  useEffect(() => void load(), []);
  const act = (what: () => Promise<void>) => {
    error.value = "";
    proof.run(what, fail);
  };
  const seen = () => {
    codes.value = [];
    secret.value = null;
    if (done) done();
    else void load();
  };
  const begin = () => act(async () => void (secret.value = await own.beginFactor()));
  const renew = () => act(async () => void (codes.value = await own.renewRecovery()));
  const end = () => act(async () => void (await own.endFactor().then(load)));
  const body = () => {
    if (codes.value.length) return <Recovery codes={codes.value} done={seen} />;
    if (secret.value) return <Confirm secret={secret.value} codes={codes} error={error} />;
    if (!state.value) return error.value ? null : <Skeleton />;
    if (state.value.on) return <On state={state.value} renew={renew} end={end} />;
    return <button type="button" class="button primary" onClick={begin}>{t("sec_factor_begin")}</button>;
  };
  return (
    <section class="card" aria-labelledby="sec-factor">
      <h2 id="sec-factor">{t("sec_factor")}</h2>
      <p class="hint">{t("sec_factor_hint")}</p>
      {body()}
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <ProofDialog proof={proof} />
    </section>
  );
}
