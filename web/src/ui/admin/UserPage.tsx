// One user: what is known, what can be changed, and what can be taken away.

import { useSignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import "../../i18n/more";
import { go, hrefOf } from "../../model/route";
import {
  checkDevices, checkEndpoints, checkLogIns, checkUserShown, FIELDS, madePassword, type Args, type Field, type UserShown,
} from "../../net/admin";
import { agentName } from "../../text/agent";
import { full, since } from "../../text/time";
import { now, useSession } from "../context";
import { Secret } from "../security/Secret";
import { ActEnd } from "./ActEnd";
import { useAct, type Act } from "./act";
import { useAsk, type Asked } from "./ask";
import { Confirm } from "./Confirm";
import { Card, Facts, Loaded, Mark, Page, Said } from "./parts";
import { PasswordChoice, passwordArgs, usePassword } from "./Password";

interface Part {
  user: UserShown;
  asked: Asked<UserShown | null>;
  act: Act;
}

/** Only what was changed is sent. */
function Data({ user, asked, act }: Part) {
  const draft = useSignal<Partial<Record<Field, string>>>({});
  const changes = Object.entries(draft.value).filter(([f, v]) => v.trim() !== user.fields[f as Field]);
  const submit = (e: Event) => {
    e.preventDefault();
    const args: Args = { user: user.user, ...Object.fromEntries(changes.map(([f, v]) => [f, v.trim()])) };
    act.run("user set", args, async () => {
      await asked.again();
      draft.value = {};
    }, t("adm_saved"));
  };
  return (
    <Card title={t("adm_data")} id="adm-data">
      <form class="own-form" onSubmit={submit}>
        <div class="adm-fields">
          {FIELDS.map((f) => (
            <div class="field" key={f}>
              <label for={`f-${f}`}>{t(`adm_f_${f}`)}</label>
              <input id={`f-${f}`} type="text" dir="auto" autocomplete="off" value={draft.value[f] ?? user.fields[f]} onInput={(e) => (draft.value = { ...draft.peek(), [f]: e.currentTarget.value })} />
            </div>
          ))}
        </div>
        <button type="submit" class="button primary" disabled={!changes.length || act.busy.value}>{t("adm_save")}</button>
      </form>
    </Card>
  );
}

function NewPassword({ user, act }: Part) {
  const choice = usePassword();
  const made = useSignal("");
  const submit = (e: Event) => {
    e.preventDefault();
    act.run("user passwd", { user: user.user, ...passwordArgs(choice) }, (said) => {
      made.value = madePassword(said);
      choice.typed.value = "";
    }, t("adm_password_set"));
  };
  return (
    <Card title={t("signin_password")} id="adm-password" hint={t("adm_password_text")}>
      {made.value && (
        <>
          <p class="note">{t("adm_password_once")}</p>
          <Secret label={t("signin_password")} text={made.value} />
        </>
      )}
      <form class="own-form" onSubmit={submit}>
        <PasswordChoice choice={choice} />
        <button type="submit" class="button" disabled={act.busy.value || !choice.ready.value}>{t("adm_password_reset")}</button>
      </form>
    </Card>
  );
}

function Factor({ user, asked, act }: Part) {
  const set = (args: Args) => act.run("user set", { user: user.user, ...args }, () => asked.again(), t("adm_saved"));
  const on = user.factor.startsWith("on") || user.factor.startsWith("cannot");
  return (
    <Card title={t("sec_factor")} id="adm-factor">
      <Facts rows={[["adm_now", <Said text={user.factor} />], ["adm_recovery", user.recovery]]} />
      <div class="buttons">
        <button type="button" class="button" onClick={() => set({ "second-factor": "required" })}>{t("adm_factor_require")}</button>
        <button type="button" class="button" onClick={() => set({ "second-factor": "default" })}>{t("adm_factor_default")}</button>
        {on && <button type="button" class="button danger" onClick={() => act.run("user reset-factor", { user: user.user }, () => asked.again(), t("adm_factor_gone"))}>{t("adm_factor_reset")}</button>}
      </div>
    </Card>
  );
}

function Devices({ user, act }: Part) {
  const asked = useAsk("device list", { user: user.user }, checkDevices);
  const remove = (name: string) => act.run("device remove", { user: user.user, name }, () => asked.again(), t("sec_device_removed"));
  return (
    <Card title={t("sec_devices")} id="adm-devices">
      <Loaded asked={asked}>
        {(rows) => rows.length === 0 ? <p class="muted">{t("adm_none")}</p> : (
          <ul class="own-rows">
            {rows.map((d) => (
              <li class="own-row" key={d.device}>
                <div class="own-what">
                  <p><bdi>{d.device}</bdi></p>
                  <p class="muted">{d.used ? t("sec_login_used", { since: since(d.used, now.value, locale.value) }) : t("sec_device_unused")}</p>
                </div>
                <button type="button" class="button small" aria-label={t("sec_device_remove_named", { name: d.device })} onClick={() => remove(d.device)}>{t("sec_device_remove")}</button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function LogIns({ user, act }: Part) {
  const asked = useAsk("login list", { user: user.user }, checkLogIns);
  const endpoints = useAsk("endpoint list", { user: user.user }, checkEndpoints);
  const reload = async () => void (await Promise.all([asked.again(), endpoints.again()]));
  return (
    <Card title={t("adm_signed_in")} id="adm-logins">
      <Loaded asked={asked}>
        {(rows) => rows.length === 0 ? <p class="muted">{t("adm_no_logins")}</p> : (
          <ul class="own-rows">
            {rows.map((l) => (
              <li class="own-row" key={l.number}>
                <div class="own-what">
                  <p><bdi>{agentName(l.agent) || t("sec_agent_unknown")}</bdi></p>
                  <p class="muted">{t("sec_login_made_from", { at: full(l.made, locale.value), from: l.from })}</p>
                </div>
                <button type="button" class="button small" onClick={() => act.run("login end", { user: user.user, number: l.number }, reload, t("sec_login_ended"))}>{t("sec_login_end")}</button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <Loaded asked={endpoints}>
        {(rows) => rows.length === 0 ? <p class="muted">{t("adm_no_endpoints")}</p> : (
          <ul class="own-rows">
            {rows.map((p) => (
              <li class="own-row" key={p.endpoint}>
                <div class="own-what">
                  <p><bdi>{p.agent || t("adm_unknown_agent")}</bdi></p>
                  <p class="muted"><Said text={p.via} /></p>
                </div>
                <button type="button" class="button small" aria-label={t("adm_kick_named", { name: p.agent || p.endpoint })} onClick={() => act.run("endpoint kick", { user: user.user, endpoint: p.endpoint }, reload, t("sec_login_ended"))}>{t("adm_kick")}</button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function Rights({ user, asked, act }: Part) {
  const me = useSession().user.value.uri === user.user;
  const sure = useSignal<"disable" | "remove" | "admin" | null>(null);
  const again = () => asked.again();
  const enable = () => act.run("user enable", { user: user.user }, again, t("adm_saved"));
  const admin = (on: boolean) => act.run("user set", { user: user.user, admin: on ? "yes" : "no" }, again, t("adm_saved"));
  const close = () => (sure.value = null);
  return (
    <Card title={t("adm_account")} id="adm-account" hint={me ? t("adm_own_account") : ""}>
      <div class="buttons">
        {user.disabled
          ? <button type="button" class="button" onClick={enable}>{t("adm_enable")}</button>
          : <button type="button" class="button danger" disabled={me} onClick={() => (sure.value = "disable")}>{t("adm_disable")}</button>}
        {user.admin
          ? <button type="button" class="button" disabled={me} onClick={() => admin(false)}>{t("adm_admin_take")}</button>
          : <button type="button" class="button" onClick={() => (sure.value = "admin")}>{t("adm_admin_give")}</button>}
        <button type="button" class="button danger" disabled={me} onClick={() => (sure.value = "remove")}>{t("adm_remove")}</button>
      </div>
      {sure.value === "disable" && <Confirm title={t("adm_disable")} text={t("adm_disable_sure", { user: user.user })} button={t("adm_disable")} close={close} yes={() => act.run("user disable", { user: user.user }, again, t("adm_disabled_now"))} />}
      {sure.value === "admin" && <Confirm title={t("adm_admin_give")} text={t("adm_admin_sure", { user: user.user })} button={t("adm_admin_give")} close={close} yes={() => admin(true)} />}
      {sure.value === "remove" && <Confirm title={t("adm_remove")} text={t("adm_remove_sure", { user: user.user })} button={t("adm_remove")} word={user.user} close={close} yes={() => act.run("user remove", { user: user.user }, () => go("admin", "users"), t("adm_removed"))} />}
    </Card>
  );
}

function Whole(part: Part) {
  const { user } = part;
  return (
    <>
      <section class="card adm-card" aria-label={user.user}>
        <p>
          <bdi>{user.user}</bdi>{" "}
          {user.admin && <Mark tone="plain">{t("adm_is_admin")}</Mark>}{" "}
          {user.disabled && <Mark tone="bad">{t("adm_is_disabled")}</Mark>}
        </p>
        <Facts rows={[["adm_schemes", <Said text={user.schemes} />]]} />
        <ActEnd act={part.act} />
      </section>
      <Data {...part} />
      <NewPassword {...part} />
      <Factor {...part} />
      <LogIns {...part} />
      <Devices {...part} />
      <Rights {...part} />
    </>
  );
}

export function UserPage({ name }: { name: string }) {
  const asked = useAsk("user show", { user: name }, checkUserShown);
  const act = useAct();
  const title = asked.data.value?.fields.name || name;
  return (
    <Page title={title} back={hrefOf("admin", "users")}>
      <Loaded asked={asked}>{(user) => user && <Whole user={user} asked={asked} act={act} />}</Loaded>
    </Page>
  );
}
