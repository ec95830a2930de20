// Tokens of programs, which do as this user what the page can do, but for what protects the account.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import * as own from "../../net/own";
import { codeOf } from "../../net/wire";
import { full, since } from "../../text/time";
import { now } from "../context";
import { announce } from "../parts/live";
import { Skeleton } from "../parts/Skeleton";
import { ownErrorText } from "./errors";
import { ProofDialog, useProof } from "./proof";
import { Secret } from "./Secret";

const NAME_MAX = 40;
/** How long a new one may be good, in days; 0: for ever. */
const LIVES = [30, 90, 365, 0];
const LIFE = 365;

function Row({ row, remove }: { row: own.Token; remove: () => void }) {
  return (
    <li class="own-row">
      <div class="own-what">
        <p><bdi>{row.name}</bdi></p>
        <p class="muted">
          {row.ends_at
            ? t("sec_token_made_until", { at: full(row.made_at, locale.value), until: full(row.ends_at, locale.value) })
            : t("sec_device_made", { at: full(row.made_at, locale.value) })}
        </p>
        <p class="muted">
          {row.used_at ? t("sec_login_used", { since: since(row.used_at, now.value, locale.value) }) : t("sec_device_unused")}
        </p>
      </div>
      <button type="button" class="button small" aria-label={t("sec_device_remove_named", { name: row.name })} onClick={remove}>
        {t("sec_device_remove")}
      </button>
    </li>
  );
}

function Made({ name, token, close }: { name: string; token: string; close: () => void }) {
  return (
    <div class="own-form">
      <p class="note">{t("sec_token_made", { name })}</p>
      <Secret label={t("sec_token")} text={token} />
      <button type="button" class="button" onClick={close}>{t("close")}</button>
    </div>
  );
}

function lifeText(days: number): string {
  return days ? t("sec_token_days", { n: days }) : t("sec_token_for_ever");
}

export function Tokens() {
  const rows = useSignal<own.Token[] | null>(null);
  const name = useSignal("");
  const days = useSignal(LIFE);
  const made = useSignal<{ name: string; token: string } | null>(null);
  const error = useSignal("");
  const proof = useProof();
  const fail = (e: unknown) => (error.value = ownErrorText(e));
  const load = () => own.tokens().then((list) => (rows.value = list), fail);
  useEffect(() => void load(), []);
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
  const remove = (number: number) => {
    error.value = "";
    // One that is not there any more is what was wanted.
    const gone = (e: unknown) => (codeOf(e) === "not_found" ? undefined : Promise.reject(e as Error));
    void own.removeToken(number).catch(gone).then(() => announce(t("sec_device_removed")), fail).then(load);
  };
  return (
    <section class="card" aria-labelledby="sec-tokens">
      <h2 id="sec-tokens">{t("sec_tokens")}</h2>
      <p class="hint">{t("sec_tokens_hint")}</p>
      {!rows.value && !error.value && <Skeleton />}
      {rows.value && rows.value.length > 0 && (
        <ul class="own-rows">{rows.value.map((r) => <Row key={r.number} row={r} remove={() => remove(r.number)} />)}</ul>
      )}
      {made.value && <Made {...made.value} close={() => (made.value = null)} />}
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
