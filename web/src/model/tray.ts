// Files that are to be sent: they wait their turn, go to the server while the user still writes, and with
// the button go into the chat. What fails stays, until it is tried again or taken out.

import { effect, signal, type ReadonlySignal } from "@preact/signals";

import type { Upload } from "../net/upload";
import { codeOf, type Attached } from "../net/wire";

/** `there`: the server has it. */
export type ItemState = "waiting" | "sending" | "there" | "failed";

export interface Item {
  key: string;
  chat: string;
  file: File;
  name: string;
  state: ItemState;
  /** Bytes that have gone. */
  gone: number;
  /** Of the error. */
  code: string;
  attached: Attached | null;
  /** The user has pressed the button: it goes into the chat when the server has it. */
  released: boolean;
  /** What the user wrote to it. */
  caption: string;
}

/** So many stand in the tray, all chats together. */
export const TRAY_MAX = 20;
/** So many are on their way at a time; the server takes four of a user. */
const AT_ONCE = 2;
/** No other try can help these. */
const FINAL = new Set(["too_large", "infected"]);

export function mayRetry(item: Item): boolean {
  return item.state === "failed" && !FINAL.has(item.code);
}

export interface TrayWorld {
  online: ReadonlySignal<boolean>;
  /** The most bytes of a file. */
  limit(): number;
  mark(): string;
  upload(chat: string, name: string, file: File, progress: (bytes: number) => void): Upload;
  /** False if too much waits to be sent. */
  send(chat: string, text: string, file: Attached): boolean;
}

export interface Chosen {
  file: File;
  name: string;
}

/** `none`: the server takes no files; `full`: so many do not go into the tray; `folder`: those are no files. */
export type Refusal = "none" | "full" | "folder";

export class Tray {
  readonly items = signal<readonly Item[]>([]);
  /** Why not everything was taken that the user wanted to send last. */
  readonly refused = signal<{ chat: string; why: Refusal } | null>(null);
  private readonly uploads = new Map<string, Upload>();
  private readonly end: () => void;

  constructor(private readonly world: TrayWorld) {
    this.end = effect(() => {
      if (world.online.value) queueMicrotask(() => this.back());
    });
  }

  of(chat: string): readonly Item[] {
    return this.items.value.filter((i) => i.chat === chat);
  }

  /** How many the button would send, those that are still on their way among them. */
  waits(chat: string): number {
    return this.of(chat).filter((i) => !i.released && i.state !== "failed").length;
  }

  /** `folders`: there were some among what was chosen. Returns how many files are taken. */
  add(chat: string, chosen: readonly Chosen[], folders = false): number {
    const none = this.world.limit() === 0;
    const room = none ? 0 : TRAY_MAX - this.items.peek().length;
    const taken = chosen.slice(0, Math.max(0, room));
    const why = none ? "none" : taken.length < chosen.length ? "full" : folders ? "folder" : null;
    this.refused.value = why && { chat, why };
    const items = taken.map(({ file, name }): Item => {
      const large = file.size > this.world.limit();
      const fate = { state: large ? "failed" : "waiting", code: large ? "too_large" : "" } as const;
      return { key: this.world.mark(), chat, file, name, ...fate, gone: 0, attached: null, released: false, caption: "" };
    });
    this.items.value = [...this.items.peek(), ...items];
    this.pump();
    return taken.length;
  }

  /** Takes it out, and stops it if it is on its way; returns what was written to it. */
  remove(key: string): string {
    const item = this.find(key);
    this.items.value = this.items.peek().filter((i) => i.key !== key);
    this.uploads.get(key)?.stop();
    if (item) this.deliver(item.chat);
    return item?.caption ?? "";
  }

  retry(key: string): void {
    const item = this.find(key);
    if (!item || !mayRetry(item)) return;
    this.change(key, { state: item.attached ? "there" : "waiting", code: "" });
    this.deliver(item.chat);
    this.pump();
  }

  /** The button was pressed: the first file has the text with it. False if there is no file that could go. */
  release(chat: string, text: string): boolean {
    const going = this.of(chat).filter((i) => !i.released && i.state !== "failed");
    going.forEach((i, n) => this.change(i.key, { released: true, caption: n ? "" : text }));
    this.deliver(chat);
    return going.length > 0;
  }

  stop(): void {
    this.end();
    this.items.value = [];
    this.uploads.forEach((u) => u.stop());
  }

  private find(key: string): Item | undefined {
    return this.items.peek().find((i) => i.key === key);
  }

  private change(key: string, to: Partial<Item>): void {
    this.items.value = this.items.peek().map((i) => (i.key === key ? { ...i, ...to } : i));
  }

  /** The connection is there again: what broke with it goes on by itself. */
  private back(): void {
    for (const i of this.items.peek()) if (i.code === "offline") this.change(i.key, { state: "waiting", code: "" });
    this.pump();
  }

  private pump(): void {
    while (this.uploads.size < AT_ONCE && this.world.online.peek()) {
      const next = this.items.peek().find((i) => i.state === "waiting");
      if (!next) return;
      void this.start(next);
    }
  }

  private async start({ key, chat, name, file }: Item): Promise<void> {
    this.change(key, { state: "sending", gone: 0 });
    const upload = this.world.upload(chat, name, file, (bytes) => this.change(key, { gone: Math.min(bytes, file.size) }));
    this.uploads.set(key, upload);
    try {
      const attached = await upload.done;
      this.change(key, { state: "there", attached });
    } catch (error) {
      const code = codeOf(error);
      const again = code === "offline" && !this.world.online.peek();
      this.change(key, again ? { state: "waiting" } : { state: "failed", code });
    }
    this.uploads.delete(key);
    this.deliver(chat);
    this.pump();
  }

  /** Sends those that may go, in their order; one that failed does not keep the others. */
  private deliver(chat: string): void {
    for (const item of this.items.peek()) {
      if (item.chat !== chat || !item.released || item.state === "failed") continue;
      if (!item.attached) return;
      if (this.world.send(chat, item.caption, item.attached)) this.items.value = this.items.peek().filter((i) => i.key !== item.key);
      else this.change(item.key, { state: "failed", code: "waits" });
    }
  }
}
