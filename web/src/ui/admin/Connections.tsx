// Who is signed in with what, and which calls there are.

import { useSignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import "../../i18n/more";
import { checkCalls, checkEndpoints, type Endpoint } from "../../net/admin";
import { span } from "../../text/amount";
import { since } from "../../text/time";
import { now } from "../context";
import { ActEnd } from "./ActEnd";
import { useAct } from "./act";
import { useAsk } from "./ask";
import { Again, Card, Loaded, Mark, Nothing, Page, Said, Table } from "./parts";
import { userHref } from "./Users";

const EVERY_S = 10;
const SHOWN_MAX = 200;

const has = (e: Endpoint, text: string) => `${e.user} ${e.agent} ${e.via} ${e.contact}`.toLowerCase().includes(text.trim().toLowerCase());

function Endpoints({ rows, kick }: { rows: Endpoint[]; kick: (e: Endpoint) => void }) {
  const text = useSignal("");
  const found = rows.filter((e) => has(e, text.value));
  return (
    <>
      <div class="field adm-wide">
        <label for="adm-filter">{t("adm_filter")}</label>
        <input id="adm-filter" type="text" dir="auto" autocomplete="off" spellcheck={false} value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} />
      </div>
      <p class="hint" role="status">{t("adm_endpoints_count", { n: found.length })}</p>
      {found.length === 0 && <Nothing icon="screen" title={t("adm_no_endpoints")} />}
      {found.length > 0 && (
        <Table
          label={t("adm_endpoints")}
          rows={found.slice(0, SHOWN_MAX)}
          keyOf={(e) => `${e.user} ${e.endpoint}`}
          columns={[
            { name: t("adm_user"), cell: (e) => <a href={userHref(e.user)}><bdi>{e.user}</bdi></a> },
            { name: t("adm_agent"), cell: (e) => <bdi>{e.agent || t("adm_unknown_agent")}</bdi> },
            { name: t("adm_via"), cell: (e) => <Said text={e.via} /> },
            { name: t("adm_since"), cell: (e) => (e.since ? since(e.since, now.value, locale.value) : "–") },
            { name: t("adm_do"), cell: (e) => <button type="button" class="button small" aria-label={t("adm_kick_named", { name: `${e.user}, ${e.agent || e.endpoint}` })} onClick={() => kick(e)}>{t("adm_kick")}</button> },
          ]}
        />
      )}
      {found.length > SHOWN_MAX && <p class="hint">{t("adm_first_of", { n: SHOWN_MAX })}</p>}
    </>
  );
}

export function Connections() {
  const endpoints = useAsk("endpoint list", {}, checkEndpoints, EVERY_S);
  const calls = useAsk("call list", {}, checkCalls, EVERY_S);
  const act = useAct();
  const kick = (e: Endpoint) => act.run("endpoint kick", { user: e.user, endpoint: e.endpoint }, () => endpoints.again(), t("sec_login_ended"));
  return (
    <Page title={t("adm_connections")} tools={<Again asked={endpoints} />}>
      <Card title={t("adm_endpoints")} id="adm-endpoints">
        <ActEnd act={act} />
        <Loaded asked={endpoints}>{(rows) => <Endpoints rows={rows} kick={kick} />}</Loaded>
      </Card>
      <Card title={t("set_calls")} id="adm-calls">
        <Loaded asked={calls}>
          {(rows) => rows.length === 0 ? <Nothing icon="phone" title={t("adm_no_calls")} /> : (
            <Table
              label={t("set_calls")}
              rows={rows}
              keyOf={(c) => c.id}
              columns={[
                { name: t("adm_from"), cell: (c) => <bdi>{c.from}</bdi> },
                { name: t("adm_to"), cell: (c) => <bdi>{c.to}</bdi> },
                { name: t("adm_state"), cell: (c) => <Mark tone="plain">{t(c.state === "connected" ? "adm_call_connected" : "adm_call_ringing")}</Mark> },
                { name: t("adm_for"), num: true, cell: (c) => span(c.forS, locale.value) },
              ]}
            />
          )}
        </Loaded>
      </Card>
    </Page>
  );
}
