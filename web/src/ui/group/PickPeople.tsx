// People for a group chat: those who are chosen, and a field that finds more.

import { useSignal, type Signal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/more";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { PersonLine } from "../people/PersonLine";
import { useSearch } from "../search";

const SHOWN = 6;

interface Props {
  chosen: Signal<readonly string[]>;
  /** Who is in it already. */
  without: (uri: string) => boolean;
}

function Chosen({ chosen }: { chosen: Signal<readonly string[]> }) {
  const { people } = useSession();
  return (
    <ul class="chips" aria-label={t("gchat_chosen")}>
      {chosen.value.map((uri) => (
        <li key={uri} class="chip">
          <Avatar uri={uri} size="s" presence={false} />
          <bdi>{people.nameOf(uri)}</bdi>
          <button
            type="button"
            class="icon-button"
            aria-label={t("gchat_unchoose", { name: people.nameOf(uri) })}
            onClick={() => (chosen.value = chosen.value.filter((u) => u !== uri))}
          >
            <Icon name="close" size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}

export function PickPeople({ chosen, without }: Props) {
  const session = useSession();
  const query = useSignal("");
  const found = useSearch(session, query.value).value;
  const { contacts, directory, address, asking } = found;
  const uris = [...contacts, ...directory, ...(address ? [address] : [])]
    .filter((uri) => !chosen.value.includes(uri) && !without(uri))
    .slice(0, SHOWN);
  const take = (uri: string) => {
    chosen.value = [...chosen.value, uri];
    query.value = "";
  };
  const key = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault();
    if (uris[0]) take(uris[0]);
  };
  return (
    <div class="pick">
      {chosen.value.length > 0 && <Chosen chosen={chosen} />}
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        aria-label={t("gchat_find")}
        placeholder={t("gchat_find")}
        value={query.value}
        onInput={(e) => (query.value = e.currentTarget.value)}
        onKeyDown={key}
      />
      {query.value.trim() && (
        <ul class="pick-list" aria-label={t("search_label")}>
          {uris.map((uri) => (
            <li key={uri}>
              <button type="button" class="pick-row" onClick={() => take(uri)}>
                <PersonLine uri={uri} found />
              </button>
            </li>
          ))}
        </ul>
      )}
      {query.value.trim() && !uris.length && (
        <p class="list-status" role="status">{asking === "busy" ? t("search_busy") : t("search_none", { text: query.value })}</p>
      )}
    </div>
  );
}
