// Ctrl+K: to any person or chat by some letters. A combobox: the focus stays in the field.

import { useComputed, useSignal } from "@preact/signals";

import { t } from "../i18n";
import "../i18n/more";
import { go } from "../model/route";
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

export function Switcher({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const query = useSignal("");
  const chosen = useSignal(0);
  const found = useSearch(session, query.value);
  const uris = useComputed(() => {
    if (!query.value.trim()) return session.chats.list.value.slice(0, SHOWN).map((c) => c.uri);
    const { contacts, directory, address } = found.value;
    return [...contacts, ...directory, ...(address ? [address] : [])].slice(0, SHOWN);
  });
  const open = (uri: string | undefined) => {
    if (!uri) return;
    onClose();
    go("chats", uri);
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
    <Dialog title={t("switcher_title")} kind="top" bare onClose={onClose}>
      <div class="switcher-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          aria-label={t("switcher_title")}
          aria-expanded={uris.value.length > 0}
          aria-controls="switcher-list"
          aria-activedescendant={uris.value.length ? `switcher-${chosen.value}` : undefined}
          placeholder={t("switcher_hint")}
          value={query.value}
          onInput={(e) => {
            query.value = e.currentTarget.value;
            chosen.value = 0;
          }}
          onKeyDown={key}
        />
      </div>
      {!query.value && uris.value.length > 0 && <p class="list-head">{t("switcher_recent")}</p>}
      <div id="switcher-list" role="listbox" aria-label={t("switcher_title")} class="switcher-list">
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
            <PersonLine uri={uri} found={query.value !== ""} />
          </div>
        ))}
      </div>
      {query.value && !uris.value.length && (
        <p class="list-status">{asking === "busy" ? t("search_busy") : asking === "failed" ? t("search_failed") : t("search_none", { text: query.value })}</p>
      )}
      <p class="switcher-foot">{t("switcher_keys")}</p>
    </Dialog>
  );
}
