// A part of a text around the words that were searched for, in pieces of which some are those words.

export interface Piece {
  text: string;
  hit: boolean;
}

const BEFORE = 32;
const LENGTH = 140;

/** Without case and accents, and of the same length, so that places in it are places in the text. */
export function plain(text: string): string {
  return Array.from({ length: text.length }, (_, i) => {
    const c = text.charAt(i);
    const base = c.normalize("NFD").charAt(0).toLowerCase();
    return base.length === 1 ? base : c;
  }).join("");
}

/** The places of all words, in order and without overlap. */
function hits(text: string, words: string[]): [number, number][] {
  const found: [number, number][] = [];
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) found.push([at, at + word.length]);
  }
  found.sort((a, b) => a[0] - b[0]);
  let end = 0;
  return found.filter(([from, to]) => from >= end && (end = to) > 0);
}

/** The begin of the first word from there on, if one begins before `end`: nothing starts with half a word. */
function wordFrom(line: string, from: number, end: number): number {
  const blank = line.indexOf(" ", from - 1);
  return from > 0 && blank >= 0 && blank < end ? blank + 1 : from;
}

/** `query` as it was typed: its words are what lies between blanks and punctuation. */
export function snippet(text: string, query: string): Piece[] {
  const line = text.replace(/\s+/g, " ").trim();
  const words = plain(query).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const all = hits(plain(line), words);
  const first = all[0]?.[0] ?? 0;
  const from = wordFrom(line, Math.max(0, first - BEFORE), first);
  const to = Math.min(line.length, from + LENGTH);
  const pieces: Piece[] = [];
  const add = (a: number, b: number, hit: boolean) => b > a && pieces.push({ text: line.slice(a, b), hit });
  let at = from;
  if (from > 0) pieces.push({ text: "…", hit: false });
  for (const [a, b] of all) {
    if (b > to) break;
    add(at, a, false);
    add(a, b, true);
    at = b;
  }
  add(at, to, false);
  if (to < line.length) pieces.push({ text: "…", hit: false });
  return pieces;
}
