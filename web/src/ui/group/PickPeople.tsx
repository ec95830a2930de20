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
/** So many members of a distribution group the server tells. */
const GROUP_MAX = 100;

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
  const cut = useSignal("");
  const add = (all: readonly string[]) => {
    chosen.value = [...new Set([...chosen.value, ...all.filter((uri) => !without(uri))])];
  };
  // The address of a distribution group stands for its members.
  const take = async (uri: string) => {
    query.value = cut.value = "";
    const group = uri === address ? await session.members(uri) : null;
    if (group?.more) cut.value = uri;
    add(group ? group.people.map((p) => p.uri) : [uri]);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault();
    if (uris[0]) void take(uris[0]);
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
              <button type="button" class="pick-row" onClick={() => void take(uri)}>
                <PersonLine uri={uri} found />
              </button>
            </li>
          ))}
        </ul>
      )}
      {cut.value && <p class="list-status warn" role="alert">{t("gchat_group_cut", { group: cut.value, n: String(GROUP_MAX) })}</p>}
      {query.value.trim() && !uris.length && (
        <p class="list-status" role="status">{asking === "busy" ? t("search_busy") : t("search_none", { text: query.value })}</p>
      )}
    </div>
  );
}
