// axe-core on a page, and the looks that each page has.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

export const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** Axe is put in through the debugger: the page's own policy lets no other script run. */
export async function check(page, view) {
  const found = await page.evaluate(
    async ({ tags }) => (await globalThis.axe.run(document, { runOnly: tags })).violations,
    { tags: TAGS },
  );
  const told = found.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).slice(0, 3).join(" | ")}`);
  assert.deepEqual(told, [], view);
}
