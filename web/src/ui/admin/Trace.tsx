// SIP as it passes, while it is looked at; and what would become of a request, without one.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import { give } from "../../net/admin";
import { count, isObject, text } from "../../net/check";
import { follow } from "../../net/follow";
import { adminErrorText } from "./errors";
import { Card, Mark, Nothing, Page, Said } from "./parts";

/** The last ones are kept. */
const SHOWN_MAX = 300;

interface Passed {
  key: number;
  time: string;
  role: string;
  way: string;
  peer: string;
  kind: string;
  message: string;
}

/** The first line says what it is: "INVITE sip:bob@..." or "SIP/2.0 200 OK". */
export function firstLine(message: string): string {
  return message.split(/\r?\n/, 1)[0] ?? "";
}

function passedOf(v: unknown, key: number): Passed {
  const o = isObject(v) ? v : {};
  const at = new Date(count(o.time, 0) / 1000);
  const time = new Intl.DateTimeFormat(locale.peek(), { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }).format(at);
  return { key, time, role: text(o.role), way: text(o.way), peer: text(o.peer), kind: text(o.kind), message: text(o.message) };
}

function useTrace() {
  const rows = useSignal<Passed[]>([]);
  const running = useSignal<AbortController | null>(null);
  const error = useSignal("");
  const last = useRef(0);
  const stop = () => {
    running.peek()?.abort();
    running.value = null;
  };
  useEffect(() => stop, []);
  const start = (user: string, peer: string) => {
    const mine = new AbortController();
    const args = { ...(user ? { user } : {}), ...(peer ? { peer } : {}) };
    running.value = mine;
    rows.value = [];
    error.value = "";
    follow("trace", args, (v) => (rows.value = [...rows.peek(), passedOf(v, ++last.current)].slice(-SHOWN_MAX)), mine.signal)
      .catch((e: unknown) => (error.value = adminErrorText(e)))
      .finally(() => running.peek() === mine && (running.value = null));
  };
  return { rows, running, error, start, stop };
}

function Row({ row }: { row: Passed }) {
  const out = row.way === "out";
  return (
    <li>
      <details class="adm-passed">
        <summary>
          <span class="muted">{row.time}</span> <Mark tone={out ? "plain" : "good"}>{t(out ? "adm_trace_out" : "adm_trace_in")}</Mark>{" "}
          <code>{firstLine(row.message)}</code> <span class="muted">{[row.role, row.kind, row.peer].join(" ")}</span>
        </summary>
        <pre tabIndex={0} role="group" aria-label={firstLine(row.message)}>{row.message}</pre>
      </details>
    </li>
  );
}

function Live() {
  const { rows, running, error, start, stop } = useTrace();
  const user = useSignal("");
  const peer = useSignal("");
  const submit = (e: Event) => {
    e.preventDefault();
    if (running.peek()) stop();
    else start(user.peek().trim(), peer.peek().trim());
  };
  return (
    <Card title={t("adm_trace")} id="adm-trace" hint={t("adm_trace_hint")}>
      <form class="own-form" onSubmit={submit}>
        <div class="adm-fields">
          <div class="field">
            <label for="trace-user">{t("adm_trace_user")}</label>
            <input id="trace-user" type="text" dir="auto" autocomplete="off" spellcheck={false} value={user.value} onInput={(e) => (user.value = e.currentTarget.value)} />
          </div>
          <div class="field">
            <label for="trace-peer">{t("adm_trace_peer")}</label>
            <input id="trace-peer" type="text" autocomplete="off" spellcheck={false} value={peer.value} onInput={(e) => (peer.value = e.currentTarget.value)} />
          </div>
        </div>
        <button type="submit" class={running.value ? "button" : "button primary"}>{t(running.value ? "adm_trace_stop" : "adm_trace_start")}</button>
      </form>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      {running.value && rows.value.length === 0 && <p class="muted" role="status">{t("adm_trace_waits")}</p>}
      {!running.value && rows.value.length === 0 && <Nothing icon="screen" title={t("adm_trace_none")} />}
      {rows.value.length > 0 && <ol class="adm-trace">{rows.value.map((r) => <Row key={r.key} row={r} />)}</ol>}
    </Card>
  );
}

interface Story {
  code: number;
  outcome: string;
  steps: string[];
}

function storyOf(v: unknown): Story {
  const o = isObject(v) ? v : {};
  return { code: count(o.code, 0), outcome: text(o.outcome), steps: Array.isArray(o.steps) ? o.steps.map(text).filter(Boolean) : [] };
}

function Explain() {
  const from = useSignal("");
  const to = useSignal("");
  const story = useSignal<Story | null>(null);
  const error = useSignal("");
  const busy = useSignal(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy.peek()) return;
    busy.value = true;
    error.value = "";
    try {
      story.value = storyOf(await give("explain", { from: from.peek().trim(), to: to.peek().trim() }));
    } catch (x) {
      story.value = null;
      error.value = adminErrorText(x);
    }
    busy.value = false;
  };
  const input = (id: string, label: string, value: typeof from) => (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="text" dir="auto" autocomplete="off" spellcheck={false} value={value.value} onInput={(e) => (value.value = e.currentTarget.value)} />
    </div>
  );
  return (
    <Card title={t("adm_explain")} id="adm-explain" hint={t("adm_explain_hint")}>
      <form class="own-form" onSubmit={(e) => void submit(e)}>
        <div class="adm-fields">
          {input("explain-from", t("adm_explain_from"), from)}
          {input("explain-to", t("adm_explain_to"), to)}
        </div>
        <button type="submit" class="button" disabled={!from.value.trim() || !to.value.trim()}>{t("adm_explain_ask")}</button>
      </form>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      {story.value && (
        <div role="status">
          <ol class="adm-steps" lang="en">{story.value.steps.map((s, i) => <li key={i}>{s}</li>)}</ol>
          <p><Mark tone={story.value.code < 300 ? "good" : "bad"}>{story.value.code}</Mark> <Said text={story.value.outcome} /></p>
        </div>
      )}
    </Card>
  );
}

export function Trace() {
  return (
    <Page title={t("adm_tracing")}>
      <Live />
      <Explain />
    </Page>
  );
}
