// Tokens of programs, which do as this user what the page can do, but for what protects the account.

import { useSignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import * as own from "../../net/own";
import { full } from "../../text/time";
import { Skeleton } from "../parts/Skeleton";
import { MadeSecret, NamedRow, useNamed } from "./named";
import { ProofDialog, useProof } from "./proof";

const NAME_MAX = 40;
/** How long a new one may be good, in days; 0: for ever. */
const LIVES = [30, 90, 365, 0];
const LIFE = 365;

function madeText({ made_at, ends_at }: own.Token): string {
  const at = full(made_at, locale.value);
  return ends_at ? t("sec_token_made_until", { at, until: full(ends_at, locale.value) }) : t("sec_device_made", { at });
}

function lifeText(days: number): string {
  return days ? t("sec_token_days", { n: days }) : t("sec_token_for_ever");
}

export function Tokens() {
  const name = useSignal("");
  const days = useSignal(LIFE);
  const made = useSignal<{ name: string; token: string } | null>(null);
  const proof = useProof();
  const { rows, error, fail, load, remove } = useNamed(own.tokens, own.removeToken);
  const add = (e: Event) => {
    e.preventDefault();
    error.value = "";
    const wanted = name.value.trim();
    proof.run(async () => {
      made.value = { name: wanted, token: await own.addToken(wanted, days.value) };
      name.value = "";
      await load();
    }, fail);
  };
  return (
    <section class="card" aria-labelledby="sec-tokens">
      <h2 id="sec-tokens">{t("sec_tokens")}</h2>
      <p class="hint">{t("sec_tokens_hint")}</p>
      {!rows.value && !error.value && <Skeleton />}
      {rows.value && rows.value.length > 0 && (
        <ul class="own-rows">
          {rows.value.map((r) => (
            <NamedRow key={r.number} name={r.name} made={madeText(r)} usedAt={r.used_at} remove={() => remove(r.number)} />
          ))}
        </ul>
      )}
      {made.value && (
        <MadeSecret note={t("sec_token_made", { name: made.value.name })} label={t("sec_token")} text={made.value.token} close={() => (made.value = null)} />
      )}
      <form class="own-form" onSubmit={add}>
        <div class="field">
          <label for="token-name">{t("sec_token_name")}</label>
          <input id="token-name" type="text" dir="auto" maxLength={NAME_MAX} autocomplete="off" value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />
        </div>
        <div class="field">
          <label for="token-life">{t("sec_token_life")}</label>
          <select id="token-life" value={days.value} onChange={(e) => (days.value = Number(e.currentTarget.value))}>
            {LIVES.map((n) => <option key={n} value={n}>{lifeText(n)}</option>)}
          </select>
        </div>
        <button type="submit" class="button" disabled={!name.value.trim()}>{t("sec_token_add")}</button>
      </form>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <ProofDialog proof={proof} />
    </section>
  );
}
