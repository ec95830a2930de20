// Writes FILE.gz and FILE.br beside each file of dist that shrinks, for a server that sends them as they
// are. Both are the same for the same input: no name and no time in them.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const WORTH = new Set([".html", ".js", ".css", ".svg", ".json", ".webmanifest"]);
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };

function files(dir) {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

for (const path of files("dist").filter((p) => WORTH.has(extname(p)))) {
  const data = readFileSync(path);
  for (const [suffix, packed] of [
    [".gz", gzipSync(data, { level: 9 })],
    [".br", brotliCompressSync(data, BROTLI)],
  ]) {
    if (packed.length < data.length) writeFileSync(path + suffix, packed);
  }
}
