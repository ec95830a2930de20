// What the pages of the administration are made of.

import type { ComponentChildren } from "preact";

import { t, type Key } from "../../i18n";
import "../../i18n/admin";
import { hrefOf } from "../../model/route";
import { Empty } from "../parts/Empty";
import { Icon, type IconName } from "../parts/Icon";
import { Skeleton } from "../parts/Skeleton";
import type { Asked } from "./ask";

interface PageProps {
  title: string;
  /** Where back leads to; the list of the pages else, on a phone alone. */
  back?: string;
  tools?: ComponentChildren;
  children: ComponentChildren;
}

export function Page({ title, back, tools, children }: PageProps) {
  return (
    <div class="settings">
      <header class="view-head">
        <a class={back ? "icon-button" : "icon-button only-phone"} href={back ?? hrefOf("admin")} aria-label={t("back")}>
          <Icon name="back" turn />
        </a>
        <h1>{title}</h1>
        {tools && <div class="buttons adm-tools">{tools}</div>}
      </header>
      <div class="settings-body">{children}</div>
    </div>
  );
}

export function Card({ title, id, hint, children }: { title: string; id: string; hint?: string; children: ComponentChildren }) {
  return (
    <section class="card adm-card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {hint && <p class="hint"><Typed text={hint} /></p>}
      {children}
    </section>
  );
}

export function Again({ asked }: { asked: Asked<unknown> }) {
  return (
    <button type="button" class="button" aria-disabled={asked.busy.value} onClick={() => asked.busy.peek() || void asked.again()}>
      <Icon name="retry" size={18} />
      {t("adm_again")}
    </button>
  );
}

/** Loading, wrong, or there. */
export function Loaded<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ComponentChildren }) {
  const { data, error } = asked;
  return (
    <>
      {error.value && (
        <p class="form-error" role="alert">
          <span>{error.value}</span>
          <button type="button" class="link" onClick={() => void asked.again()}>{t("retry")}</button>
        </p>
      )}
      {data.value !== null ? children(data.value) : !error.value && <Skeleton />}
    </>
  );
}

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  /** A number, to be set right. */
  num?: boolean;
}

/** Rows that do not fit are scrolled to; by the keyboard too. */
export function Table<T>({ label, columns, rows, keyOf }: { label: string; columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string | number }) {
  return (
    <div class="adm-table" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>{columns.map((c) => <th key={c.name} scope="col" class={c.num ? "num" : undefined}>{c.name}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((c) => <td key={c.name} class={c.num ? "num" : undefined}>{c.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Nothing({ icon, title, text }: { icon: IconName; title: string; text?: string }) {
  return <Empty small icon={icon} title={title} text={text} />;
}

export type Tone = "good" | "warn" | "bad" | "plain";

/** Never by colour alone: the words say it. */
export function Mark({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`adm-mark ${tone}`}>{children}</span>;
}

/** What the server says, in English whatever the page's language is. */
export function Said({ text }: { text: string }) {
  return <span lang="en" dir="auto"><Typed text={text} /></span>;
}

/** What stands between backticks is to be typed as it is. */
export function Typed({ text }: { text: string }) {
  return <>{text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function Facts({ rows }: { rows: [Key, ComponentChildren][] }) {
  return (
    <dl class="adm-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{t(name)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
