// Builds dist/sw.js after the pages: it names the files that they are made of. It is one classic script, for
// not every browser takes modules there.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { build } from "vite";

const ALONE = ["index.html", "favicon.svg", "favicon-unread.svg", "manifest.webmanifest"];
const names = [...ALONE, ...readdirSync("dist/assets").map((name) => join("assets", name)), ...readdirSync("dist/icons").map((name) => join("icons", name))];
names.sort();
const hash = createHash("sha256");
for (const name of names) hash.update(name).update(readFileSync(join("dist", name)));

await build({
  configFile: false,
  logLevel: "warn",
  publicDir: false,
  define: {
    __SHELL__: JSON.stringify(names.map((name) => `/${name}`)),
    __SHELL_ID__: JSON.stringify(hash.digest("hex").slice(0, 16)),
  },
  build: {
    target: ["chrome123", "firefox120", "safari17.5"],
    emptyOutDir: false,
    lib: { entry: "src/worker/sw.ts", formats: ["iife"], name: "worker", fileName: () => "sw.js" },
  },
});
