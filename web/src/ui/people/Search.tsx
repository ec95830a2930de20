// The field above the lists, and what it finds in their place.

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t, type Key } from "../../i18n";
import { useSession } from "../context";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/Icon";
import { announce } from "../parts/live";
import { VirtualList } from "../parts/VirtualList";
import { useSearch, type Found } from "../search";
import { PersonLine } from "./PersonLine";

type Item =
  | { kind: "head"; key: string; name: Key }
  | { kind: "person"; key: string; uri: string; found: boolean }
  | { kind: "address"; key: string; uri: string };

const HEAD_PX = 34;
const LINE_PX = 56;

function itemsOf(found: Found): Item[] {
  const items: Item[] = [];
  const part = (name: Key, uris: string[], inDirectory: boolean) => {
    if (uris.length) items.push({ kind: "head", key: name, name });
    for (const uri of uris) items.push({ kind: "person", key: uri, uri, found: inDirectory });
  };
  part("search_contacts", found.contacts, false);
  part("search_directory", found.directory, true);
  if (found.address) items.push({ kind: "address", key: `to:${found.address}`, uri: found.address });
  return items;
}

interface FieldProps {
  query: Signal<string>;
  /** What is searched, if it is more than people. */
  label?: Key;
  onDown: () => void;
  onEnter: () => void;
}

export function SearchField({ query, label = "search_label", onDown, onEnter }: FieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const clear = () => {
    query.value = "";
    field.current?.focus();
  };
  const key = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    if (e.key === "Escape" && query.value) clear();
    else if (e.key === "ArrowDown") onDown();
    else if (e.key === "Enter") onEnter();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div class="search" role="search">
      <Icon name="search" size={18} />
      <input
        ref={field}
        type="text"
        enterkeyhint="search"
        autocomplete="off"
        spellcheck={false}
        aria-label={t(label)}
        placeholder={t(label)}
        value={query.value}
        onInput={(e) => (query.value = e.currentTarget.value)}
        onKeyDown={key}
      />
      {query.value && (
        <button type="button" class="icon-button" aria-label={t("search_clear")} onClick={clear}>
          <Icon name="close" size={16} />
        </button>
      )}
    </div>
  );
}

function Status({ found, empty }: { found: Found; empty: boolean }) {
  if (found.asking === "busy") return <p class="list-status">{t("search_busy")}</p>;
  if (found.asking === "failed") return <p class="list-status warn">{t("search_failed")}</p>;
  if (empty) return <Empty small icon="search" title={t("search_none", { text: found.query })} text={t("search_none_hint")} />;
  return found.more ? <p class="list-status">{t("search_more")}</p> : null;
}

export function SearchResults({ query, onOpen }: { query: string; onOpen: (uri: string) => void }) {
  const session = useSession();
  const found = useSearch(session, query).value;
  const items = itemsOf(found);
  const people = items.filter((i) => i.kind !== "head");
  useEffect(() => {
    if (found.asking === "done") announce(t("search_results", { n: people.length }));
  }, [found]);
  const open = (i: Item) => i.kind !== "head" && onOpen(i.uri);
  return (
    <>
      <VirtualList<Item>
        rows={items}
        role="listbox"
        label={t("search_label")}
        selected={people[0]?.key ?? null}
        height={(i) => (i.kind === "head" ? HEAD_PX : LINE_PX)}
        text={(i) => (i.kind === "head" ? "" : session.people.nameOf(i.uri))}
        aria={(i) =>
          i.kind === "head"
            ? { role: "presentation", class: "vrow vhead", tabIndex: -1, "aria-hidden": true }
            : { role: "option", "aria-selected": false }
        }
        render={(i) => {
          if (i.kind === "head") return <h2 class="list-head">{t(i.name)}</h2>;
          if (i.kind === "person") return <PersonLine uri={i.uri} found={i.found} />;
          return <p class="line"><span class="line-icon"><Icon name="chats" /></span><span class="ellipsis">{t("search_address", { uri: i.uri })}</span></p>;
        }}
        onOpen={open}
      />
      <Status found={found} empty={!people.length && found.query !== ""} />
    </>
  );
}

/** Puts the focus on the first row of the list beside the field. */
export function focusList(box: HTMLElement | null): void {
  box?.querySelector<HTMLElement>(".vrow[tabindex='0']")?.focus();
}

/** Opens the first row, as Enter in the field does. */
export function openFirst(box: HTMLElement | null): void {
  box?.querySelector<HTMLElement>("[role=option]")?.click();
}
