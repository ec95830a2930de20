// Search for people: contacts at once, the directory after a moment without a key.

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import type { Session } from "../model/app";
import { isConference } from "../model/conferences";
import { matches } from "../model/people";

const PAUSE_MS = 250;
const LEAST_LETTERS = 2;
const CONTACTS_MAX = 50;
const PART = "search";

export type Asking = "idle" | "busy" | "done" | "failed";

export interface Found {
  query: string;
  contacts: string[];
  directory: string[];
  asking: Asking;
  more: boolean;
  /** The query is an address of somebody whom neither knows. */
  address: string | null;
}

const NOTHING: Found = { query: "", contacts: [], directory: [], asking: "idle", more: false, address: null };
const ADDRESS = /^[^\s@/]+@[^\s@/]+\.[^\s@/.]+$/;

function amongContacts(session: Session, query: string): string[] {
  const hits = session.people.contacts.value.filter((c) => matches(query, session.people.nameOf(c.uri), c.uri));
  const groups = session.chats.list.value.filter((c) => isConference(c.uri) && matches(query, session.people.nameOf(c.uri)));
  return [...groups, ...hits].slice(0, CONTACTS_MAX).map((c) => c.uri);
}

function strangers(session: Session, uris: string[]): string[] {
  return uris.filter((uri) => !session.people.byUri.value.has(uri) && uri !== session.user.value.uri);
}

/** All that is found for `query`; answers to an earlier query are dropped. */
export function useSearch(session: Session, query: string): ReadonlySignal<Found> {
  const found = useSignal<Found>(NOTHING);
  const online = session.online.value;
  const contacts = session.people.contacts.value;
  useEffect(() => {
    const text = query.trim();
    if (!text) {
      found.value = NOTHING;
      session.show(PART, []);
      return;
    }
    const ask = online && [...text].length >= LEAST_LETTERS;
    const address = ADDRESS.test(text) ? text.toLowerCase() : null;
    const known = amongContacts(session, text);
    const kept = strangers(session, found.peek().directory.filter((uri) => matches(text, session.people.nameOf(uri), uri)));
    const begin: Found = { ...NOTHING, query: text, contacts: known, directory: kept, asking: ask ? "busy" : "idle" };
    const withAddress = (f: Found): Found =>
      address && ![...f.contacts, ...f.directory].includes(address) ? { ...f, address } : f;
    found.value = withAddress(begin);
    if (!ask) return;
    let current = true;
    const timer = setTimeout(() => {
      session.search(text).then(
        ({ people, more }) => {
          if (!current) return;
          const directory = strangers(session, people.map((p) => p.uri));
          session.show(PART, directory);
          found.value = withAddress({ ...begin, directory, asking: "done", more });
        },
        () => current && (found.value = withAddress({ ...begin, asking: "failed" })),
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query, online, contacts]);
  useEffect(() => () => session.show(PART, []), []);
  return found;
}
