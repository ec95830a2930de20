// A language that nobody speaks, from right to left: English with marks, a third longer. Whoever sees a
// plain English word in it has found a text that is not translatable, or a layout that does not give way.

import type { Plural } from ".";

const MARKED: Record<string, string> = {
  a: "á", c: "ç", d: "ð", e: "é", i: "í", n: "ñ", o: "ó", s: "š", u: "ú", y: "ý",
  A: "Á", C: "Ç", E: "É", I: "Í", N: "Ñ", O: "Ó", S: "Š", U: "Ú", Y: "Ý",
};

export function mark(text: string): string {
  const longer = "·".repeat(Math.ceil(text.length / 6));
  const marked = text.replace(/\{\w+\}|[A-Za-z]/g, (c) => (c.length > 1 ? c : (MARKED[c] ?? c)));
  return `⟦${marked}${longer}⟧`;
}

export function pseudo(words: Readonly<Record<string, string | Plural>>): Record<string, string | Plural> {
  const marked = Object.entries(words).map(([key, word]) => [
    key,
    typeof word === "string" ? mark(word) : { one: mark(word.one), other: mark(word.other) },
  ]);
  return Object.fromEntries(marked);
}
