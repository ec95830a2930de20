// Somebody is chosen by some letters. A combobox: the focus stays in the field.

import { useComputed, useSignal } from "@preact/signals";

import { t, type Key } from "../i18n";
import "../i18n/more";
import { useSession } from "./context";
import { Dialog } from "./parts/Dialog";
import { Icon } from "./parts/Icon";
import { PersonLine } from "./people/PersonLine";
import { useSearch } from "./search";

const SHOWN = 8;

/** The row that comes `step` after `i`, around the ends. */
function wrap(i: number, step: number, count: number): number {
  return count ? (i + step + count) % count : 0;
}

interface Props {
  title: string;
  /** What the field says while it is empty, if that is not the title. */
  hint?: string;
  /** What Enter does, among the keys below the list. */
  keys: Key;
  /** Whom the list leaves out. */
  without?: (uri: string) => boolean;
  /** Presence stands below the names that are found, in place of what people do in the company. */
  states?: boolean;
  onPick: (uri: string) => void;
  onClose: () => void;
}

export function Picker({ title, hint, keys, without = () => false, states = false, onPick, onClose }: Props) {
  const session = useSession();
  const query = useSignal("");
  const chosen = useSignal(0);
  const found = useSearch(session, query.value);
  const uris = useComputed(() => {
    const { contacts, directory, address } = found.value;
    const all = query.value.trim() ? [...contacts, ...directory, ...(address ? [address] : [])] : session.chats.list.value.map((c) => c.uri);
    return all.filter((uri) => !without(uri)).slice(0, SHOWN);
  });
  const open = (uri: string | undefined) => {
    if (!uri) return;
    onClose();
    onPick(uri);
  };
  const key = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    if (e.key === "ArrowDown") chosen.value = wrap(chosen.value, 1, uris.value.length);
    else if (e.key === "ArrowUp") chosen.value = wrap(chosen.value, -1, uris.value.length);
    else if (e.key === "Enter") open(uris.value[chosen.value]);
    else return;
    e.preventDefault();
  };
  const { asking } = found.value;
  return (
    <Dialog title={title} kind="top" bare onClose={onClose}>
      <div class="switcher-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          aria-label={title}
          aria-expanded={uris.value.length > 0}
          aria-controls="switcher-list"
          aria-activedescendant={uris.value.length ? `switcher-${chosen.value}` : undefined}
          placeholder={hint ?? title}
          value={query.value}
          onInput={(e) => {
            query.value = e.currentTarget.value;
            chosen.value = 0;
          }}
          onKeyDown={key}
        />
      </div>
      {!query.value && uris.value.length > 0 && <p class="list-head">{t("switcher_recent")}</p>}
      <div id="switcher-list" role="listbox" aria-label={title} class="switcher-list">
        {uris.value.map((uri, i) => (
          <div
            key={uri}
            id={`switcher-${i}`}
            role="option"
            class="switcher-row"
            aria-selected={i === chosen.value}
            onClick={() => open(uri)}
            onPointerMove={() => (chosen.value = i)}
          >
            <PersonLine uri={uri} found={query.value !== "" && !states} />
          </div>
        ))}
      </div>
      {query.value && !uris.value.length && (
        <p class="list-status">{asking === "busy" ? t("search_busy") : asking === "failed" ? t("search_failed") : t("search_none", { text: query.value })}</p>
      )}
      <p class="switcher-foot">{t(keys)}</p>
    </Dialog>
  );
}
