// The administration: a list of its pages, and the one that is open. Loaded when it is opened.

import "../../style/admin.css";
import "../../style/security.css";

import type { ComponentChildren } from "preact";

import { t, type Key } from "../../i18n";
import "../../i18n/admin";
import { hrefOf } from "../../model/route";
import { useSession } from "../context";
import { Empty } from "../parts/Empty";
import { Icon, type IconName } from "../parts/Icon";
import { Audit } from "./Audit";
import { Certificates } from "./Certificates";
import { Checks } from "./Checks";
import { Config } from "./Config";
import { Connections } from "./Connections";
import { Health } from "./Health";
import { Import } from "./Import";
import { Log } from "./Log";
import { Metrics } from "./Metrics";
import { NewUser } from "./NewUser";
import { Trace } from "./Trace";
import { UserPage } from "./UserPage";
import { Users } from "./Users";

interface Entry {
  page: string;
  icon: IconName;
  name: Key;
  show: (item: string) => ComponentChildren;
}

const PAGES: Entry[] = [
  { page: "health", icon: "building", name: "adm_health", show: () => <Health /> },
  { page: "users", icon: "people", name: "adm_users", show: (item) => (item ? <UserPage key={item} name={item} /> : <Users />) },
  { page: "connections", icon: "screen", name: "adm_connections", show: () => <Connections /> },
  { page: "checks", icon: "check", name: "adm_checks", show: () => <Checks /> },
  { page: "certificates", icon: "shield", name: "adm_certificates", show: () => <Certificates /> },
  { page: "trace", icon: "search", name: "adm_tracing", show: () => <Trace /> },
  { page: "log", icon: "copy", name: "adm_log", show: () => <Log /> },
  { page: "metrics", icon: "checks", name: "adm_metrics", show: () => <Metrics /> },
  { page: "config", icon: "settings", name: "adm_config", show: () => <Config /> },
  { page: "audit", icon: "clock", name: "adm_audit", show: () => <Audit /> },
];
const HIDDEN: Omit<Entry, "icon" | "name">[] = [
  { page: "new-user", show: () => <NewUser /> },
  { page: "import", show: () => <Import /> },
];

function split(page: string | null): [string, string] {
  const [name = "", ...rest] = (page ?? "").split("/");
  return [name, rest.join("/")];
}

function List({ page }: { page: string | null }) {
  const [current] = split(page);
  return (
    <div class="list-pane">
      <div class="list-top"><h1>{t("adm_title")}</h1></div>
      <nav class="adm-nav" aria-label={t("adm_title")}>
        {PAGES.map((p) => (
          <a key={p.page} href={hrefOf("admin", p.page)} aria-current={current === p.page ? "page" : undefined}>
            <Icon name={p.icon} size={20} />
            {t(p.name)}
          </a>
        ))}
      </nav>
    </div>
  );
}

/** list: the list of the pages in place of one. */
export function Admin({ page, list }: { page: string | null; list?: boolean }) {
  const { user } = useSession();
  if (list) return <List page={page} />;
  const [name, item] = split(page);
  const entry = [...PAGES, ...HIDDEN].find((p) => p.page === name) ?? PAGES[0];
  if (!user.value.admin || !entry) return <Empty icon="shield" title={t("adm_no_right")} text={t("adm_no_right_text")} />;
  return <>{entry.show(item)}</>;
}
