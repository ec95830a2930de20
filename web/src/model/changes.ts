// What is done to messages that are sent: another text, none at all, a reaction. The server tells everybody by
// the event `change`, oneself too.

import { signal } from "@preact/signals";

import { codeOf, type ChangeEvent } from "../net/wire";
import type { Entry } from "./entries";

export type Sent = Entry & { id: string };

/** The composer's text takes the place of that message's. */
export interface Edit {
  chat: string;
  entry: Sent;
}

export type Kind = "edit" | "delete" | "react";

/** What is to be said of the last change in a chat: it failed, or not every device shows it. */
export type Note = { chat: string; kind: Kind; code: string };
/** In the place of an error's code: it was done, but some devices cannot show it. */
export const UNSEEN = "unseen";

export interface ChangesWorld {
  request(op: string, fields: object): Promise<unknown>;
  me(): string;
  now(): Date;
  /** As if the server had told it. */
  apply(change: ChangeEvent): void;
}

/** Whether it is at the server, so that it can be changed: `own-` is one that nobody keeps. */
export function canChange(e: Entry): e is Sent {
  return e.id !== null && !e.id.startsWith("own-") && !e.deleted;
}

/** A file's message is a text with its address in it: with a file that is there no more nobody can write it anew. */
export function canEdit(e: Entry, me: string): e is Sent {
  return canChange(e) && e.from === me && (!e.file || e.file.url !== "");
}

export class Changes {
  readonly edit = signal<Edit | null>(null);
  /** The text is on its way. */
  readonly busy = signal(false);
  readonly note = signal<Note | null>(null);
  /** Of what it was said that some devices do not show it: once is enough. */
  private readonly told = new Set<Kind>();

  constructor(private readonly world: ChangesWorld) {}

  /** What is edited in that chat. */
  editing(chat: string): Edit | null {
    return this.edit.value?.chat === chat ? this.edit.value : null;
  }

  begin(chat: string, entry: Sent): void {
    this.note.value = null;
    this.edit.value = { chat, entry };
  }

  cancel(): void {
    this.edit.value = null;
  }

  /** Ends the edit; with an error it stays, and the text with it. */
  async save(text: string): Promise<void> {
    const edit = this.edit.peek();
    if (!edit || this.busy.peek()) return;
    this.busy.value = true;
    const same = text === edit.entry.text;
    const done = same || (await this.ask("edit", edit.chat, edit.entry, { text, file: edit.entry.file?.id }));
    this.busy.value = false;
    if (done && this.edit.peek() === edit) this.cancel();
  }

  async remove(chat: string, entry: Sent): Promise<void> {
    if (this.edit.peek()?.entry.id === entry.id) this.cancel();
    await this.ask("delete", chat, entry, { file: entry.file?.id || undefined });
  }

  /** It is shown at once, and taken back if the server does not take it. */
  async react(chat: string, entry: Sent, emoji: string, on: boolean): Promise<void> {
    const apply = (kind: "react" | "unreact") =>
      this.world.apply({ ev: "change", chat, id: entry.id, from: this.world.me(), at: this.world.now().toISOString(), kind, text: "", emoji });
    apply(on ? "react" : "unreact");
    if (!(await this.ask("react", chat, entry, { emoji, on }))) apply(on ? "unreact" : "react");
  }

  private async ask(kind: Kind, chat: string, { id, at }: Sent, fields: object): Promise<boolean> {
    this.note.value = null;
    try {
      const answer = await this.world.request(`chat.${kind}`, { chat, message: id, at, ...fields });
      if ((answer as { shown?: unknown } | null)?.shown === false && !this.told.has(kind)) {
        this.told.add(kind);
        this.note.value = { chat, kind, code: UNSEEN };
      }
      return true;
    } catch (error) {
      this.note.value = { chat, kind, code: codeOf(error) };
      return false;
    }
  }
}
