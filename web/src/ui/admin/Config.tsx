// The topology, and all settings that are in force: to read alone, for they stand in files.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/admin";
import { isObject, list, text } from "../../net/check";
import { useAsk } from "./ask";
import { Again, Card, Loaded, Page, Table } from "./parts";

interface Setting {
  section: string;
  key: string;
  value: string;
  from: string;
}

interface Role {
  role: string;
  host: string;
  processes: string;
  listens: string;
}

const PORTS = ["udp", "tcp", "tls", "https", "wss"];

const checkSettings = (v: unknown): Setting[] =>
  list(v, (o) => ({ section: text(o.section), key: text(o.key), value: text(o.value), from: text(o.from) }));

const checkRoles = (v: unknown): Role[] =>
  list(isObject(v) ? v.roles : null, (o) => ({
    role: text(o.role),
    host: text(o.name) || text(o.host),
    processes: String(o.processes ?? ""),
    listens: PORTS.filter((p) => text(o[p])).map((p) => `${p} ${text(o[p])}`).join("; "),
  }));

function Settings({ rows }: { rows: Setting[] }) {
  const filter = useSignal("");
  const all = useSignal(false);
  const wanted = filter.value.trim().toLowerCase();
  const shown = rows.filter((r) => (all.value || r.from !== "default") && `${r.section} ${r.key} ${r.value}`.toLowerCase().includes(wanted));
  return (
    <>
      <div class="field adm-wide">
        <label for="adm-settings-filter">{t("adm_filter")}</label>
        <input id="adm-settings-filter" type="text" autocomplete="off" spellcheck={false} value={filter.value} onInput={(e) => (filter.value = e.currentTarget.value)} />
      </div>
      <label class="check">
        <input type="checkbox" checked={all.value} onChange={(e) => (all.value = e.currentTarget.checked)} />
        <span>{t("adm_show_defaults")}</span>
      </label>
      {shown.length === 0 ? <p class="muted">{t("adm_none")}</p> : (
        <Table
          label={t("adm_settings")}
          rows={shown}
          keyOf={(r) => `${r.section} ${r.key}`}
          columns={[
            { name: t("adm_section"), cell: (r) => r.section },
            { name: t("adm_key"), cell: (r) => <code>{r.key}</code> },
            { name: t("adm_value"), cell: (r) => <bdi>{r.value || "–"}</bdi> },
            { name: t("adm_where"), cell: (r) => (r.from === "default" ? t("adm_default") : <span lang="en">{r.from}</span>) },
          ]}
        />
      )}
    </>
  );
}

export function Config() {
  const topology = useAsk("topology show", {}, checkRoles);
  const settings = useAsk("config show", {}, checkSettings);
  return (
    <Page title={t("adm_config")} tools={<Again asked={settings} />}>
      <Card title={t("adm_topology")} id="adm-topology">
        <Loaded asked={topology}>
          {(rows) => (
            <Table
              label={t("adm_topology")}
              rows={rows}
              keyOf={(r) => `${r.role} ${r.host}`}
              columns={[
                { name: t("adm_role"), cell: (r) => <strong>{r.role}</strong> },
                { name: t("adm_host"), cell: (r) => r.host },
                { name: t("adm_processes"), num: true, cell: (r) => r.processes },
                { name: t("adm_listens"), cell: (r) => r.listens || "–" },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Card title={t("adm_settings")} id="adm-settings" hint={t("adm_settings_hint")}>
        <Loaded asked={settings}>{(rows) => <Settings rows={rows} />}</Loaded>
      </Card>
    </Page>
  );
}
