// What stands for a file: a sheet with its extension, in the colour of its kind.

import "../../style/files.css";
import { extension, kindOf, shortName } from "../../text/files";

/** So many letters of a name are shown. */
const NAME_MAX = 34;

export function Sheet({ name, gone = false }: { name: string; gone?: boolean }) {
  return <span class={gone ? "sheet" : `sheet k-${kindOf(name)}`} aria-hidden="true" data-ext={extension(name).slice(0, 4).toUpperCase() || "…"} />;
}

export function FileName({ name }: { name: string }) {
  const short = shortName(name, NAME_MAX);
  const point = short.length - extension(name).length - 1;
  return <bdi class="file-name" title={name}>{short.slice(0, point)}<wbr />{short.slice(point)}</bdi>;
}
