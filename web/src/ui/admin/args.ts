// Arguments of a command as people read them.

/** "user: alice, max: 7", of the JSON that was kept. */
export function argsText(json: string): string {
  try {
    const args = (JSON.parse(json) ?? {}) as Record<string, unknown>;
    return Object.entries(args).map(([k, v]) => `${k}: ${String(v)}`).join(", ");
  } catch {
    return json;
  }
}
