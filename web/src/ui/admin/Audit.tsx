// Who did what by these pages, the last first.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import { checkAudit, give, type AuditRow } from "../../net/admin";
import { full } from "../../text/time";
import { Skeleton } from "../parts/Skeleton";
import { argsText } from "./args";
import { adminErrorText } from "./errors";
import { Mark, Nothing, Page, Said, Table, type Tone } from "./parts";

const STEP = 50;

function Result({ text }: { text: string }) {
  const [tone, word]: [Tone, string] = text === "done" ? ["good", t("adm_done")] : text === "begun" ? ["warn", t("adm_begun")] : text.startsWith("failed") ? ["bad", t("adm_failed")] : ["plain", text];
  const why = text.replace(/^failed:? ?/, "");
  return <><Mark tone={tone}>{word}</Mark>{tone === "bad" && why && <><br /><span class="muted"><Said text={why} /></span></>}</>;
}

export function Audit() {
  const rows = useSignal<AuditRow[] | null>(null);
  const more = useSignal(false);
  const error = useSignal("");
  const load = async (before: number) => {
    try {
      const got = checkAudit(await give("audit list", { before, max: STEP + 1 }));
      rows.value = [...(before ? (rows.peek() ?? []) : []), ...got.slice(0, STEP)];
      more.value = got.length > STEP;
      error.value = "";
    } catch (e) {
      error.value = adminErrorText(e);
    }
  };
  useEffect(() => void load(0), []);
  return (
    <Page title={t("adm_audit")} tools={<button type="button" class="button" onClick={() => void load(0)}>{t("adm_again")}</button>}>
      <section class="card adm-card" aria-label={t("adm_audit")}>
        <p class="hint">{t("adm_audit_hint")}</p>
        <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
        {!rows.value && !error.value && <Skeleton />}
        {rows.value?.length === 0 && <Nothing icon="clock" title={t("adm_audit_none")} />}
        {rows.value && rows.value.length > 0 && (
          <Table
            label={t("adm_audit")}
            rows={rows.value}
            keyOf={(r) => r.number}
            columns={[
              { name: t("adm_when"), cell: (r) => full(r.at, locale.value) },
              { name: t("adm_who"), cell: (r) => <><bdi>{r.user}</bdi><br /><span class="muted">{r.from}</span></> },
              { name: t("adm_command"), cell: (r) => <><code>{r.command}</code><br /><span class="muted adm-args"><bdi>{argsText(r.args)}</bdi></span></> },
              { name: t("adm_result"), cell: (r) => <Result text={r.result} /> },
            ]}
          />
        )}
        {more.value && <button type="button" class="button" onClick={() => void load(rows.peek()?.at(-1)?.number ?? 0)}>{t("adm_more")}</button>}
      </section>
    </Page>
  );
}
