// The arithmetic of a virtual list: rows of known heights, of which those in sight are drawn. Pure.

/** Where each row begins, and at the end where the last one ends. */
export function offsetsOf(heights: readonly number[]): number[] {
  const offsets = [0];
  for (const h of heights) offsets.push((offsets[offsets.length - 1] ?? 0) + h);
  return offsets;
}

/** The last row that begins at or before `y`; 0 for an empty list. */
export function rowAt(offsets: readonly number[], y: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if ((offsets[mid] ?? 0) <= y) low = mid;
    else high = mid - 1;
  }
  return low;
}

/** The rows from `first` to before `end` that are in sight, and `over` pixels around them. */
export function visible(offsets: readonly number[], top: number, height: number, over: number): { first: number; end: number } {
  const count = offsets.length - 1;
  if (count <= 0) return { first: 0, end: 0 };
  const first = rowAt(offsets, Math.max(0, top - over));
  return { first, end: Math.min(count, rowAt(offsets, top + height + over) + 1) };
}

/** How far to scroll so that row `i` is wholly in sight; `top` if it is. */
export function scrollFor(offsets: readonly number[], i: number, top: number, height: number): number {
  const begin = offsets[i] ?? 0;
  const end = offsets[i + 1] ?? begin;
  if (begin < top) return begin;
  return end > top + height ? end - height : top;
}
