// Passwords for phones, which know no other way to sign in.

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

function Row({ row, remove }: { row: own.Device; remove: () => void }) {
  return (
    <li class="own-row">
      <div class="own-what">
        <p><bdi>{row.name}</bdi></p>
        <p class="muted">{t("sec_device_made", { at: full(row.made_at, locale.value) })}</p>
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

function Made({ name, password, close }: { name: string; password: string; close: () => void }) {
  return (
    <div class="own-form">
      <p class="note">{t("sec_device_password", { name })}</p>
      <Secret label={t("signin_password")} text={password} />
      <button type="button" class="button" onClick={close}>{t("close")}</button>
    </div>
  );
}

export function Devices() {
  const rows = useSignal<own.Device[] | null>(null);
  const name = useSignal("");
  const made = useSignal<{ name: string; password: string } | null>(null);
  const error = useSignal("");
  const proof = useProof();
  const fail = (e: unknown) => (error.value = ownErrorText(e));
  const load = () => own.devices().then((list) => (rows.value = list), fail);
  useEffect(() => void load(), []);
  const add = (e: Event) => {
    e.preventDefault();
    error.value = "";
    const wanted = name.value.trim();
    proof.run(async () => {
      made.value = { name: wanted, password: await own.addDevice(wanted) };
      name.value = "";
      await load();
    }, fail);
  };
  const remove = (number: number) => {
    error.value = "";
    // One that is not there any more is what was wanted.
    const gone = (e: unknown) => (codeOf(e) === "not_found" ? undefined : Promise.reject(e as Error));
    void own.removeDevice(number).catch(gone).then(() => announce(t("sec_device_removed")), fail).then(load);
  };
  return (
    <section class="card" aria-labelledby="sec-devices">
      <h2 id="sec-devices">{t("sec_devices")}</h2>
      <p class="hint">{t("sec_devices_hint")}</p>
      {!rows.value && !error.value && <Skeleton />}
      {rows.value && rows.value.length > 0 && (
        <ul class="own-rows">{rows.value.map((r) => <Row key={r.number} row={r} remove={() => remove(r.number)} />)}</ul>
      )}
      {made.value && <Made {...made.value} close={() => (made.value = null)} />}
      <form class="own-form" onSubmit={add}>
        <div class="field">
          <label for="device-name">{t("sec_device_name")}</label>
          <input id="device-name" type="text" dir="auto" maxLength={NAME_MAX} autocomplete="off" value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />
        </div>
        <button type="submit" class="button" disabled={!name.value.trim()}>{t("sec_device_add")}</button>
      </form>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <ProofDialog proof={proof} />
    </section>
  );
}
