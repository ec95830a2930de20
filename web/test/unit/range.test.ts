import { describe, expect, it } from "vitest";

import { offsetsOf, rowAt, scrollFor, visible } from "../../src/ui/parts/range";

describe("the virtual list", () => {
  const offsets = offsetsOf(Array.from({ length: 2000 }, (_, i) => (i % 100 === 0 ? 32 : 56)));

  it("finds the row at a height", () => {
    expect(rowAt([0, 32, 88], 0)).toBe(0);
    expect(rowAt([0, 32, 88], 31)).toBe(0);
    expect(rowAt([0, 32, 88], 32)).toBe(1);
    expect(rowAt([0, 32, 88], 9999)).toBe(1);
    expect(rowAt([0], 5)).toBe(0);
  });

  it("draws what is in sight and little more, wherever it stands", () => {
    for (const top of [0, 31, 5000, 60_000, (offsets[2000] ?? 0) - 600]) {
      const { first, end } = visible(offsets, top, 600, 240);
      expect(offsets[first]).toBeLessThanOrEqual(Math.max(0, top - 240));
      expect(offsets[end]).toBeGreaterThanOrEqual(Math.min(top + 600, offsets[2000] ?? 0));
      expect(end - first).toBeLessThan(25);
    }
    expect(visible([0], 0, 600, 240)).toEqual({ first: 0, end: 0 });
  });

  it("scrolls just as far as is needed", () => {
    expect(scrollFor([0, 50, 100, 150], 1, 0, 100)).toBe(0);
    expect(scrollFor([0, 50, 100, 150], 2, 0, 100)).toBe(50);
    expect(scrollFor([0, 50, 100, 150], 0, 70, 100)).toBe(0);
  });
});
