// A new user.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/admin";
import { hrefOf } from "../../model/route";
import { madePassword, type Args } from "../../net/admin";
import { Secret } from "../security/Secret";
import { ActEnd } from "./ActEnd";
import { useAct } from "./act";
import { Card, Page } from "./parts";
import { PasswordChoice, passwordArgs, usePassword } from "./Password";
import { userHref } from "./Users";

function Made({ user, password, again }: { user: string; password: string; again: () => void }) {
  return (
    <Card title={t("adm_user_made", { user })} id="adm-made">
      {password && (
        <>
          <p class="note">{t("adm_password_once")}</p>
          <Secret label={t("signin_password")} text={password} />
        </>
      )}
      <div class="buttons">
        <a class="button primary" href={userHref(user)}>{t("adm_user_open")}</a>
        <button type="button" class="button" onClick={again}>{t("adm_user_another")}</button>
      </div>
    </Card>
  );
}

export function NewUser() {
  const user = useSignal("");
  const name = useSignal("");
  const phone = useSignal("");
  const password = usePassword();
  const made = useSignal<{ user: string; password: string } | null>(null);
  const act = useAct();
  const submit = (e: Event) => {
    e.preventDefault();
    const given: Record<string, string> = { user: user.value.trim() };
    if (name.value.trim()) given.name = name.value.trim();
    if (phone.value.trim()) given.phone = phone.value.trim();
    const args: Args = { ...given, ...passwordArgs(password) };
    act.run("user add", args, (said) => {
      made.value = { user: (said as { user?: string } | null)?.user ?? given.user ?? "", password: madePassword(said) };
    }, t("adm_user_made", { user: given.user ?? "" }));
  };
  const again = () => {
    made.value = null;
    user.value = name.value = phone.value = password.typed.value = "";
  };
  const input = (id: string, label: string, value: typeof user, hint: string) => (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="text" dir="auto" autocomplete="off" spellcheck={false} aria-describedby={`${id}-hint`} value={value.value} onInput={(e) => (value.value = e.currentTarget.value)} />
      <p class="hint" id={`${id}-hint`}>{hint}</p>
    </div>
  );
  return (
    <Page title={t("adm_user_new")} back={hrefOf("admin", "users")}>
      {made.value ? (
        <Made {...made.value} again={again} />
      ) : (
        <section class="card adm-card" aria-label={t("adm_user_new")}>
          <form class="own-form" onSubmit={submit}>
            {input("new-user", t("adm_user_address"), user, t("adm_user_address_hint"))}
            {input("new-name", t("adm_f_name"), name, t("adm_optional"))}
            {input("new-phone", t("adm_f_phone"), phone, t("adm_phone_hint"))}
            <PasswordChoice choice={password} />
            <button type="submit" class="button primary" disabled={!user.value.trim() || act.busy.value || !password.ready.value}>{t("adm_user_make")}</button>
          </form>
          <ActEnd act={act} />
        </section>
      )}
    </Page>
  );
}
