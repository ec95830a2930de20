// What every component may reach: the session of who is signed in, and the things of the page.

import { signal, type Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { App, Session } from "../model/app";
import type { Prefs } from "../model/prefs";

export interface Page {
  app: App;
  prefs: Signal<Prefs>;
}

export const PageContext = createContext<Page | null>(null);
export const SessionContext = createContext<Session | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("no page around this component");
  return page;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("no session around this component");
  return session;
}

/** Which of the windows over the page is open; one at a time. */
export type Overlay = "switcher" | "keys" | "self" | "groups" | "group" | "devices" | null;
export const overlay = signal<Overlay>(null);

/** The time, once a minute: for "5 min. ago" and the names of days. */
export const now = signal(new Date());
setInterval(() => (now.value = new Date()), 60_000);
