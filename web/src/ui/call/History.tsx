// The user's calls, the newest first.

import "../../style/call-more.css";

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import type { Past } from "../../model/history";
import { hrefOf } from "../../model/route";
import { brief, full } from "../../text/time";
import { now, overlay, useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/Icon";
import { Skeleton } from "../parts/Skeleton";
import { duration } from "./name";

/** How many of those that are called are watched for their presence. */
const WATCH = 50;

function Line({ past, fresh }: { past: Past; fresh: boolean }) {
  const { calls, online, people, route } = useSession();
  const name = people.nameOf(past.uri);
  const off = !online.value || calls.busy.value;
  const what = t(past.result === "answered" ? (past.ours ? "past_out" : "past_in") : `past_${past.result}`);
  return (
    <li class={fresh ? "past unseen" : "past"}>
      <a class="past-who" href={hrefOf("calls", past.uri)} aria-current={route.value.uri === past.uri ? "true" : undefined}>
        <Avatar uri={past.uri} />
        <span class="line-text">
          <span class="line-first">
            <bdi class="line-name">{name}</bdi>
            <time dateTime={past.at} title={full(past.at, locale.value)}>{brief(past.at, now.value, locale.value)}</time>
          </span>
          <span class={past.result === "missed" ? "line-sub past-missed" : "line-sub"}>
            <Icon name={past.result === "missed" ? "missed" : past.ours ? "callOut" : "callIn"} size={14} />
            {what}{past.result === "answered" && `, ${duration(past.seconds)}`}{past.video && `, ${t("past_video")}`}
          </span>
        </span>
        {fresh && <span class="hidden">{t("past_new")}</span>}
      </a>
      <button type="button" class="icon-button" disabled={off} aria-label={t("past_back", { name })} title={t("past_back", { name })} onClick={() => void calls.start(past.uri, past.video)}>
        <Icon name={past.video ? "video" : "phone"} />
      </button>
    </li>
  );
}

/** What there is besides the list itself. */
function End({ empty }: { empty: boolean }) {
  const { history } = useSession();
  const asked = history.asked.value;
  if (asked === "failed") {
    return (
      <p class="list-status warn">
        {t("past_failed_to_load")} <button type="button" class="link" onClick={() => void history.load(!empty)}>{t("retry")}</button>
      </p>
    );
  }
  if (asked !== "done") return empty ? <Skeleton /> : null;
  if (empty) return <Empty icon="phone" title={t("past_empty_title")} text={t("past_empty_text")} />;
  return history.more.value ? <p class="list-status"><button type="button" class="link" onClick={() => void history.load(true)}>{t("past_older")}</button></p> : null;
}

export function HistoryList() {
  const session = useSession();
  const { history } = session;
  const fresh = useSignal<ReadonlySet<string>>(new Set());
  const all = history.calls.value;
  const watched = [...new Set(all.map((p) => p.uri))].slice(0, WATCH).join(" ");
  useEffect(() => {
    session.show("history", watched ? watched.split(" ") : []);
    return () => session.show("history", []);
  }, [watched]);
  useEffect(() => {
    if (session.online.value && history.asked.value === "no") void history.load();
  }, [session.online.value, history.asked.value]);
  // Those that are new keep their mark as long as the list is shown.
  useEffect(() => {
    const now = history.calls.peek().filter((p) => p.fresh).map((p) => p.id);
    if (now.length) fresh.value = new Set([...fresh.peek(), ...now]);
    history.seen();
  }, [all]);
  return (
    <div class="list-pane">
      <header class="list-top">
        <h1>{t("calls_title")}</h1>
        <span>
          <a class="icon-button" href={hrefOf("attendant")} aria-label={t("attendant_title")} title={t("attendant_title")}><Icon name="board" /></a>
          <button type="button" class="icon-button" aria-label={t("check_open")} title={t("check_open")} onClick={() => (overlay.value = "devices")}><Icon name="settings" /></button>
        </span>
      </header>
      {all.length > 0 && <ul class="pasts" aria-label={t("calls_title")}>{all.map((p) => <Line key={p.id} past={p} fresh={p.fresh || fresh.value.has(p.id)} />)}</ul>}
      <End empty={!all.length} />
    </div>
  );
}
