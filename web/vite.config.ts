import { readFileSync } from "node:fs";

import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a server: a role `web`, or the mock of the tests.
const server = process.env.DIALTONE_WEB ?? "http://127.0.0.1:8780";
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

export default defineConfig({
  define: { __VERSION__: JSON.stringify(version) },
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    // light-dark() and nesting in the style sheets need these; older browsers are not served.
    target: ["chrome123", "firefox120", "safari17.5"],
    // No data: addresses and no inline script, so that the page lives under default-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    assetsDir: "assets",
  },
  server: { proxy: { "/api": { target: server, ws: true } } },
  test: { include: ["test/unit/**/*.test.ts", "test/unit/**/*.test.tsx"], environment: "node", testTimeout: 60_000 },
});
