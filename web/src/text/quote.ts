// Answers to one message: what is answered stands in front as a Markdown quote, so that every client shows it.

const LINES = 4;
const LINE = 160;

/** The begin of an answer to what `name` said; quotes within it are left out. */
export function quoteOf(name: string, text: string): string {
  const lines = withoutQuotes(text).split("\n");
  const cut = lines.slice(0, LINES).map((l) => (l.length > LINE ? `${[...l].slice(0, LINE).join("")}…` : l));
  if (lines.length > LINES) cut.push("…");
  return `${[`${name}: ${cut[0]}`, ...cut.slice(1)].map((l) => `> ${l}`).join("\n")}\n\n`;
}

/** What somebody said himself; of one who only quotes, the quote. */
export function withoutQuotes(text: string): string {
  const own = text.replace(/\r\n?/g, "\n").split("\n").filter((l) => !l.startsWith(">")).join("\n").trim();
  return own || text.replace(/^>\s?/gm, "").trim();
}
