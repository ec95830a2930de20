// What a user set in this browser, and other small things that are kept in it. Nothing here is secret,
// and everything read back is checked: other versions of this program wrote it too.

import { effect, signal, type Signal } from "@preact/signals";

export { isQuiet } from "./quiet";

export type Theme = "auto" | "light" | "dark";
export type Language = "auto" | "en" | "de" | "rtl";

export interface Prefs {
  theme: Theme;
  language: Language;
  notify: boolean;
  /** The text of a message may stand on the screen of a locked or shared device. */
  notifyText: boolean;
  /** Each day between these times, nothing rings and the system shows nothing: "22:00". */
  quiet: boolean;
  quietFrom: string;
  quietTo: string;
}

const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

const DEFAULTS: Prefs = { theme: "auto", language: "auto", notify: true, notifyText: true, quiet: false, quietFrom: "22:00", quietTo: "07:00" };
const KEY = "dialtone.prefs";

function oneOf<T>(v: unknown, allowed: readonly T[], other: T): T {
  return allowed.includes(v as T) ? (v as T) : other;
}

export function timeOf(v: unknown, other: string): string {
  return typeof v === "string" && TIME.test(v) ? v : other;
}

export function readJson(store: Pick<Storage, "getItem">, key: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(store.getItem(key) ?? "{}");
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function writeJson(store: Pick<Storage, "setItem">, key: string, value: unknown): void {
  try {
    store.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: it holds for this page only.
  }
}

export function loadPrefs(store: Storage): Signal<Prefs> {
  const v = readJson(store, KEY);
  const prefs = signal<Prefs>({
    theme: oneOf(v.theme, ["auto", "light", "dark"], DEFAULTS.theme),
    language: oneOf(v.language, ["auto", "en", "de", "rtl"], DEFAULTS.language),
    notify: typeof v.notify === "boolean" ? v.notify : DEFAULTS.notify,
    notifyText: typeof v.notifyText === "boolean" ? v.notifyText : DEFAULTS.notifyText,
    quiet: v.quiet === true,
    quietFrom: timeOf(v.quietFrom, DEFAULTS.quietFrom),
    quietTo: timeOf(v.quietTo, DEFAULTS.quietTo),
  });
  effect(() => writeJson(store, KEY, prefs.value));
  return prefs;
}

/** How far each chat has been read, and drafts: a map in the store, bounded, shared with other tabs. */
export class Shelf {
  readonly values: Signal<Record<string, string>>;

  constructor(
    private readonly store: Storage,
    private readonly key: string,
    private readonly max: number,
  ) {
    this.values = signal(this.read());
  }

  get(name: string): string {
    return this.values.peek()[name] ?? "";
  }

  set(name: string, value: string): void {
    if (this.get(name) === value) return;
    const all = { ...this.values.peek() };
    // Taken out and put back, the last written stands last; the first are what a full shelf loses.
    delete all[name];
    if (value) all[name] = value;
    for (const old of Object.keys(all).slice(0, -this.max)) delete all[old];
    this.values.value = all;
    writeJson(this.store, this.key, all);
  }

  /** Another tab wrote. */
  changed(event: StorageEvent): void {
    if (event.key === this.key) this.values.value = this.read();
  }

  private read(): Record<string, string> {
    const entries = Object.entries(readJson(this.store, this.key));
    return Object.fromEntries(entries.filter((e): e is [string, string] => typeof e[1] === "string"));
  }
}
