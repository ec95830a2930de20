// What `dialtone doctor` and `dialtone dns` say.

import { t } from "../../i18n";
import "../../i18n/admin";
import { text, list } from "../../net/check";
import { checkFindings } from "../../net/admin";
import { useAsk } from "./ask";
import { Findings } from "./Findings";
import { Again, Card, Loaded, Page, Table } from "./parts";

interface Record {
  line: string;
  purpose: string;
}

const checkRecords = (v: unknown): Record[] => list(v, (o) => ({ line: text(o.line), purpose: text(o.for) }));

export function Checks() {
  const doctor = useAsk("doctor", {}, checkFindings);
  const dns = useAsk("dns", {}, checkRecords);
  return (
    <Page title={t("adm_checks")} tools={<Again asked={doctor} />}>
      <Card title={t("adm_doctor")} id="adm-doctor" hint={t("adm_doctor_hint")}>
        <Loaded asked={doctor}>{(rows) => <Findings rows={rows} />}</Loaded>
      </Card>
      <Card title={t("adm_dns")} id="adm-dns" hint={t("adm_dns_hint")}>
        <Loaded asked={dns}>
          {(rows) => (
            <Table
              label={t("adm_dns")}
              rows={rows}
              keyOf={(r) => r.line}
              columns={[
                { name: t("adm_record"), cell: (r) => <code>{r.line}</code> },
                { name: t("adm_purpose"), cell: (r) => <span lang="en">{r.purpose}</span> },
              ]}
            />
          )}
        </Loaded>
      </Card>
    </Page>
  );
}
