// The contacts in their groups, with search above.

import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import { DEFAULT_GROUP } from "../../model/people";
import { rosterRows, type RosterRow } from "../../model/roster";
import { go } from "../../model/route";
import type { Group } from "../../net/wire";
import { overlay, useSession } from "../context";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/Icon";
import { Skeleton } from "../parts/Skeleton";
import { VirtualList } from "../parts/VirtualList";
import { PersonLine } from "./PersonLine";
import { focusList, openFirst, SearchField, SearchResults } from "./Search";

const GROUP_PX = 34;
const PERSON_PX = 56;

/** The server's default group has no name of its own. */
export function groupName(group: Group): string {
  return group.id === DEFAULT_GROUP && (group.name === "~" || !group.name) ? t("roster_other") : group.name;
}

function GroupHead({ row }: { row: RosterRow & { kind: "group" } }) {
  return (
    <div class="group-head">
      <span class={row.open ? "fold open" : "fold"}><Icon name="chevron" size={14} turn /></span>
      <bdi class="ellipsis">{groupName(row.group)}</bdi>
      <span class="count" aria-hidden="true">{row.count}</span>
      <span class="hidden">{t("roster_count", { n: row.count })}</span>
    </div>
  );
}

/** The groups that are folded, for as long as the page lives. */
function useFolded() {
  const closed = useSignal<ReadonlySet<number>>(new Set());
  const fold = (id: number, close: boolean) => {
    const next = new Set(closed.value);
    if (close) next.add(id);
    else next.delete(id);
    closed.value = next;
  };
  return { closed, fold };
}

function Roster() {
  const { people, route } = useSession();
  const { closed, fold } = useFolded();
  const rows = useComputed(() => {
    const order = new Intl.Collator(locale.value, { sensitivity: "base", numeric: true });
    return rosterRows({
      groups: people.groups.value,
      contacts: people.contacts.value,
      closed: closed.value,
      nameOf: (uri) => people.nameOf(uri),
      compare: (a, b) => order.compare(a, b),
    });
  });
  const uri = route.value.uri;
  const selected = rows.value.find((r) => r.kind === "person" && r.uri === uri)?.key ?? null;
  const onKey = (row: RosterRow, key: string): boolean => {
    if (row.kind !== "group" || (key !== "ArrowLeft" && key !== "ArrowRight")) return false;
    fold(row.group.id, (key === "ArrowLeft") === (document.documentElement.dir !== "rtl"));
    return true;
  };
  return (
    <VirtualList<RosterRow>
      rows={rows.value}
      role="tree"
      label={t("roster")}
      selected={selected}
      height={(r) => (r.kind === "group" ? GROUP_PX : PERSON_PX)}
      text={(r) => (r.kind === "group" ? groupName(r.group) : people.nameOf(r.uri))}
      aria={(r) => ({
        role: "treeitem",
        "aria-level": r.kind === "group" ? 1 : 2,
        "aria-posinset": r.position,
        "aria-setsize": r.size,
        "aria-selected": r.key === selected,
        "aria-expanded": r.kind === "group" ? r.open : undefined,
      })}
      render={(r) => (r.kind === "group" ? <GroupHead row={r} /> : <PersonLine uri={r.uri} />)}
      onOpen={(r) => (r.kind === "group" ? fold(r.group.id, r.open) : go("people", r.uri))}
      onKey={onKey}
    />
  );
}

export function PeopleList() {
  const { people } = useSession();
  const query = useSignal("");
  const box = useRef<HTMLDivElement>(null);
  const empty = people.known.value && !people.contacts.value.length;
  return (
    <div class="list-pane" ref={box}>
      <header class="list-top">
        <h1>{t("people_title")}</h1>
        <button type="button" class="icon-button" aria-label={t("groups_manage")} title={t("groups_manage")} onClick={() => (overlay.value = "groups")}>
          <Icon name="folder" />
        </button>
      </header>
      <SearchField query={query} onDown={() => focusList(box.current)} onEnter={() => openFirst(box.current)} />
      {query.value.trim() ? (
        <SearchResults query={query.value} onOpen={(uri) => go("people", uri)} />
      ) : !people.known.value ? (
        <Skeleton />
      ) : empty ? (
        <Empty icon="people" title={t("roster_empty_title")} text={t("roster_empty_text")} />
      ) : (
        <Roster />
      )}
    </div>
  );
}
