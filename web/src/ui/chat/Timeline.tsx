// The messages of a chat. It stays at the newest while the user is there, and where the user reads while
// they are not, also when older messages come in above.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { locale, t } from "../../i18n";
import type { Chat } from "../../model/chats";
import { rows, saidBriefly, type Entry } from "../../model/entries";
import { dayKey, dayName } from "../../text/time";
import { now, useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { announce } from "../parts/live";
import { Bubble } from "./Bubble";
import { useOthers } from "./Mentions";

const CallTrace = lazy(async () => (await import("../call/CallTrace")).CallTrace, true);

/** So near to the end counts as at the end, and so near to the begin as at the begin. */
const END_PX = 80;
const BEGIN_PX = 200;
const SAID_MAX = 200;
const SOUGHT_MS = 4000;
/** Keys that mean a letter's button. */
const LETTERS: Record<string, string> = { Delete: "d", "+": "a" };

function Top({ chat }: { chat: Chat }) {
  const { chats, people } = useSession();
  const name = people.nameOf(chat.uri);
  const asked = chat.asked.value;
  if (asked === "asking") return <p class="timeline-note" role="status">{t("chat_loading")}</p>;
  if (asked === "failed") {
    return (
      <p class="timeline-note">
        {t("chat_load_failed")} <button type="button" class="link" onClick={() => void chats.load(chat.uri, true)}>{t("retry")}</button>
      </p>
    );
  }
  if (asked === "done" && chat.more.value && chat.entries.value.length) {
    return <p class="timeline-note"><button type="button" class="link" onClick={() => void chats.load(chat.uri, true)}>{t("chat_older")}</button></p>;
  }
  if (asked !== "done") return null;
  return (
    <div class="timeline-begin">
      <Avatar uri={chat.uri} size="xl" presence={false} />
      <p class="empty-title">{chat.entries.value.length ? name : t("chat_first", { name })}</p>
      <p class="muted">{t("chat_begin", { name })}</p>
    </div>
  );
}

/** Says what comes in while the chat is open. */
function useSpoken(entries: readonly Entry[]): void {
  const { people, user } = useSession();
  const spoken = useRef(entries[entries.length - 1]?.key);
  useEffect(() => {
    const last = entries[entries.length - 1];
    if (!last || last.key === spoken.current) return;
    const live = spoken.current !== undefined;
    spoken.current = last.key;
    if (live && !last.call && last.from !== user.value.uri) {
      announce(t("chat_says", { name: people.nameOf(last.from), text: saidBriefly(last, SAID_MAX) }));
    }
  }, [entries]);
}

/** Keeps the place in the list; tells whether the user is at the end. */
function useScroll(chat: Chat, entries: readonly Entry[]) {
  const { chats } = useSession();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const seen = useSignal(0);
  const before = useRef({ first: "", height: 0, count: 0 });

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const first = entries[0]?.key ?? "";
    const old = before.current;
    const older = old.first !== "" && first !== old.first;
    const own = entries.length > old.count && !entries[entries.length - 1]?.id;
    if (older && !atEnd.peek()) el.scrollTop += el.scrollHeight - old.height;
    else if (atEnd.peek() || own || old.count === 0) el.scrollTop = el.scrollHeight;
    else if (entries.length > old.count) seen.value += entries.length - old.count;
    before.current = { first, height: el.scrollHeight, count: entries.length };
  }, [entries, chat.typing.value]);

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    // The composer grows, a keyboard comes up, pictures of another width: the end stays the end.
    const sizes = new ResizeObserver(() => atEnd.peek() && (el.scrollTop = el.scrollHeight));
    sizes.observe(el);
    if (el.firstElementChild) sizes.observe(el.firstElementChild);
    return () => sizes.disconnect();
  }, []);

  const onScroll = () => {
    const el = box.current;
    if (!el) return;
    atEnd.value = el.scrollHeight - el.scrollTop - el.clientHeight < END_PX;
    if (atEnd.value) seen.value = 0;
    if (el.scrollTop < BEGIN_PX && chat.more.peek() && chat.asked.peek() === "done") void chats.load(chat.uri, true);
  };
  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  return { box, atEnd, seen, onScroll, toEnd };
}

/** Shows the message that was searched for, and marks it for a while. */
function useSought(chat: Chat, entries: readonly Entry[], { box, atEnd }: Pick<ReturnType<typeof useScroll>, "box" | "atEnd">): string | null {
  const sought = chat.sought.value;
  useEffect(() => {
    if (!sought) return;
    const entry = entries.find((e) => e.key === sought);
    const row = box.current?.querySelector(`[data-key="${CSS.escape(sought)}"]`);
    if (!entry || !row) return;
    atEnd.value = false;
    row.scrollIntoView({ block: "center" });
    announce(saidBriefly(entry, SAID_MAX));
    const timer = setTimeout(() => (chat.sought.value = null), SOUGHT_MS);
    return () => clearTimeout(timer);
  }, [sought]);
  return sought;
}

/** Arrows go from message to message; a letter does what the message's buttons do. */
function onKey(e: KeyboardEvent, box: HTMLDivElement | null): void {
  if (!box || e.ctrlKey || e.metaKey || e.altKey || !(e.target instanceof HTMLElement)) return;
  const all = [...box.querySelectorAll<HTMLElement>(".msg")];
  const here = all.findIndex((m) => m === e.target);
  const step = e.key === "ArrowUp" ? -1 : e.key === "ArrowDown" ? 1 : 0;
  if (step && (here >= 0 || e.target === box)) {
    all[here < 0 ? all.length - 1 : Math.min(Math.max(here + step, 0), all.length - 1)]?.focus();
  } else {
    const letter = LETTERS[e.key] ?? e.key.toLowerCase();
    const act = here >= 0 ? all[here]?.querySelector<HTMLElement>(`[data-act="${CSS.escape(letter)}"]`) : null;
    if (!act) return;
    act.click();
  }
  e.preventDefault();
}

/** Whom a mention in this chat can mean. */
function useNames(uri: string): readonly string[] {
  const others = useOthers(uri);
  const me = useSession().user.value.name;
  return useMemo(() => (others ? [...others, me] : []), [others?.join("\n"), me]);
}

export function Timeline({ chat }: { chat: Chat }) {
  const { people, user } = useSession();
  const entries = chat.entries.value;
  const fresh = chat.fresh.value;
  const shown = useMemo(() => rows(entries, fresh, dayKey), [entries, fresh]);
  const { box, atEnd, seen, onScroll, toEnd } = useScroll(chat, entries);
  useSpoken(entries);
  const names = useNames(chat.uri);
  const sought = useSought(chat, entries, { box, atEnd });
  const name = people.nameOf(chat.uri);
  const me = user.value.uri;
  const lastMine = entries[entries.length - 1]?.from === me ? entries[entries.length - 1]?.key : null;
  return (
    <div class="timeline-box">
      <div class="timeline" ref={box} role="log" aria-live="off" aria-label={t("chat_log", { name })} tabIndex={0} onScroll={onScroll} onKeyDown={(e) => onKey(e, box.current)}>
        <div class="timeline-inner">
          <Top chat={chat} />
          {shown.map((row) => (
            <div key={row.entry.key} class={row.entry.key === sought ? "timeline-row sought" : "timeline-row"}>
              {row.day && <h2 class="day"><span>{dayName(row.entry.at, now.value, locale.value)}</span></h2>}
              {row.fresh && <p class="fresh"><span>{t("chat_new")}</span></p>}
              {row.entry.call ? <CallTrace entry={row.entry} call={row.entry.call} uri={chat.uri} /> : <Bubble row={row} uri={chat.uri} names={names} last={row.entry.key === lastMine} />}
            </div>
          ))}
          {chat.typing.value && (
            <p class="typing">
              <span class="dots" aria-hidden="true"><i /><i /><i /></span>
              <span dir="auto">{t("chat_typing", { name: people.nameOf(chat.typing.value) })}</span>
            </p>
          )}
        </div>
      </div>
      {!atEnd.value && (
        <button type="button" class="jump" onClick={toEnd}>
          <Icon name="down" size={18} />
          {seen.value ? t("chat_jump_new", { n: seen.value }) : <span class="hidden">{t("chat_jump")}</span>}
        </button>
      )}
    </div>
  );
}
