// "@Bob Marchetti" in a text: who is meant. A mention is text, so that every client shows it.

export interface Part {
  text: string;
  /** The name that is meant; null: it is no mention. */
  name: string | null;
}

const WORD = /[\p{L}\p{N}_]/u;

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The longest of these names that stands at that place. */
function nameAt(text: string, at: number, names: readonly string[]): string | null {
  const fits = names.filter((n) => {
    const after = text.charAt(at + n.length);
    return n !== "" && same(text.slice(at, at + n.length), n) && !WORD.test(after);
  });
  return fits.reduce<string | null>((best, n) => (best && best.length >= n.length ? best : n), null);
}

/** The text in pieces; an address ("bob@example.test") mentions nobody. */
export function mentionsIn(text: string, names: readonly string[]): Part[] {
  const parts: Part[] = [];
  let plain = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    if (at < plain || (at > 0 && WORD.test(text.charAt(at - 1)))) continue;
    const name = nameAt(text, at + 1, names);
    if (!name) continue;
    if (at > plain) parts.push({ text: text.slice(plain, at), name: null });
    plain = at + 1 + name.length;
    parts.push({ text: text.slice(at, plain), name });
  }
  if (plain < text.length) parts.push({ text: text.slice(plain), name: null });
  return parts;
}

export function mentions(text: string, name: string): boolean {
  return text.includes("@") && mentionsIn(text, [name]).some((p) => p.name !== null);
}

/** What is being written before `caret` as the begin of a mention: from where, and which letters. */
export function beginOf(text: string, caret: number): { from: number; letters: string } | null {
  const found = /(?:^|[^\p{L}\p{N}_@])@([\p{L}\p{N}_.\- ]{0,40})$/u.exec(text.slice(0, caret));
  if (!found) return null;
  const letters = found[1] ?? "";
  // A blank behind a name, or in front of it: the sentence goes on.
  return /^ | {2}| $/.test(letters) ? null : { from: caret - letters.length - 1, letters };
}
