// The groups of the contact list: new ones, other names, away with them.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/more";
import { DEFAULT_GROUP } from "../../model/people";
import type { Group } from "../../net/wire";
import { useSession } from "../context";
import { thrownText } from "../errors";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";

const NAME_MAX = 100;

type Doing = (op: string, fields: object) => void;

function Line({ group, act }: { group: Group; act: Doing }) {
  const rename = (name: string) => {
    if (name.trim() && name.trim() !== group.name) act("groups.rename", { group: group.id, name: name.trim() });
  };
  return (
    <li class="group-line">
      <input
        type="text"
        dir="auto"
        maxLength={NAME_MAX}
        aria-label={t("groups_name", { name: group.name })}
        value={group.name}
        onBlur={(e) => rename(e.currentTarget.value)}
        onKeyDown={(e) => e.key === "Enter" && rename(e.currentTarget.value)}
      />
      <button type="button" class="icon-button" aria-label={t("groups_remove", { name: group.name })} onClick={() => act("groups.remove", { group: group.id })}>
        <Icon name="trash" size={18} />
      </button>
    </li>
  );
}

export function Groups({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const name = useSignal("");
  const error = useSignal("");
  const fail = (e: unknown) => (error.value = t("card_failed", { text: thrownText(e) }));
  const act: Doing = (op, fields) => void session.request(op, fields).then(() => (error.value = ""), fail);
  const add = (e: Event) => {
    e.preventDefault();
    if (!name.value.trim()) return;
    act("groups.add", { name: name.value.trim() });
    name.value = "";
  };
  const own = session.people.groups.value.filter((g) => g.id !== DEFAULT_GROUP);
  return (
    <Dialog title={t("groups_title")} onClose={onClose}>
      {own.length > 0 && <ul class="group-lines">{own.map((g) => <Line key={g.id} group={g} act={act} />)}</ul>}
      <form class="self-note-row" onSubmit={add}>
        <input type="text" dir="auto" maxLength={NAME_MAX} aria-label={t("groups_new")} placeholder={t("groups_new")} value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />
        <button type="submit" class="button" disabled={!name.value.trim()}><Icon name="add" size={18} />{t("groups_add")}</button>
      </form>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <p class="hint">{t("groups_hint")}</p>
    </Dialog>
  );
}
