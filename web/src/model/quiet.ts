// Quiet hours, for the page and the service worker.

export interface Quiet {
  quiet: boolean;
  quietFrom: string;
  quietTo: string;
}

export function isQuiet(prefs: Quiet, now: Date): boolean {
  if (!prefs.quiet) return false;
  const at = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
  const { quietFrom: from, quietTo: to } = prefs;
  return from <= to ? from <= at && at < to : at >= from || at < to;
}
