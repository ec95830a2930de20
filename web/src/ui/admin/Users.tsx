// All users, and the search for one.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/admin";
import { hrefOf } from "../../model/route";
import { checkUsers, give, type UserRow } from "../../net/admin";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { Skeleton } from "../parts/Skeleton";
import { adminErrorText } from "./errors";
import { Mark, Nothing, Page } from "./parts";

const STEP = 100;
const PAUSE_MS = 250;

export function userHref(user: string): string {
  return hrefOf("admin", `users/${user}`);
}

function Row({ row }: { row: UserRow }) {
  return (
    <li>
      <a class="adm-user" href={userHref(row.user)}>
        <Avatar uri={row.user} presence={false} />
        <span class="adm-user-who">
          <span class="adm-user-name"><bdi>{row.name || row.user}</bdi></span>
          <span class="muted">{[row.user, row.phone, row.department].filter(Boolean).join(" · ")}</span>
        </span>
        {row.admin && <Mark tone="plain">{t("adm_is_admin")}</Mark>}
        {row.disabled && <Mark tone="bad">{t("adm_is_disabled")}</Mark>}
      </a>
    </li>
  );
}

function useUsers() {
  const rows = useSignal<UserRow[] | null>(null);
  const more = useSignal(false);
  const error = useSignal("");
  const text = useSignal("");
  const ask = async (wanted: string, after: string) => {
    try {
      const found = checkUsers(await give("user list", { text: wanted, after, max: STEP + 1 }));
      if (wanted !== text.peek()) return;
      rows.value = [...(after ? (rows.peek() ?? []) : []), ...found.slice(0, STEP)];
      more.value = found.length > STEP;
      error.value = "";
    } catch (e) {
      if (wanted === text.peek()) error.value = adminErrorText(e);
    }
  };
  useEffect(() => {
    const wanted = text.value;
    const timer = setTimeout(() => void ask(wanted, ""), rows.peek() ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [text.value]);
  const goOn = () => ask(text.peek(), rows.peek()?.at(-1)?.user ?? "");
  return { rows, more, error, text, goOn, again: () => ask(text.peek(), "") };
}

export function Users() {
  const { rows, more, error, text, goOn, again } = useUsers();
  const tools = (
    <>
      <a class="button" href={hrefOf("admin", "import")}>{t("adm_import")}</a>
      <a class="button primary" href={hrefOf("admin", "new-user")}>
        <Icon name="add" size={18} />
        {t("adm_user_new")}
      </a>
    </>
  );
  return (
    <Page title={t("adm_users")} tools={tools}>
      <section class="card adm-card" aria-label={t("adm_users")}>
        <div class="field adm-wide">
          <label for="adm-find">{t("adm_users_find")}</label>
          <input id="adm-find" type="text" dir="auto" autocomplete="off" spellcheck={false} value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} />
        </div>
        {error.value && (
          <p class="form-error" role="alert">
            <span>{error.value}</span>
            <button type="button" class="link" onClick={() => void again()}>{t("retry")}</button>
          </p>
        )}
        {!rows.value && !error.value && <Skeleton />}
        <p class="hidden" role="status">{rows.value && t("adm_users_count", { n: rows.value.length })}</p>
        {rows.value?.length === 0 && <Nothing icon="people" title={t("adm_users_none")} />}
        {rows.value && rows.value.length > 0 && <ul class="adm-users">{rows.value.map((r) => <Row key={r.user} row={r} />)}</ul>}
        {more.value && <button type="button" class="button" onClick={() => void goOn()}>{t("adm_more")}</button>}
      </section>
    </Page>
  );
}
