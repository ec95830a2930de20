// How long to wait before the next attempt: doubled each time, with jitter, so that the browsers of a
// whole company do not come back in the same moment.

const FIRST_MS = 500;
const LAST_MS = 30_000;

/** Milliseconds before attempt `n` (0 is the first repetition); `random` is in [0, 1). */
export function backoff(n: number, random: number): number {
  const full = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(n, 16));
  return Math.round(full / 2 + (full / 2) * random);
}
