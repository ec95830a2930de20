// The certificates, which of them end soon, and what is wrong with them.

import { locale, t } from "../../i18n";
import "../../i18n/admin";
import { list, text } from "../../net/check";
import { checkFindings, moment } from "../../net/admin";
import { full } from "../../text/time";
import { now } from "../context";
import { useAsk } from "./ask";
import { daysLeft, toneOf } from "./expiry";
import { Findings } from "./Findings";
import { Again, Card, Loaded, Mark, Nothing, Page, Table } from "./parts";

export interface Certificate {
  file: string;
  key: string;
  issuer: string;
  expires: string;
  names: string[];
}

function checkCertificates(v: unknown): Certificate[] {
  return list(v, (o) => ({
    file: text(o.file).split("/").pop() ?? "",
    key: text(o.key),
    issuer: text(o.issuer),
    expires: moment(o.expires_at),
    names: Array.isArray(o.names) ? o.names.map(text).filter(Boolean) : [],
  }));
}

function Left({ expires }: { expires: string }) {
  const days = daysLeft(expires, now.value);
  return (
    <>
      <Mark tone={toneOf(days)}>{days < 0 ? t("adm_expired") : t("adm_days_left", { n: days })}</Mark>
      <br />
      <span class="muted">{full(expires, locale.value)}</span>
    </>
  );
}

export function Certificates() {
  const certs = useAsk("cert show", {}, checkCertificates);
  const check = useAsk("cert check", {}, checkFindings);
  return (
    <Page title={t("adm_certificates")} tools={<Again asked={certs} />}>
      <Card title={t("adm_certificates")} id="adm-certs" hint={t("adm_certs_hint")}>
        <Loaded asked={certs}>
          {(rows) => rows.length === 0 ? <Nothing icon="shield" title={t("adm_no_certs")} /> : (
            <Table
              label={t("adm_certificates")}
              rows={[...rows].sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires))}
              keyOf={(c) => c.file}
              columns={[
                { name: t("adm_file"), cell: (c) => <><strong>{c.file}</strong><br /><span class="muted">{c.key}</span></> },
                { name: t("adm_valid"), cell: (c) => <Left expires={c.expires} /> },
                { name: t("adm_names"), cell: (c) => c.names.join(", ") || "–" },
                { name: t("adm_issuer"), cell: (c) => <bdi>{c.issuer}</bdi> },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Card title={t("adm_check")} id="adm-check">
        <Loaded asked={check}>{(rows) => <Findings rows={rows} />}</Loaded>
      </Card>
    </Page>
  );
}
