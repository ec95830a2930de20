// The begin of a message for a list or a notice: one's own words, without what they answer and without Markdown.

import { plainText } from "./markdown";
import { withoutQuotes } from "./quote";

/** So many letters are read for each that is shown: marks are left out, and a text may be very long. */
const READ = 4;

export function preview(text: string, max: number): string {
  const words = plainText(withoutQuotes(text).slice(0, READ * max));
  // A block of code that ends further below has left its mark.
  return words.replace(/```\w*/g, "").trim().slice(0, max).trim();
}
