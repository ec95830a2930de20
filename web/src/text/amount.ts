// Amounts as people read them, by the Intl of the browser.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** "10.9 MB": of 1,000 each. */
export function bytes(n: number, locale: string): string {
  let unit = 0;
  while (n >= 1000 && unit < UNITS.length - 1) {
    n /= 1000;
    unit++;
  }
  const digits = unit > 0 && n < 100 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "unit", unit: UNITS[unit], unitDisplay: "short", maximumFractionDigits: digits }).format(n);
}

export function number(n: number, locale: string): string {
  const digits = Math.abs(n) < 10 ? 3 : Math.abs(n) < 1000 ? 1 : 0;
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(n);
}

const SPANS: [number, Intl.NumberFormatOptions["unit"]][] = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

/** "3 days 4 hr": the two largest units. */
export function span(seconds: number, locale: string): string {
  const parts: string[] = [];
  let left = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of SPANS) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n === 0 && !(unit === "second" && !parts.length)) {
      if (parts.length) break;
      continue;
    }
    parts.push(new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(n));
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
