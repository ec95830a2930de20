// Messages that were searched for, the newest first.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import "../../style/found.css";
import { locale, t } from "../../i18n";
import "../../i18n/more";
import { isConference } from "../../model/conferences";
import { go } from "../../model/route";
import type { Message } from "../../net/wire";
import { plainText } from "../../text/markdown";
import { snippet } from "../../text/snippet";
import { brief } from "../../text/time";
import { now, useSession } from "../context";
import { thrownText } from "../errors";
import { Avatar } from "../parts/Avatar";
import { Empty } from "../parts/Empty";
import { announce } from "../parts/live";

const PAUSE_MS = 350;
const LEAST_LETTERS = 2;
/** The server looks at a part of the history each time: so often it is asked for so many hits. */
const ROUNDS = 8;
const ENOUGH = 20;

interface State {
  hits: Message[];
  before: string;
  more: boolean;
  asking: "idle" | "busy" | "done" | "failed";
  error: string;
}

const NOTHING: State = { hits: [], before: "", more: false, asking: "idle", error: "" };

function useFound(query: string) {
  const { chats, online } = useSession();
  const state = useSignal<State>(NOTHING);
  const isOnline = online.value;
  /** Counts the questions: answers to an earlier one are dropped. */
  const turn = useRef(0);

  /** Goes on where the last round ended, until there is enough. */
  const look = async (): Promise<void> => {
    const mine = ++turn.current;
    const enough = state.peek().hits.length + ENOUGH;
    state.value = { ...state.peek(), asking: "busy" };
    try {
      for (let i = 0; i < ROUNDS; i++) {
        const { messages, before, more } = await chats.search(query, state.peek().before);
        if (turn.current !== mine) return;
        const hits = [...state.peek().hits, ...messages.reverse()];
        const goes = more && hits.length < enough && i + 1 < ROUNDS;
        state.value = { hits, before, more, asking: goes ? "busy" : "done", error: "" };
        if (!goes) break;
      }
      announce(t("found_results", { n: state.peek().hits.length }));
    } catch (e) {
      if (turn.current === mine) state.value = { ...state.peek(), asking: "failed", error: t("found_failed", { text: thrownText(e) }) };
    }
  };

  useEffect(() => {
    state.value = NOTHING;
    if ([...query].length < LEAST_LETTERS || !isOnline) return;
    const timer = setTimeout(() => void look(), PAUSE_MS);
    return () => {
      turn.current++;
      clearTimeout(timer);
    };
  }, [query, isOnline]);
  return { state, further: () => void look() };
}

function Hit({ message, query, onOpen }: { message: Message; query: string; onOpen: () => void }) {
  const { people, user } = useSession();
  const { chat, from, at } = message;
  const who = from === user.value.uri ? t("chat_you") : isConference(chat) ? people.nameOf(from) : "";
  return (
    <li>
      <button type="button" class="line" onClick={onOpen}>
        <Avatar uri={chat} presence={false} />
        <span class="line-text">
          <span class="line-first">
            <bdi class="line-name">{people.nameOf(chat)}</bdi>
            <time dateTime={at}>{brief(at, now.value, locale.value)}</time>
          </span>
          <span class="line-sub found-text" dir="auto">
            {who && <>{who}: </>}
            {snippet([plainText(message.text), message.file?.name].filter(Boolean).join(" · "), query).map((p, i) => (p.hit ? <mark key={i}>{p.text}</mark> : p.text))}
          </span>
        </span>
      </button>
    </li>
  );
}

export function FoundMessages({ query }: { query: string }) {
  const { chats } = useSession();
  const text = query.trim();
  const { state, further } = useFound(text);
  const { hits, more, asking, error } = state.value;
  const open = ({ chat, id }: Message) => {
    go("chats", chat);
    void chats.reach(chat, id).then((there) => there || announce(t("found_far")));
  };
  return (
    <div class="found" aria-busy={asking === "busy"}>
      <ul aria-label={t("found_label")}>
        {hits.map((m) => <Hit key={m.id} message={m} query={text} onOpen={() => open(m)} />)}
      </ul>
      {asking === "idle" && [...text].length < LEAST_LETTERS && <p class="list-status">{t("found_short")}</p>}
      {asking === "busy" && <p class="list-status">{t("found_busy")}</p>}
      {asking === "failed" && <p class="list-status warn">{error} <button type="button" class="link" onClick={further}>{t("retry")}</button></p>}
      {asking === "done" && more && <p class="list-status"><button type="button" class="link" onClick={further}>{t("found_more")}</button></p>}
      {asking === "done" && !more && !hits.length && <Empty small icon="search" title={t("found_none", { text })} text={t("found_none_hint")} />}
    </div>
  );
}
