// Contacts, groups, and what is known of each person. Each person is a signal of its own, so that a
// change of one presence draws one row again, not the list.

import { computed, signal, type Signal } from "@preact/signals";

import type { Contact, Group, Person, State } from "../net/wire";
import { isConference } from "./conferences";

/** The group that every list has; its people are those without another group. */
export const DEFAULT_GROUP = 1;

export class People {
  readonly groups = signal<Group[]>([]);
  readonly contacts = signal<Contact[]>([]);
  /** The list has been told; before that nothing can be said of it. */
  readonly known = signal(false);
  readonly byUri = computed(() => new Map(this.contacts.value.map((c) => [c.uri, c])));
  private readonly cards = new Map<string, Signal<Person>>();

  /** `unnamed`: what a group chat is called before its name is known. */
  constructor(private readonly unnamed: () => string = () => "") {}

  /** What is known of somebody; of a stranger only the address. */
  person(uri: string): Signal<Person> {
    let card = this.cards.get(uri);
    if (!card) {
      card = signal<Person>({ uri });
      this.cards.set(uri, card);
    }
    return card;
  }

  setContacts(groups: Group[], contacts: Contact[]): void {
    this.groups.value = groups.some((g) => g.id === DEFAULT_GROUP) ? groups : [{ id: DEFAULT_GROUP, name: "~" }, ...groups];
    this.contacts.value = contacts;
    this.known.value = true;
  }

  /** What changed of people. A state comes with its activity and its time: without them, it has none. */
  setPresence(people: Person[]): void {
    for (const p of people) {
      const card = this.person(p.uri);
      const { activity, since, device } = p;
      card.value = { ...card.value, ...(p.state ? { activity, since, device } : {}), ...defined(p) };
    }
  }

  /** What a search found: the card, not the state. */
  setFound(people: Person[]): void {
    for (const p of people) {
      const card = this.person(p.uri);
      card.value = { ...card.value, ...defined(p) };
    }
  }

  /** The name of a group chat, or of somebody in it of whom nothing else is known. */
  setName(uri: string, name: string): void {
    const card = this.person(uri);
    if (isConference(uri) || !card.peek().name) card.value = { ...card.peek(), name };
  }

  /** The session is a new one: no state is known until it is told again. */
  forgetStates(): void {
    for (const card of this.cards.values()) {
      if (card.value.state) card.value = { ...card.value, state: "unknown", activity: undefined, since: undefined };
    }
  }

  /** Whether the contacts or the directory have a name for somebody. */
  knows(uri: string): boolean {
    return !!(this.byUri.value.get(uri)?.name || this.person(uri).value.name);
  }

  /** What the user calls somebody: the contact's name, the directory's, or the address without its domain. */
  nameOf(uri: string): string {
    const name = this.byUri.value.get(uri)?.name || this.person(uri).value.name;
    return name || (isConference(uri) ? this.unnamed() : (uri.split("@")[0] ?? uri));
  }

  stateOf(uri: string): State {
    return this.person(uri).value.state ?? "unknown";
  }

  groupsOf(uri: string): number[] {
    const groups = this.byUri.value.get(uri)?.groups ?? [];
    const known = groups.filter((id) => this.groups.value.some((g) => g.id === id));
    return known.length ? known : [DEFAULT_GROUP];
  }
}

function defined(p: Person): Person {
  return Object.fromEntries(Object.entries(p).filter(([, v]) => v !== undefined)) as unknown as Person;
}

/** Whether all words of `query` begin a word of one of the texts; without regard to case and accents. */
export function matches(query: string, ...texts: (string | undefined)[]): boolean {
  const words = texts.flatMap((t) => (t ? fold(t).split(/[\s.@,_-]+/) : []));
  return fold(query)
    .split(/[\s.@,_-]+/)
    .every((q) => words.some((w) => w.startsWith(q)));
}

function fold(s: string): string {
  return s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
