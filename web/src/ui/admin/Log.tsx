// What the processes log, as it comes.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t, type Key } from "../../i18n";
import "../../i18n/admin";
import { give, type Args } from "../../net/admin";
import { codeOf } from "../../net/wire";
import { Skeleton } from "../parts/Skeleton";
import { adminErrorText } from "./errors";
import { checkLog, LINES_MAX, merge, sinceOf, type LogLine } from "./log";
import { Mark, Nothing, Page, type Tone } from "./parts";

const EVERY_MS = 4000;
const PAUSE_MS = 300;
const LEVELS: [string, Key][] = [["error", "adm_log_error"], ["warning", "adm_log_warning"], ["info", "adm_log_info"]];
const TONES: Record<string, Tone> = { error: "bad", warning: "warn" };

function useLog() {
  const lines = useSignal<LogLine[] | null>(null);
  const level = useSignal("info");
  const filter = useSignal("");
  const going = useSignal(true);
  const error = useSignal("");
  useEffect(() => {
    let over = false;
    let timer = 0;
    const args = (): Args => {
      const since = sinceOf(lines.peek() ?? []);
      return { level: level.value, max: LINES_MAX, ...(filter.value ? { text: filter.value } : {}), ...(since ? { since } : {}) };
    };
    const ask = async () => {
      try {
        const more = checkLog(await give("log", args()));
        if (over) return;
        lines.value = merge(lines.peek() ?? [], more);
        error.value = "";
      } catch (e) {
        if (!over && codeOf(e) !== "too_many") error.value = adminErrorText(e);
      }
    };
    const turn = async () => {
      if (document.visibilityState === "visible") await ask();
      if (!over && going.value) timer = window.setTimeout(() => void turn(), EVERY_MS);
    };
    const first = !lines.peek() || going.value;
    timer = window.setTimeout(() => void (first ? turn() : undefined), lines.peek() ? PAUSE_MS : 0);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [level.value, filter.value, going.value]);
  const choose = (next: string, text: string) => {
    lines.value = null;
    level.value = next;
    filter.value = text;
  };
  return { lines, level, filter, going, error, choose };
}

export function Log() {
  const { lines, level, filter, going, error, choose } = useLog();
  return (
    <Page title={t("adm_log")}>
      <section class="card adm-card" aria-label={t("adm_log")}>
        <p class="hint">{t("adm_log_hint")}</p>
        <div class="adm-fields">
          <div class="field">
            <label for="log-level">{t("adm_log_level")}</label>
            <select id="log-level" value={level.value} onChange={(e) => choose(e.currentTarget.value, filter.peek())}>
              {LEVELS.map(([value, name]) => <option key={value} value={value}>{t(name)}</option>)}
            </select>
          </div>
          <div class="field">
            <label for="log-text">{t("adm_filter")}</label>
            <input id="log-text" type="text" autocomplete="off" spellcheck={false} value={filter.value} onInput={(e) => choose(level.peek(), e.currentTarget.value)} />
          </div>
        </div>
        <label class="check">
          <input type="checkbox" checked={going.value} onChange={(e) => (going.value = e.currentTarget.checked)} />
          <span>{t("adm_log_follow")}</span>
        </label>
        <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
        {!lines.value && !error.value && <Skeleton />}
        {lines.value?.length === 0 && <Nothing icon="clock" title={t("adm_log_none")} />}
        {lines.value && lines.value.length > 0 && (
          <ol class="adm-log" tabIndex={0} aria-label={t("adm_log")} lang="en" reversed>
            {[...lines.value].reverse().map((l) => (
              <li key={l.key}>
                <span class="muted">{l.time.slice(0, 10)} {l.time.slice(11, 23)}</span> <Mark tone={TONES[l.level] ?? "plain"}>{l.level}</Mark> <strong>{l.who}</strong> <span>{l.text}</span>
              </li>
            ))}
          </ol>
        )}
      </section>
    </Page>
  );
}
