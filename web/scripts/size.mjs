// What a browser loads before somebody can sign in and chat, against its budget. Exit status 1 above it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET = 60_000;

/** The files that the page names itself: script, style sheet, preloads and icon; the manifest is read later. */
function firstLoad(dist) {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const shown = html.replace(/<link rel="manifest"[^>]*>/, "");
  const named = [...shown.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((m) => m[1]);
  return ["index.html", ...new Set(named)];
}

function gzipped(path) {
  return existsSync(path + ".gz") ? readFileSync(path + ".gz").length : gzipSync(readFileSync(path), { level: 9 }).length;
}

const sizes = firstLoad("dist").map((name) => ({ name, bytes: gzipped(join("dist", name)) }));
const sum = sizes.reduce((n, s) => n + s.bytes, 0);
for (const { name, bytes } of sizes) console.log(`${String(bytes).padStart(7)}  ${name}`);
console.log(`${String(sum).padStart(7)}  first load, gzip (budget ${BUDGET})`);
if (sum > BUDGET) {
  console.error(`The first load is ${sum - BUDGET} bytes over its budget.`);
  process.exitCode = 1;
}
