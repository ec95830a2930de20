// Words of the face. English is always there; other languages are loaded when they are chosen.

import { computed, signal } from "@preact/signals";

import { en } from "./en";
import type { en as admin } from "./admin";
import type { en as more } from "./more";

export type Plural = { one: string; other: string };
/** What another language must have of these. */
export type Words<T> = { readonly [K in keyof T]: T[K] extends Plural ? Plural : string };
export type Dictionary = Words<typeof en>;
export type Key = keyof typeof en | keyof typeof more | keyof typeof admin;
type Vars = Record<string, string | number>;
type AnyWords = Readonly<Record<string, string | Plural>>;

interface Locale {
  /** For Intl. */
  tag: string;
  dir: "ltr" | "rtl";
  words: AnyWords;
  /** Of the words that came later, this language's. */
  pick: (en: AnyWords, de: AnyWords) => AnyWords;
}

const ENGLISH: Locale = { tag: "en", dir: "ltr", words: en, pick: (x) => x };
const current = signal<Locale>(ENGLISH);
const later = signal<[AnyWords, AnyWords]>([{}, {}]);
const added = computed(() => current.value.pick(...later.value));

export const locale = computed(() => current.value.tag);
export const direction = computed(() => current.value.dir);

const LOADERS: Record<string, () => Promise<Locale>> = {
  de: async () => ({ tag: "de", dir: "ltr", words: (await import("./de")).de, pick: (_, de) => de }),
  rtl: async () => {
    const { pseudo } = await import("./pseudo");
    return { tag: "en", dir: "rtl", words: pseudo(en), pick: pseudo };
  },
};

/** The words of what is loaded when it is needed (more.ts, admin.ts), in all languages. */
export function addWords(english: AnyWords, german: AnyWords): void {
  const [en, de] = later.peek();
  later.value = [{ ...en, ...english }, { ...de, ...german }];
}

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
  const word = words[key] ?? added.value[key] ?? key;
  if (typeof word === "string") return fill(word, vars);
  const rule = new Intl.PluralRules(tag).select(Number(vars.n ?? 0));
  return fill(rule === "one" ? word.one : word.other, vars);
}
