// Who stands on the board: the contacts in their groups, or whoever is found.

import { useComputed, type ReadonlySignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import type { Session } from "../../model/app";
import type { Part } from "../../model/board";
import { isConference } from "../../model/conferences";
import { matches } from "../../model/people";
import { rosterRows } from "../../model/roster";
import type { Contact, State } from "../../net/wire";
import { groupName } from "../people/PeopleList";
import { useSearch } from "../search";

const FREE: ReadonlySet<State> = new Set<State>(["available", "idle"]);

function inGroups(session: Session, contacts: readonly Contact[], compare: (a: string, b: string) => number): Part[] {
  const { people } = session;
  const parts: (Part & { uris: string[] })[] = [];
  for (const row of rosterRows({ groups: people.groups.value, contacts, closed: new Set(), nameOf: (uri) => people.nameOf(uri), compare })) {
    if (row.kind === "group") parts.push({ key: row.key, name: groupName(row.group), uris: [] });
    else parts[parts.length - 1]?.uris.push(row.uri);
  }
  return parts;
}

/** What is shown for `query`: contacts at once, what the directory knows a moment later. */
export function useParts(session: Session, query: ReadonlySignal<string>, freeOnly: ReadonlySignal<boolean>): ReadonlySignal<Part[]> {
  const found = useSearch(session, query.value);
  return useComputed(() => {
    const { people, user } = session;
    const { compare } = new Intl.Collator(locale.value, { sensitivity: "base", numeric: true });
    const shown = (uri: string) => uri !== user.value.uri && !isConference(uri) && (!freeOnly.value || FREE.has(people.stateOf(uri)));
    const call = session.calls.current.value;
    const other = call && call.phase.value !== "ended" ? call.uri : "";
    const contacts = people.contacts.value.filter((c) => shown(c.uri));
    const text = query.value.trim();
    if (!text) return inGroups(session, contacts, compare);
    // Who is found is meant to have the call: its other side has it already.
    const mine = contacts.map((c) => c.uri).filter((uri) => uri !== other && matches(text, people.nameOf(uri), uri, people.person(uri).value.department));
    mine.sort((a, b) => compare(people.nameOf(a), people.nameOf(b)));
    const { directory, address } = found.value;
    return [
      { key: "mine", name: t("search_contacts"), uris: mine },
      { key: "directory", name: t("search_directory"), uris: [...directory, ...(address ? [address] : [])].filter((uri) => uri !== other && shown(uri)) },
    ];
  });
}
