// Draws the icons of the installed program from favicon.svg, with the browser of the tests: `npm run icons`.
// What it makes is kept in public/icons, so that a build needs no browser.

import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

const COLOUR = "#3b5bdb";
const LINES = /<g.*<\/g>/.exec(readFileSync("public/favicon.svg", "utf8"))[0];

/** `inset`: of the drawing, in its 32 units. A maskable one fills its square, and keeps to the circle in it. */
function svg({ background, radius, inset, lines = LINES }) {
  const box = `${-inset} ${-inset} ${32 + 2 * inset} ${32 + 2 * inset}`;
  const [at, size] = [-inset, 32 + 2 * inset];
  const ground = background ? `<rect x="${at}" y="${at}" width="${size}" height="${size}" rx="${radius}" fill="${background}"/>` : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}">${ground}${lines}</svg>`;
}

const ICONS = [
  { name: "any-192", size: 192, of: { background: COLOUR, radius: 9, inset: 0 } },
  { name: "any-512", size: 512, of: { background: COLOUR, radius: 9, inset: 0 } },
  { name: "maskable-192", size: 192, of: { background: COLOUR, radius: 0, inset: 4 } },
  { name: "maskable-512", size: 512, of: { background: COLOUR, radius: 0, inset: 4 } },
  // Of a notification in the bar of a telephone, which takes its shape alone.
  { name: "badge-96", size: 96, of: { background: "", radius: 0, inset: -4 } },
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const { name, size, of } of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px}</style>${svg(of)}`);
  await page.screenshot({ path: `public/icons/${name}.png`, omitBackground: true });
  await page.close();
}
await browser.close();
