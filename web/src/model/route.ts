// Every view has an address, in the fragment, so that reload, back and bookmarks work on any server.

import { signal, type Signal } from "@preact/signals";

export type View = "chats" | "people" | "calls" | "settings" | "files" | "admin" | "attendant";

/** The page of the settings about what protects the account. */
export const SECURITY = "security";

export interface Route {
  view: View;
  /** Whose chat or card it is; of settings and administration, which page of them; of a file, the end of its address. */
  uri: string | null;
}

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "");
  const [view, uri] = path.split("/");
  if (view === "attendant") return { view, uri: null };
  if (view === "files") return { view, uri: path.slice(6) || null };
  let who: string | null = null;
  try {
    who = uri ? decodeURIComponent(uri) : null;
  } catch {
    // A broken escape names nobody.
  }
  if (view === "people" || view === "calls" || view === "admin") return { view, uri: who };
  if (view === "settings") return { view, uri: who === SECURITY ? who : null };
  // Who is signed in and comes back from the company's sign-on wanted to prove something there.
  if (view === "signin") return { view: "settings", uri: SECURITY };
  return { view: "chats", uri: who };
}

export function hrefOf(view: View, uri?: string | null): string {
  return uri ? `#/${view}/${encodeURIComponent(uri)}` : `#/${view}`;
}

export function watchRoute(w: Window): Signal<Route> {
  const route = signal(parseRoute(w.location.hash));
  w.addEventListener("hashchange", () => (route.value = parseRoute(w.location.hash)));
  return route;
}

export function go(view: View, uri?: string | null): void {
  location.hash = hrefOf(view, uri);
}
