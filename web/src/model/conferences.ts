// Group chats: conferences that last. What is said in one is a chat by its address; here is who is in it.

import { signal, type Signal } from "@preact/signals";

import type { Event, Member } from "../net/wire";

/** The server tells of so many at once. */
export const WATCHED_MAX = 50;

export interface Conference {
  name: string;
  organizer: string;
  members: ReadonlyMap<string, Member>;
}

/** Whether a chat is one of several people: by its address, which no person can have. */
export function isConference(chat: string): boolean {
  return /^conf-[0-9a-z]{8,32}\./i.test(chat);
}

export interface ConferencesWorld {
  request(op: string, fields?: object): Promise<unknown>;
  /** Names are shown where those of people are. */
  named(uri: string, name: string): void;
}

/** undefined: not told yet; null: the user is not in it, or it is there no more. */
export type Known = Conference | null | undefined;

export class Conferences {
  private readonly all = new Map<string, Signal<Known>>();

  constructor(private readonly world: ConferencesWorld) {}

  of(chat: string): Signal<Known> {
    let one = this.all.get(chat);
    if (!one) {
      one = signal<Known>(undefined);
      this.all.set(chat, one);
    }
    return one;
  }

  event(e: Event & { ev: "conference" }): void {
    const one = this.of(e.chat);
    if (e.state === "none") {
      one.value = null;
      return;
    }
    const old = e.state === "full" ? null : one.peek();
    const members = new Map(old?.members);
    for (const m of e.people) {
      members.set(m.uri, m);
      if (m.name) this.world.named(m.uri, m.name);
    }
    for (const uri of e.gone) members.delete(uri);
    one.value = { name: e.name ?? old?.name ?? "", organizer: e.organizer ?? old?.organizer ?? "", members };
    if (e.name) this.world.named(e.chat, e.name);
  }

  /** The session is a new one: all is told again. */
  forget(): void {
    for (const one of this.all.values()) one.value = undefined;
  }

  /** Makes one with these people. Who could not be added is told, with the error. */
  async create(name: string, people: readonly string[]): Promise<{ chat: string; failed: [string, unknown][] }> {
    const ok = (await this.world.request("conference.create", { name })) as { chat?: unknown };
    const chat = typeof ok.chat === "string" ? ok.chat : "";
    this.world.named(chat, name);
    return { chat, failed: await this.add(chat, people) };
  }

  async add(chat: string, people: readonly string[]): Promise<[string, unknown][]> {
    const failed: [string, unknown][] = [];
    for (const uri of people) await this.world.request("conference.add", { chat, uri }).catch((e: unknown) => failed.push([uri, e]));
    return failed;
  }

  /** Goes in oneself, where one is invited or everybody may. */
  join(chat: string, me: string): Promise<unknown> {
    return this.world.request("conference.add", { chat, uri: me });
  }

  remove(chat: string, uri: string): Promise<unknown> {
    return this.world.request("conference.remove", { chat, uri });
  }

  /** Another member leads from now on. */
  lead(chat: string, uri: string): Promise<unknown> {
    return this.world.request("conference.lead", { chat, uri });
  }

  rename(chat: string, name: string): Promise<unknown> {
    return this.world.request("conference.rename", { chat, name });
  }
}
