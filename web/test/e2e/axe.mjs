// axe-core on a page, and the looks that each page has.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

import { until } from "./browser.mjs";

export const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** One look of axe, in the page, at what has stood still for two frames: what it found, and whether anything moved meanwhile. */
async function look(tags) {
  // What can be seen of each element: where it is, and its colours.
  const seen = () =>
    JSON.stringify(
      [...document.body.querySelectorAll("*")].map((e) => {
        const { x, y, width, height } = e.getBoundingClientRect();
        const { color, backgroundColor, opacity, visibility } = getComputedStyle(e);
        return [e.localName, x, y, width, height, color, backgroundColor, opacity, visibility];
      }),
    );
  const frame = () => new Promise((done) => requestAnimationFrame(() => done(seen())));
  await document.fonts.ready;
  await Promise.allSettled(document.getAnimations().map((a) => a.finished));
  const before = await frame();
  const still = (await frame()) === before;
  const { violations } = await globalThis.axe.run(document, { runOnly: tags });
  return { moved: !still || seen() !== before, violations };
}

/**
 * Axe is put in through the debugger: the page's own policy lets no other script run. It lets the page go on between
 * its rules, but measures once: of a page that moves meanwhile (a toast goes, a picture of a call gets its size) it
 * tells what never was. So only what it says of a page that stood still counts.
 */
export async function check(page, view) {
  await page.emulateMedia({ reducedMotion: "reduce" });
  let violations;
  await until(async () => {
    const found = await page.evaluate(look, TAGS);
    violations = found.violations;
    return !found.moved;
  }, `${view}: the page stands still while axe looks`);
  const told = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).slice(0, 3).join(" | ")}`);
  assert.deepEqual(told, [], view);
}
