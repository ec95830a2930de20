// Samples of metrics over the time that they are looked at; counters become rates.

import { list, text } from "../../net/check";

export interface Sample {
  process: string;
  name: string;
  labels: string;
  value: number;
  counter: boolean;
  help: string;
}

export function checkMetrics(v: unknown): Sample[] {
  return list(v, (o) =>
    text(o.name) && typeof o.value === "number" && Number.isFinite(o.value)
      ? { process: text(o.process), name: text(o.name), labels: text(o.labels), value: o.value, counter: text(o.kind) === "counter", help: text(o.help) }
      : null,
  );
}

export interface Point {
  /** Milliseconds. */
  at: number;
  value: number;
}

export interface Series {
  key: string;
  name: string;
  help: string;
  counter: boolean;
  points: Point[];
  /** Of a counter: what it said last. */
  last: Point;
}

/** Ten minutes of one each five seconds. */
export const POINTS_MAX = 120;

/** Of all processes together, one series for each name and label. */
export function sums(samples: Sample[]): Map<string, Sample> {
  const all = new Map<string, Sample>();
  for (const s of samples) {
    const key = `${s.name}{${s.labels}}`;
    const sum = all.get(key);
    all.set(key, sum ? { ...sum, value: sum.value + s.value } : s);
  }
  return all;
}

/** With what came now. A counter that went back has begun anew: nothing is known of that step. */
export function grow(series: ReadonlyMap<string, Series>, samples: Sample[], at: number): Map<string, Series> {
  const next = new Map<string, Series>();
  for (const [key, s] of sums(samples)) {
    const before = series.get(key);
    const last = { at, value: s.value };
    const points = before?.points ?? [];
    const seconds = before ? (at - before.last.at) / 1000 : 0;
    const known = !s.counter || (before !== undefined && seconds > 0 && s.value >= before.last.value);
    const value = s.counter && before ? (s.value - before.last.value) / seconds : s.value;
    next.set(key, {
      key,
      name: s.name,
      help: s.help,
      counter: s.counter,
      points: known ? [...points, { at, value }].slice(-POINTS_MAX) : points,
      last,
    });
  }
  return next;
}

/** The line of a plot, in a box of that size; the highest value at the top, 0 at the bottom. */
export function linePath(points: readonly Point[], width: number, height: number): string {
  const first = points[0];
  const end = points.at(-1);
  if (!first || !end) return "";
  const top = Math.max(...points.map((p) => p.value), 0) || 1;
  const time = end.at - first.at || 1;
  const x = (p: Point) => (((p.at - first.at) / time) * width).toFixed(1);
  const y = (p: Point) => (height - (Math.max(p.value, 0) / top) * height).toFixed(1);
  return points.map((p, i) => `${i ? "L" : "M"}${x(p)} ${y(p)}`).join("");
}
