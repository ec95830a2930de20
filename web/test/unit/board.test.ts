import { describe, expect, it } from "vitest";

import { boardLines, lineOf, otherLine, otherTile, tileAt, type BoardLine } from "../../src/model/board";
import { parseRoute } from "../../src/model/route";

const PARTS = [
  { key: "g2", name: "Operations", uris: ["a@x", "b@x", "c@x", "d@x", "e@x"] },
  { key: "g3", name: "Nobody", uris: [] },
  { key: "g4", name: "Product", uris: ["a@x"] },
];
const brief = (l: BoardLine) => (l.kind === "head" ? `${l.name} ${l.count}` : `${l.first}: ${l.tiles.map((x) => x.uri[0]).join("")}`);

describe("the board", () => {
  const lines = boardLines(PARTS, 3);

  it("has a line for each name of a group, and tiles below it", () => {
    expect(lines.map(brief)).toEqual(["Operations 5", "0: abc", "3: de", "Product 1", "5: a"]);
    expect(boardLines(PARTS, 1).length).toBe(8);
    const keys = lines.flatMap((l) => (l.kind === "tiles" ? l.tiles.map((x) => x.key) : []));
    expect(new Set(keys).size).toBe(6);
  });

  it("knows its tiles by number", () => {
    expect([tileAt(lines, 4)?.key, tileAt(lines, 5)?.key, tileAt(lines, 6), tileAt(lines, -1)]).toEqual(["g2/e@x", "g4/a@x", null, null]);
    expect([lineOf(lines, 2), lineOf(lines, 3), lineOf(lines, -1)]).toEqual([1, 2, -1]);
  });

  it("is walked by lines, over the names of groups and where a line is shorter", () => {
    expect(otherLine(lines, -1, 1)).toBe(0);
    expect(otherLine(lines, 2, 1)).toBe(4);
    expect(otherLine(lines, 4, 1)).toBe(5);
    expect(otherLine(lines, 5, 1)).toBe(5);
    expect(otherLine(lines, 5, -1)).toBe(3);
    expect(otherLine(lines, 1, -1)).toBe(-1);
    expect([otherLine([], -1, 1), otherLine([], 3, -1)]).toEqual([-1, -1]);
  });

  it("is walked along the line, from its end to the next", () => {
    expect([otherTile(lines, 2, 1), otherTile(lines, 3, -1), otherTile(lines, 5, 1), otherTile(lines, 0, -1)]).toEqual([3, 2, 5, 0]);
  });

  it("has an address", () => {
    expect(parseRoute("#/attendant")).toEqual({ view: "attendant", uri: null });
    expect(parseRoute("#/attendant/bob")).toEqual({ view: "attendant", uri: null });
  });
});
