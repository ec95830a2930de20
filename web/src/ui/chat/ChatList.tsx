// All chats, the latest first, with search above.

import { useSignal, type Signal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { locale, t, type Key } from "../../i18n";
import type { Chat } from "../../model/chats";
import { isConference } from "../../model/conferences";
import { saidBriefly } from "../../model/entries";
import { go } from "../../model/route";
import { mentions } from "../../text/mentions";
import { preview } from "../../text/preview";
import { brief } from "../../text/time";
import { now, overlay, useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/Icon";
import { presenceText } from "../parts/Presence";
import { lazy } from "../parts/Lazy";
import { Skeleton } from "../parts/Skeleton";
import { VirtualList } from "../parts/VirtualList";
import { focusList, openFirst, SearchField, SearchResults } from "../people/Search";

const FoundMessages = lazy(async () => (await import("./Found")).FoundMessages);

const ROW_PX = 68;
const PREVIEW = 160;

interface ChatRow {
  key: string;
  chat: Chat;
}

function Second({ chat, open }: { chat: Chat; open: boolean }) {
  const { drafts, people, user } = useSession();
  const draft = open ? "" : (drafts.values.value[chat.uri] ?? "").trim();
  const last = chat.last.value;
  if (chat.typing.value) return <span class="line-sub accent">{t("chatlist_typing")}</span>;
  if (draft) return <span class="line-sub draft" dir="auto">{t("chatlist_draft", { text: preview(draft, PREVIEW) })}</span>;
  if (!last) return null;
  const mine = last.from === user.value.uri;
  if (last.call) return <span class="line-sub">{t(!mine && last.call.outcome === "missed" ? "said_missed" : "said_call")}</span>;
  const text = last.deleted ? t("msg_deleted") : saidBriefly(last, PREVIEW);
  return (
    <span class={last.state === "failed" ? "line-sub warn" : "line-sub"} dir="auto">
      {mine ? t("chatlist_you", { text }) : isConference(chat.uri) && last.from !== chat.uri ? t("chat_says", { name: people.nameOf(last.from), text }) : text}
    </span>
  );
}

function Line({ chat, open }: { chat: Chat; open: boolean }) {
  const { muted, people, user } = useSession();
  const unread = chat.unread.value;
  const meant = unread > 0 && isConference(chat.uri) && chat.entries.value.some((e) => e.unread && mentions(e.text, user.value.name));
  const at = chat.last.value?.at;
  return (
    <div class={unread ? "line unread" : "line"}>
      <Avatar uri={chat.uri} />
      <div class="line-text">
        <span class="line-first">
          <bdi class="line-name">{people.nameOf(chat.uri)}</bdi>
          <span class="hidden">{isConference(chat.uri) ? t("gchat") : presenceText(people.person(chat.uri).value)}</span>
          {muted.values.value[chat.uri] && <span class="line-muted"><Icon name="bellOff" size={14} /><span class="hidden">{t("gchat_muted")}</span></span>}
          {at && <time dateTime={at}>{brief(at, now.value, locale.value)}</time>}
        </span>
        <span class="line-first">
          <Second chat={chat} open={open} />
          {meant && <span class="badge at" title={t("chat_meant")} aria-label={t("chat_meant")} role="img">@</span>}
          {unread > 0 && <span class="badge" aria-hidden="true">{unread > 99 ? "99+" : unread}</span>}
          {unread > 0 && <span class="hidden">{t("nav_unread", { n: unread })}</span>}
        </span>
      </div>
    </div>
  );
}

function List() {
  const { chats, people, route } = useSession();
  const uri = route.value.uri;
  const rows = chats.list.value.map((chat) => ({ key: chat.uri, chat }));
  return (
    <VirtualList<ChatRow>
      rows={rows}
      role="listbox"
      label={t("chatlist")}
      selected={uri}
      height={() => ROW_PX}
      text={(r) => people.nameOf(r.chat.uri)}
      aria={(r) => ({ role: "option", "aria-selected": r.key === uri })}
      render={(r) => <Line chat={r.chat} open={r.key === uri} />}
      onOpen={(r) => go("chats", r.chat.uri)}
    />
  );
}

function Body() {
  const { chats } = useSession();
  const asked = chats.overview.value;
  if (!chats.list.value.length && (asked === "no" || asked === "asking")) return <Skeleton />;
  const failed = asked === "failed" && (
    <p class="list-status warn">
      {t("chatlist_failed")} <button type="button" class="link" onClick={() => void chats.loadOverview()}>{t("retry")}</button>
    </p>
  );
  if (chats.list.value.length) return <><List />{failed}</>;
  if (failed) return failed;
  return <Empty icon="chats" title={t("chatlist_empty_title")} text={t("chatlist_empty_text")} />;
}

type What = "people" | "messages";
const KINDS: [What, Key][] = [["people", "search_people"], ["messages", "search_messages"]];

function Results({ query, what, onOpen }: { query: string; what: Signal<What>; onOpen: (uri: string) => void }) {
  return (
    <>
      <fieldset class="segments search-what">
        <legend class="hidden">{t("search_what")}</legend>
        {KINDS.map(([kind, name]) => (
          <label key={kind}>
            <input type="radio" name="search-what" checked={what.value === kind} onChange={() => (what.value = kind)} />
            <span>{t(name)}</span>
          </label>
        ))}
      </fieldset>
      {what.value === "people" ? <SearchResults query={query} onOpen={onOpen} /> : <FoundMessages query={query} />}
    </>
  );
}

export function ChatList() {
  const query = useSignal("");
  const what = useSignal<What>("people");
  const box = useRef<HTMLDivElement>(null);
  const open = (uri: string) => {
    query.value = "";
    go("chats", uri);
  };
  return (
    <div class="list-pane" ref={box}>
      <header class="list-top">
        <h1>{t("chats_title")}</h1>
        <button type="button" class="icon-button" aria-label={t("gchat_new")} title={t("gchat_new")} onClick={() => (overlay.value = "group")}>
          <Icon name="addPeople" />
        </button>
        <button type="button" class="icon-button" aria-label={t("keys_switcher")} title={`${t("keys_switcher")} (Ctrl+K)`} onClick={() => (overlay.value = "switcher")}>
          <Icon name="add" />
        </button>
      </header>
      <SearchField query={query} label="search_all" onDown={() => focusList(box.current)} onEnter={() => openFirst(box.current)} />
      {query.value.trim() ? <Results query={query.value} what={what} onOpen={open} /> : <Body />}
    </div>
  );
}
