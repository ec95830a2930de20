// Times as people read them, by the Intl of the browser. `now` is given, so that tests can choose it.

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let f = formats.get(key);
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(locale, options)));
  return f;
}

/** The local day of a time, as a key: 2026-11-27. */
export function dayKey(at: string | Date): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
}

/** Whole local days from `at` to `now`; by the calendar, so that a change of the clocks does not matter. */
export function daysAgo(at: string, now: Date): number {
  const d = new Date(at);
  const midnight = (x: Date) => Date.UTC(x.getFullYear(), x.getMonth(), x.getDate());
  return Math.round((midnight(now) - midnight(d)) / DAY_MS);
}

export function clock(at: string, locale: string): string {
  return format(locale, { hour: "numeric", minute: "2-digit" }).format(new Date(at));
}

export function full(at: string, locale: string): string {
  return format(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(at));
}

/** Today, Yesterday, the weekday within the last week, else the date: what stands between days. */
export function dayName(at: string, now: Date, locale: string): string {
  const ago = daysAgo(at, now);
  const d = new Date(at);
  if (ago === 0 || ago === 1) {
    const word = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-ago, "day");
    return word.charAt(0).toLocaleUpperCase(locale) + word.slice(1);
  }
  if (ago > 1 && ago < 7) return format(locale, { weekday: "long" }).format(d);
  const year = d.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return format(locale, { weekday: "short", day: "numeric", month: "long", year }).format(d);
}

/** For a list: the clock today, the weekday this week, else a short date. */
export function brief(at: string, now: Date, locale: string): string {
  const ago = daysAgo(at, now);
  if (ago <= 0) return clock(at, locale);
  if (ago < 7) return format(locale, { weekday: "short" }).format(new Date(at));
  const year = new Date(at).getFullYear() === now.getFullYear() ? undefined : "2-digit";
  return format(locale, { day: "2-digit", month: "2-digit", year }).format(new Date(at));
}

/** How long ago, in the largest unit that fits: "5 min. ago". */
export function since(at: string, now: Date, locale: string): string {
  const s = Math.max(0, (now.getTime() - Date.parse(at)) / 1000);
  const f = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  if (s < 3600) return f.format(-Math.floor(s / 60), "minute");
  if (s < 86_400) return f.format(-Math.floor(s / 3600), "hour");
  return f.format(-Math.floor(s / 86_400), "day");
}

/** 75 as "1:15". */
export function countdown(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
