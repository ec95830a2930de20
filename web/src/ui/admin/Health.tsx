// How the server is: its processes, what they need, what they do. Asked again while it is looked at.

import { locale, t, type Key } from "../../i18n";
import "../../i18n/admin";
import { checkNeeds, checkProcesses, checkStatus, type Needs, type Process, type Status } from "../../net/admin";
import { bytes, number, span } from "../../text/amount";
import { full } from "../../text/time";
import { useAsk } from "./ask";
import { Again, Card, Facts, Loaded, Mark, Page, Said, Table, type Tone } from "./parts";

const EVERY_S = 10;

const STATES: Record<string, [Tone, Key]> = {
  running: ["good", "adm_running"],
  starting: ["warn", "adm_starting"],
  stopping: ["warn", "adm_stopping"],
  down: ["bad", "adm_down"],
};
const LOADS: Record<string, [Tone, Key]> = {
  calm: ["good", "adm_calm"],
  busy: ["warn", "adm_busy"],
  full: ["bad", "adm_full"],
};

function Word({ of, word }: { of: Record<string, [Tone, Key]>; word: string }) {
  const known = of[word];
  return known ? <Mark tone={known[0]}>{t(known[1])}</Mark> : <Said text={word} />;
}

function Server({ status }: { status: Status }) {
  const whole = status.running === status.processes;
  return (
    <Facts
      rows={[
        ["adm_state", <Word of={STATES} word={status.server} />],
        ["adm_processes", <Mark tone={whole ? "good" : "bad"}>{t("adm_of", { n: status.running, all: status.processes })}</Mark>],
        ["adm_load", <Word of={LOADS} word={status.load} />],
        ["adm_since", `${full(status.startedAt, locale.value)} (${span(status.runningS, locale.value)})`],
        ["adm_store", status.store === "ok" ? <Mark tone="good">{t("adm_fine")}</Mark> : <Mark tone="bad"><Said text={`${status.store} (${status.unsaved})`} /></Mark>],
        ["adm_version", status.version],
        ["adm_domain", status.domain],
        ["adm_folder", <code>{status.configuration}</code>],
      ]}
    />
  );
}

function Processes({ rows, needs }: { rows: Process[]; needs: Needs[] }) {
  const of = new Map(needs.map((n) => [n.name, n]));
  const memory = (p: Process) => of.get(p.name)?.memory ?? 0;
  const cpu = (p: Process) => of.get(p.name)?.cpuS ?? 0;
  return (
    <Table
      label={t("adm_processes")}
      rows={rows}
      keyOf={(p) => p.name}
      columns={[
        { name: t("adm_process"), cell: (p) => <><strong>{p.name}</strong><br /><span class="muted" lang="en">{p.box}</span></> },
        { name: t("adm_state"), cell: (p) => <Word of={STATES} word={p.state} /> },
        { name: t("adm_load"), cell: (p) => <Word of={LOADS} word={p.load} /> },
        { name: t("adm_for"), num: true, cell: (p) => span(p.forS, locale.value) },
        { name: t("adm_restarts"), num: true, cell: (p) => (p.restarts ? <Mark tone="warn">{p.restarts}</Mark> : 0) },
        { name: t("adm_memory"), num: true, cell: (p) => (memory(p) ? bytes(memory(p), locale.value) : "–") },
        { name: t("adm_cpu"), num: true, cell: (p) => span(cpu(p), locale.value) },
      ]}
    />
  );
}

function Figures({ needs }: { needs: Needs[] }) {
  const shown = (v: string) => (v !== "" && Number.isFinite(Number(v)) ? number(Number(v), locale.value) : v);
  return (
    <div class="adm-figures">
      {needs.filter((n) => n.figures.length).map((n) => (
        <section key={n.name} aria-label={n.name}>
          <h3>{n.name}</h3>
          <dl class="adm-facts" lang="en">
            {n.figures.map(([k, v]) => <div key={k}><dt>{k.replaceAll("_", " ")}</dt><dd>{shown(v)}</dd></div>)}
          </dl>
        </section>
      ))}
    </div>
  );
}

export function Health() {
  const status = useAsk("status", {}, checkStatus, EVERY_S);
  const processes = useAsk("role list", {}, checkProcesses, EVERY_S);
  const needs = useAsk("role status", {}, checkNeeds, EVERY_S);
  return (
    <Page title={t("adm_health")} tools={<Again asked={status} />}>
      <Card title={t("adm_server")} id="adm-server">
        <Loaded asked={status}>{(s) => <Server status={s} />}</Loaded>
      </Card>
      <Card title={t("adm_processes")} id="adm-processes">
        <Loaded asked={processes}>{(rows) => <Processes rows={rows} needs={needs.data.value ?? []} />}</Loaded>
      </Card>
      <Card title={t("adm_figures")} id="adm-figures" hint={t("adm_figures_hint")}>
        <Loaded asked={needs}>{(rows) => <Figures needs={rows} />}</Loaded>
      </Card>
    </Page>
  );
}
