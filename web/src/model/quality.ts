// How well a call is carried, from the figures of the browser (the W3C's webrtc-stats).

export interface Figures {
  /** Parts of what was sent since the time before: 0 to 1. */
  lossIn: number;
  lossOut: number;
  /** Null where nothing was measured. */
  roundTripMs: number | null;
  jitterMs: number | null;
  /** Nothing at all has come. */
  silent: boolean;
}

export type Level = "good" | "fair" | "poor";

/** From these on it is heard: [fair, poor]. */
const LOSS = [0.02, 0.08] as const;
const ROUND_TRIP_MS = [250, 500] as const;
const JITTER_MS = [30, 75] as const;

export interface Report {
  forEach(take: (stat: Record<string, unknown>) => void): void;
}

interface Sum {
  got: number;
  lost: number;
}

const number = (v: unknown) => (typeof v === "number" && Number.isFinite(v) ? v : 0);
const larger = (a: number | null, b: unknown, scale: number) => (typeof b === "number" ? Math.max(a ?? 0, b * scale) : a);

export class Quality {
  private last: Sum | null = null;

  /** The figures since the last report; null for the first, which there is nothing to compare with. */
  take(report: Report): Figures | null {
    const sum: Sum = { got: 0, lost: 0 };
    const f: Figures = { lossIn: 0, lossOut: 0, roundTripMs: null, jitterMs: null, silent: false };
    let pairMs: number | null = null;
    report.forEach((s) => {
      if (s.type === "inbound-rtp") {
        sum.got += number(s.packetsReceived);
        sum.lost += number(s.packetsLost);
        if (s.kind === "audio") f.jitterMs = larger(f.jitterMs, s.jitter, 1000);
      } else if (s.type === "remote-inbound-rtp") {
        f.lossOut = Math.max(f.lossOut, Math.min(1, number(s.fractionLost)));
        f.roundTripMs = larger(f.roundTripMs, s.roundTripTime, 1000);
      } else if (s.type === "candidate-pair" && s.nominated === true) {
        pairMs = larger(pairMs, s.currentRoundTripTime, 1000);
      }
    });
    f.roundTripMs ??= pairMs;
    const before = this.last;
    this.last = sum;
    if (!before) return null;
    const got = Math.max(0, sum.got - before.got);
    // Late packets are counted as lost first, and come off again.
    const lost = Math.max(0, sum.lost - before.lost);
    f.silent = got === 0;
    f.lossIn = got + lost ? lost / (got + lost) : 0;
    return f;
  }
}

/** `expects`: something ought to come, for the call is not held. */
export function levelOf(f: Figures, expects: boolean): Level {
  const loss = Math.max(f.lossIn, f.lossOut);
  const above = (i: 0 | 1) => loss >= LOSS[i] || (f.roundTripMs ?? 0) >= ROUND_TRIP_MS[i] || (f.jitterMs ?? 0) >= JITTER_MS[i];
  if ((f.silent && expects) || above(1)) return "poor";
  return above(0) ? "fair" : "good";
}
