// How long a certificate lasts, and whether that is long enough.

import type { Tone } from "./parts";

const DAY_MS = 86_400_000;
/** The tool warns then, too. */
const SOON_DAYS = 30;

export function daysLeft(expires: string, at: Date): number {
  return Math.floor((Date.parse(expires) - at.getTime()) / DAY_MS);
}

export function toneOf(days: number): Tone {
  return days < 0 ? "bad" : days < SOON_DAYS ? "warn" : "good";
}
