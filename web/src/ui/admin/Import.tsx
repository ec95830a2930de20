// Many users from a table: a look at it, a check, then each line's end.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/admin";
import { hrefOf } from "../../model/route";
import { list, text } from "../../net/check";
import { csvParts, parseCsv } from "../../text/csv";
import { announce } from "../parts/live";
import { Secret } from "../security/Secret";
import { ActEnd } from "./ActEnd";
import { useAct, type Act } from "./act";
import { Card, Mark, Page, Said, Table } from "./parts";

/** A command has at most 15 kB; quotes and line ends become longer in JSON. */
const PART_BYTES = 6000;
const FILE_MAX = 1_000_000;
const SHOWN_MAX = 20;

export interface Line {
  user: string;
  result: string;
  why: string;
  password: string;
}

const checkLines = (v: unknown): Line[] =>
  list(v, (o) => ({ user: text(o.user), result: text(o.result), why: text(o.why), password: text(o.password) }));

function Look({ rows }: { rows: string[][] }) {
  const [head = [], ...rest] = rows;
  return (
    <>
      <p role="status">{t("adm_import_rows", { n: rest.length })}</p>
      <Table<{ values: string[]; i: number }>
        label={t("adm_import_look")}
        rows={rest.slice(0, SHOWN_MAX).map((values, i) => ({ values, i }))}
        keyOf={(r) => r.i}
        columns={head.map((name, k) => ({ name, cell: (r) => <bdi>{name.toLowerCase() === "password" && r.values[k] ? "•••" : r.values[k]}</bdi> }))}
      />
      {rest.length > SHOWN_MAX && <p class="hint">{t("adm_import_first", { n: SHOWN_MAX })}</p>}
    </>
  );
}

function Ends({ lines }: { lines: Line[] }) {
  const made = lines.filter((l) => l.password).map((l) => `${l.user}\t${l.password}`);
  const bad = lines.filter((l) => l.result === "failed").length;
  return (
    <>
      <p role="status">{t("adm_import_ends", { good: lines.length - bad, bad })}</p>
      {made.length > 0 && (
        <>
          <p class="note">{t("adm_import_once")}</p>
          <Secret label={t("adm_import_passwords")} text={made.join("\n")} />
        </>
      )}
      <Table
        label={t("adm_import_lines")}
        rows={lines.map((l, i) => ({ ...l, i }))}
        keyOf={(l) => l.i}
        columns={[
          { name: t("adm_user"), cell: (l) => <bdi>{l.user}</bdi> },
          { name: t("adm_result"), cell: (l) => <Mark tone={l.result === "failed" ? "bad" : "good"}>{t(l.result === "failed" ? "adm_failed" : l.result === "made" ? "adm_import_made" : "adm_import_good")}</Mark> },
          { name: t("adm_why"), cell: (l) => <Said text={l.why} /> },
        ]}
      />
    </>
  );
}

/** Part after part; what was done stays shown when a later one fails. */
function useImport(act: Act) {
  const lines = useSignal<Line[] | null>(null);
  const between = useSignal(false);
  const run = (rows: string[][], check: boolean) => {
    const parts = csvParts(rows, PART_BYTES);
    const step = (i: number) => {
      const part = parts[i];
      between.value = false;
      if (part === undefined) {
        announce(t("adm_import_over"));
        return;
      }
      act.run("user import", { list: part, check }, (said) => {
        lines.value = [...(lines.peek() ?? []), ...checkLines(said)];
        // A turn later: the one before is not over yet.
        between.value = true;
        setTimeout(() => step(i + 1));
      });
    };
    lines.value = null;
    step(0);
  };
  return { lines, between, run };
}

export function Import() {
  const rows = useSignal<string[][]>([]);
  const problem = useSignal("");
  const act = useAct();
  const { lines, between, run } = useImport(act);
  const take = async (file: File | undefined) => {
    problem.value = "";
    rows.value = [];
    lines.value = null;
    if (!file) return;
    if (file.size > FILE_MAX) problem.value = t("adm_import_large");
    else {
      rows.value = parseCsv(await file.text());
      if (rows.value.length < 2) problem.value = t("adm_import_empty");
    }
  };
  const busy = act.busy.value || between.value;
  return (
    <Page title={t("adm_import")} back={hrefOf("admin", "users")}>
      <Card title={t("adm_import_table")} id="adm-import" hint={t("adm_import_hint")}>
        <div class="field adm-wide">
          <label for="adm-file">{t("adm_import_file")}</label>
          <input id="adm-file" type="file" accept=".csv,text/csv,text/plain" onChange={(e) => void take(e.currentTarget.files?.[0])} />
        </div>
        <p class="form-error" role="alert" hidden={!problem.value}>{problem.value}</p>
        {rows.value.length > 1 && (
          <>
            <Look rows={rows.value} />
            <div class="buttons">
              <button type="button" class="button" disabled={busy} onClick={() => run(rows.peek(), true)}>{t("adm_import_check")}</button>
              <button type="button" class="button primary" disabled={busy} onClick={() => run(rows.peek(), false)}>{t("adm_import_make")}</button>
            </div>
          </>
        )}
        <ActEnd act={act} />
      </Card>
      {lines.value && <Card title={t("adm_import_lines")} id="adm-lines"><Ends lines={lines.value} /></Card>}
    </Page>
  );
}
