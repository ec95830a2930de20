// The metrics of all processes together, as small plots of the time that they are looked at; each is a table, too.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import { number } from "../../text/amount";
import { useAsk } from "./ask";
import { Loaded, Nothing, Page } from "./parts";
import { checkMetrics, grow, linePath, type Series } from "./series";

const EVERY_S = 5;
const WIDTH = 240;
const HEIGHT = 60;
const SHOWN_MAX = 24;
/** What is looked at first. */
const FIRST = "dialtone_web_ dialtone_accounts_signins process_resident process_cpu";
const TABLE_ROWS = 10;

function Plot({ series }: { series: Series }) {
  const { points } = series;
  const shown = (v: number) => number(v, locale.value) + (series.counter ? t("adm_per_s") : "");
  const values = points.map((p) => p.value);
  const last = values.at(-1);
  const clock = new Intl.DateTimeFormat(locale.value, { timeStyle: "medium" });
  return (
    <figure class="adm-plot">
      <figcaption>
        <strong>{series.key.replace("{}", "")}</strong>
        <span class="muted" lang="en">{series.help}</span>
      </figcaption>
      <p class="adm-plot-now">{last === undefined ? t("adm_metric_waits") : shown(last)}</p>
      {points.length > 1 && (
        <svg viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} role="img" aria-label={t("adm_metric_line", { low: shown(Math.min(...values)), high: shown(Math.max(...values)), last: shown(last ?? 0) })} preserveAspectRatio="none">
          <path d={linePath(points, WIDTH, HEIGHT)} />
        </svg>
      )}
      {points.length > 1 && (
        <details>
          <summary>{t("adm_metric_table")}</summary>
          <table>
            <thead><tr><th scope="col">{t("adm_when")}</th><th scope="col">{t("adm_value")}</th></tr></thead>
            <tbody>{points.slice(-TABLE_ROWS).map((p) => <tr key={p.at}><td>{clock.format(p.at)}</td><td>{shown(p.value)}</td></tr>)}</tbody>
          </table>
        </details>
      )}
    </figure>
  );
}

export function Metrics() {
  const asked = useAsk("metrics", {}, checkMetrics, EVERY_S);
  const series = useSignal<ReadonlyMap<string, Series>>(new Map());
  const filter = useSignal("");
  useEffect(() => {
    const samples = asked.data.value;
    if (samples) series.value = grow(series.peek(), samples, Date.now());
  }, [asked.data.value]);
  const found = useComputed(() => {
    const words = (filter.value.trim() || FIRST).toLowerCase().split(/\s+/);
    return [...series.value.values()].filter((s) => words.some((w) => `${s.key} ${s.help}`.toLowerCase().includes(w)));
  });
  return (
    <Page title={t("adm_metrics")}>
      <section class="card adm-card" aria-label={t("adm_metrics")}>
        <p class="hint">{t("adm_metrics_hint")}</p>
        <div class="field adm-wide">
          <label for="metrics-filter">{t("adm_filter")}</label>
          <input id="metrics-filter" type="text" autocomplete="off" spellcheck={false} value={filter.value} onInput={(e) => (filter.value = e.currentTarget.value)} />
        </div>
        <Loaded asked={asked}>
          {() => (
            <>
              {found.value.length === 0 && <Nothing icon="search" title={t("adm_metrics_none")} />}
              <div class="adm-plots">{found.value.slice(0, SHOWN_MAX).map((s) => <Plot key={s.key} series={s} />)}</div>
              {found.value.length > SHOWN_MAX && <p class="hint">{t("adm_first_of", { n: SHOWN_MAX })}</p>}
            </>
          )}
        </Loaded>
      </section>
    </Page>
  );
}
