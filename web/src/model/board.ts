// Many people as tiles in lines, each group below its name, and the way of the arrows among them. Pure.

export interface Part {
  key: string;
  name: string;
  uris: readonly string[];
}

export interface Tile {
  /** The same person may be in several groups. */
  key: string;
  uri: string;
}

export type BoardLine = { kind: "head"; key: string; name: string; count: number } | { kind: "tiles"; key: string; tiles: Tile[]; first: number };

export function boardLines(parts: readonly Part[], columns: number): BoardLine[] {
  const lines: BoardLine[] = [];
  let first = 0;
  for (const { key, name, uris } of parts) {
    if (uris.length) lines.push({ kind: "head", key, name, count: uris.length });
    for (let i = 0; i < uris.length; i += columns) {
      const tiles = uris.slice(i, i + columns).map((uri) => ({ key: `${key}/${uri}`, uri }));
      lines.push({ kind: "tiles", key: `${key}/${i}`, tiles, first });
      first += tiles.length;
    }
  }
  return lines;
}

/** The line in which the tile `at` is. */
export function lineOf(lines: readonly BoardLine[], at: number): number {
  return lines.findIndex((l) => l.kind === "tiles" && at >= l.first && at < l.first + l.tiles.length);
}

export function tileAt(lines: readonly BoardLine[], at: number): Tile | null {
  const line = lines[lineOf(lines, at)];
  return line?.kind === "tiles" ? (line.tiles[at - line.first] ?? null) : null;
}

/** A line up or down in the same column, or as far as that line goes; -1: none, above the first. */
export function otherLine(lines: readonly BoardLine[], at: number, step: 1 | -1): number {
  const here = lineOf(lines, at);
  const from = lines[here];
  const column = from?.kind === "tiles" ? at - from.first : 0;
  for (let i = here + step; i >= 0 && i < lines.length; i += step) {
    const to = lines[i];
    if (to?.kind === "tiles") return to.first + Math.min(column, to.tiles.length - 1);
  }
  return step < 0 ? -1 : at;
}

/** The next tile along the line, or the one before. */
export function otherTile(lines: readonly BoardLine[], at: number, step: 1 | -1): number {
  return tileAt(lines, at + step) ? at + step : at;
}
