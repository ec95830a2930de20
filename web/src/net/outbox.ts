// What was written while there is no connection, or whose answer is not known: kept in the order of
// writing, for as long as the tab lives, and sent when the server is there again.

import { checkFile } from "./check";
import type { Attached } from "./wire";

export interface Letter {
  ref: string;
  to: string;
  text: string;
  /** A file that the server has already. */
  file?: Attached;
  at: string;
  /** It was handed to a connection that broke before the answer. */
  uncertain: boolean;
}

/** As many wait at most; what comes then is refused to its writer. */
export const OUTBOX_MAX = 200;

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Outbox {
  private letters: Letter[];

  constructor(
    private readonly store: Store,
    private readonly key: string,
  ) {
    this.letters = read(store, key);
  }

  all(): readonly Letter[] {
    return this.letters;
  }

  /** False if too many wait. */
  add(letter: Letter): boolean {
    if (this.letters.length >= OUTBOX_MAX) return false;
    this.letters.push(letter);
    this.save();
    return true;
  }

  remove(ref: string): void {
    this.letters = this.letters.filter((l) => l.ref !== ref);
    this.save();
  }

  mark(ref: string, uncertain: boolean): void {
    this.letters = this.letters.map((l) => (l.ref === ref ? { ...l, uncertain } : l));
    this.save();
  }

  private save(): void {
    try {
      if (this.letters.length) this.store.setItem(this.key, JSON.stringify(this.letters));
      else this.store.removeItem(this.key);
    } catch {
      // A full or forbidden store: the letters live as long as the page.
    }
  }
}

function read(store: Store, key: string): Letter[] {
  try {
    const json: unknown = JSON.parse(store.getItem(key) ?? "[]");
    return Array.isArray(json) ? json.filter(isLetter).slice(0, OUTBOX_MAX).map((l) => ({ ...l, file: checkFile(l.file) })) : [];
  } catch {
    return [];
  }
}

function isLetter(v: unknown): v is Letter {
  const l = v as Letter;
  return typeof v === "object" && v !== null && [l.ref, l.to, l.text, l.at].every((s) => typeof s === "string");
}
