// The keys that work everywhere.

import type { Session } from "../model/app";
import { go } from "../model/route";
import { overlay } from "./context";

function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/** The next part of the window gets the focus: the tab stop of its list, or its first control. */
function nextRegion(back: boolean): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter((r) => r.offsetParent !== null);
  const here = regions.findIndex((r) => r.contains(document.activeElement));
  const region = regions[(here + (back ? -1 : 1) + regions.length) % regions.length];
  const first = region?.querySelector<HTMLElement>("textarea, [role=option][tabindex='0'], [role=treeitem][tabindex='0'], a, button, input");
  (first ?? region)?.focus();
}

/** Opens the chat below or above the one that is open; with `unread`, the next of those that have something new. */
function otherChat(session: Session, step: number, unread: boolean): void {
  const list = session.chats.list.value;
  const { view, uri } = session.route.value;
  const here = view === "chats" ? list.findIndex((c) => c.uri === uri) : -1;
  for (let k = 1; k <= list.length; k++) {
    const from = here < 0 && step < 0 ? 0 : here;
    const chat = list[(((from + step * k) % list.length) + list.length) % list.length];
    if (chat && (!unread || chat.unread.value > 0)) return go("chats", chat.uri);
  }
}

/** Escape with nothing open goes one step back: to the list. */
function escape(session: Session): void {
  const list = document.querySelector<HTMLElement>(".list");
  if (list && list.offsetParent === null) return go(session.route.value.view);
  list?.querySelector<HTMLElement>("[tabindex='0']")?.focus();
}

function command(e: KeyboardEvent, session: Session): boolean {
  const ctrl = e.ctrlKey || e.metaKey;
  if (ctrl && !e.altKey && e.key.toLowerCase() === "k") {
    overlay.value = overlay.value === "switcher" ? null : "switcher";
  } else if (overlay.value !== null || document.querySelector("dialog[open]")) {
    return false;
  } else if (e.key === "F6") {
    nextRegion(e.shiftKey);
  } else if (e.altKey && !ctrl && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
    otherChat(session, e.key === "ArrowDown" ? 1 : -1, e.shiftKey);
  } else if (e.key === "F8") {
    go("attendant");
  } else if (e.key === "?" && !ctrl && !writing(e.target)) {
    overlay.value = "keys";
  } else if (e.key === "Escape") {
    escape(session);
  } else {
    return false;
  }
  return true;
}

/** Listens until the returned function is called. */
export function hotkeys(session: Session): () => void {
  const listen = (e: KeyboardEvent) => {
    if (!e.defaultPrevented && !e.isComposing && command(e, session)) e.preventDefault();
  };
  window.addEventListener("keydown", listen);
  return () => window.removeEventListener("keydown", listen);
}
