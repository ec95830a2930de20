// Passwords for phones, which know no other way to sign in.

import { useSignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import * as own from "../../net/own";
import { full } from "../../text/time";
import { Skeleton } from "../parts/Skeleton";
import { MadeSecret, NamedRow, useNamed } from "./named";
import { ProofDialog, useProof } from "./proof";

const NAME_MAX = 40;

export function Devices() {
  const name = useSignal("");
  const made = useSignal<{ name: string; password: string } | null>(null);
  const proof = useProof();
  const { rows, error, fail, load, remove } = useNamed(own.devices, own.removeDevice);
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
  return (
    <section class="card" aria-labelledby="sec-devices">
      <h2 id="sec-devices">{t("sec_devices")}</h2>
      <p class="hint">{t("sec_devices_hint")}</p>
      {!rows.value && !error.value && <Skeleton />}
      {rows.value && rows.value.length > 0 && (
        <ul class="own-rows">
          {rows.value.map((r) => (
            <NamedRow key={r.number} name={r.name} made={t("sec_device_made", { at: full(r.made_at, locale.value) })} usedAt={r.used_at} remove={() => remove(r.number)} />
          ))}
        </ul>
      )}
      {made.value && (
        <MadeSecret note={t("sec_device_password", { name: made.value.name })} label={t("signin_password")} text={made.value.password} close={() => (made.value = null)} />
      )}
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
