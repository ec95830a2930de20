// Addresses in plain text that can be followed. Only http, https and mailto: a peer must not be able to
// put anything else behind a click.

export interface Link {
  /** As it stands in the text. */
  text: string;
  href: string;
}

const START = /(?:https?:\/\/|mailto:|www\.)/iy;
/** Where an address ends: white space, controls, quotes, and marks that turn the direction of text. */
const END = /[\s\u0000-\u001f\u007f<>"`\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;
const LINK_MAX = 2_000;

/** The link that begins at `at`, or null. */
export function linkAt(line: string, at: number): Link | null {
  const c = line.charCodeAt(at) | 0x20;
  if (c !== 0x68 && c !== 0x6d && c !== 0x77) return null; // h, m, w
  if (at > 0 && /[\p{L}\p{N}]/u.test(line[at - 1] ?? "")) return null;
  START.lastIndex = at;
  if (!START.test(line)) return null;
  let end = at;
  while (end < line.length && end - at < LINK_MAX && !END.test(line[end] ?? "")) end++;
  const text = trimEnd(line.slice(at, end));
  const href = hrefOf(text);
  return href ? { text, href } : null;
}

/** Punctuation at the end belongs to the sentence, a bracket only if it was not opened inside. */
function trimEnd(text: string): string {
  const count = (c: string) => text.split(c).length - 1;
  const surplus: Record<string, number> = { ")": count(")") - count("("), "]": count("]") - count("[") };
  let end = text.length;
  for (; end > 0; end--) {
    const last = text[end - 1] ?? "";
    const extra = surplus[last];
    if (extra === undefined ? !/[.,;:!?'*_~]/.test(last) : extra <= 0) break;
    if (extra !== undefined) surplus[last] = extra - 1;
  }
  return text.slice(0, end);
}

function hrefOf(text: string): string | null {
  try {
    const url = new URL(/^www\./i.test(text) ? `https://${text}` : text);
    if (url.protocol === "mailto:") return /^[^@\s]+@[^@\s]+$/.test(url.pathname) ? url.href : null;
    const good = (url.protocol === "https:" || url.protocol === "http:") && url.hostname.length > 0;
    // A name before the host is there to deceive: https://bank.example@evil.example
    return good && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
