// The contact list as rows: each group's head, then its people. Pure.

import type { Contact, Group } from "../net/wire";
import { DEFAULT_GROUP } from "./people";

export type RosterRow =
  | { kind: "group"; key: string; group: Group; open: boolean; count: number; position: number; size: number }
  | { kind: "person"; key: string; uri: string; position: number; size: number };

export interface RosterInput {
  groups: readonly Group[];
  contacts: readonly Contact[];
  closed: ReadonlySet<number>;
  nameOf: (uri: string) => string;
  compare: (a: string, b: string) => number;
}

function membersOf(input: RosterInput): Map<number, Contact[]> {
  const members = new Map<number, Contact[]>(input.groups.map((g) => [g.id, []]));
  for (const c of input.contacts) {
    const ids = c.groups.filter((id) => members.has(id));
    for (const id of ids.length ? ids : [DEFAULT_GROUP]) members.get(id)?.push(c);
  }
  return members;
}

/** Groups in the order of the list, the default group last and only if it has people or is alone. */
export function rosterRows(input: RosterInput): RosterRow[] {
  const members = membersOf(input);
  const groups = [
    ...input.groups.filter((g) => g.id !== DEFAULT_GROUP),
    ...input.groups.filter((g) => g.id === DEFAULT_GROUP && (members.get(g.id)?.length || input.groups.length === 1)),
  ];
  const rows: RosterRow[] = [];
  groups.forEach((group, i) => {
    const open = !input.closed.has(group.id);
    const people = (members.get(group.id) ?? []).map((c) => ({ uri: c.uri, name: input.nameOf(c.uri) }));
    people.sort((a, b) => input.compare(a.name, b.name));
    rows.push({ kind: "group", key: `g${group.id}`, group, open, count: people.length, position: i + 1, size: groups.length });
    if (!open) return;
    people.forEach(({ uri }, j) =>
      rows.push({ kind: "person", key: `g${group.id}/${uri}`, uri, position: j + 1, size: people.length }),
    );
  });
  return rows;
}
