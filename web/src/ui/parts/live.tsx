// What screen readers say although the focus is elsewhere.

import { signal } from "@preact/signals";

const said = signal({ text: "", n: 0 });

/** Says it politely, after what is being said. The same text twice is said twice. */
export function announce(text: string): void {
  said.value = { text, n: said.peek().n + 1 };
}

export function LiveRegion() {
  const { text, n } = said.value;
  // Two places that take turns, so that a repetition is a change.
  return (
    <div class="hidden" role="status" aria-live="polite">
      <span>{n % 2 ? text : ""}</span>
      <span>{n % 2 ? "" : text}</span>
    </div>
  );
}
