// Words of the face. English is always there; other languages are loaded when they are chosen.

import { computed, signal } from "@preact/signals";

import { en } from "./en";

export type Plural = { one: string; other: string };
export type Key = keyof typeof en;
export type Dictionary = { readonly [K in Key]: (typeof en)[K] extends Plural ? Plural : string };
type Vars = Record<string, string | number>;

interface Locale {
  /** For Intl. */
  tag: string;
  dir: "ltr" | "rtl";
  words: Dictionary;
}

const ENGLISH: Locale = { tag: "en", dir: "ltr", words: en };
const current = signal<Locale>(ENGLISH);

export const locale = computed(() => current.value.tag);
export const direction = computed(() => current.value.dir);

const LOADERS: Record<string, () => Promise<Locale>> = {
  de: async () => ({ tag: "de", dir: "ltr", words: (await import("./de")).de }),
  rtl: async () => ({ tag: "en", dir: "rtl", words: (await import("./pseudo")).pseudo(en) }),
};

/** The first of the wanted languages that there is; English else. */
export function choose(wanted: string, browser: readonly string[]): string {
  if (wanted !== "auto") return wanted;
  const known = browser.map((l) => (l.split("-")[0] ?? "").toLowerCase()).find((l) => l === "en" || l in LOADERS);
  return known ?? "en";
}

/** Loads and shows a language. In English, the browser's own region says how dates look. */
export async function setLanguage(name: string, browser: readonly string[]): Promise<void> {
  const loaded = (await LOADERS[name]?.()) ?? ENGLISH;
  const region = browser.find((l) => l.toLowerCase().startsWith(`${loaded.tag}-`));
  current.value = { ...loaded, tag: region ?? loaded.tag };
}

function fill(text: string, vars: Vars): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in vars ? String(vars[name]) : whole));
}

/** The words for `key` in the language that is shown; `n` chooses the plural. */
export function t(key: Key, vars: Vars = {}): string {
  const { words, tag } = current.value;
  const word = words[key];
  if (typeof word === "string") return fill(word, vars);
  const rule = new Intl.PluralRules(tag).select(Number(vars.n ?? 0));
  return fill(rule === "one" ? word.one : word.other, vars);
}
