// What a check found, the worst first, each with what can be done.

import { useSignal } from "@preact/signals";

import { t, type Key } from "../../i18n";
import "../../i18n/admin";
import type { Finding, Level } from "../../net/admin";
import { Mark, Nothing, Said, type Tone } from "./parts";

const LEVELS: [Level, Tone, Key][] = [
  ["error", "bad", "adm_level_error"],
  ["warning", "warn", "adm_level_warning"],
  ["note", "plain", "adm_level_note"],
  ["ok", "good", "adm_level_ok"],
];

function Row({ row }: { row: Finding }) {
  const [, tone, name] = LEVELS.find(([l]) => l === row.level) ?? ["note", "plain", "adm_level_note"];
  return (
    <li class="adm-finding">
      <Mark tone={tone}>{t(name)}</Mark>
      <div>
        <p><strong><Said text={row.about} /></strong>: <Said text={row.what} /></p>
        {row.remedy && <p class="muted adm-lines"><Said text={row.remedy} /></p>}
      </div>
    </li>
  );
}

export function Findings({ rows }: { rows: Finding[] }) {
  const all = useSignal(false);
  const sorted = LEVELS.flatMap(([level]) => rows.filter((r) => r.level === level));
  const bad = sorted.filter((r) => r.level !== "ok");
  const shown = all.value ? sorted : bad;
  const count = (level: Level) => rows.filter((r) => r.level === level).length;
  return (
    <>
      <p role="status">{t("adm_found", { errors: count("error"), warnings: count("warning"), notes: count("note"), good: count("ok") })}</p>
      {bad.length === 0 && <Nothing icon="check" title={t("adm_all_well")} />}
      <ul class="adm-findings">{shown.map((r, i) => <Row key={i} row={r} />)}</ul>
      <label class="check">
        <input type="checkbox" checked={all.value} onChange={(e) => (all.value = e.currentTarget.checked)} />
        <span>{t("adm_show_good")}</span>
      </label>
    </>
  );
}
