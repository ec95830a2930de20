// Everybody as tiles. The field above them filters, and keeps the focus: arrows choose, Enter transfers the call
// that there is, or calls. With nothing written, Enter answers the call that has waited longest.

import { signal, useComputed, useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import type { Session } from "../../model/app";
import { boardLines, lineOf, otherLine, otherTile, tileAt, type BoardLine } from "../../model/board";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { announce } from "../parts/live";
import { presenceText } from "../parts/Presence";
import { offsetsOf, scrollFor, visible } from "../parts/range";
import { Skeleton } from "../parts/Skeleton";
import { useBox } from "../parts/VirtualList";
import { useParts } from "./people";

const HEAD_PX = 36;
const TILE_PX = 54;
const TILE_MIN_PX = 236;
const OVER_PX = 240;
const freeOnly = signal(false);

/** What can be done with somebody: the call that there is is sent to her, or she is called. */
function deed(session: Session, uri: string): "transfer" | "call" | null {
  const call = session.calls.current.value;
  if (!session.online.value || uri === session.user.value.uri) return null;
  if (!call || call.phase.value === "ended") return "call";
  return call.phase.value === "up" && !call.transfer.value && uri !== call.uri ? "transfer" : null;
}

function act(session: Session, uri: string): boolean {
  const what = deed(session, uri);
  if (what === "transfer") void session.calls.transfer(uri);
  else if (what === "call") void session.calls.start(uri, false);
  return what !== null;
}

/** With no call, the one that has waited longest is answered. */
function answerFirst({ calls }: Session): void {
  const [first] = calls.incoming.peek();
  const current = calls.current.peek();
  if (first && (!current || current.over)) void calls.answer(first, false);
}

function TileView({ uri, at, chosen, onAct }: { uri: string; at: number; chosen: Signal<number>; onAct: (uri: string) => void }) {
  const session = useSession();
  const { calls, people } = session;
  const person = people.person(uri).value;
  const what = deed(session, uri);
  const name = people.nameOf(uri);
  const up = calls.busy.value;
  const label = t(up ? "attendant_transfer" : "call_audio", { name });
  const state = presenceText(person, true);
  return (
    <div
      role="gridcell"
      id={`tile-${at}`}
      class="tile"
      aria-selected={chosen.value === at}
      title={person.note || undefined}
      onClick={() => (chosen.value = at)}
      onDblClick={() => onAct(uri)}
    >
      <Avatar uri={uri} />
      <span class="line-text">
        <bdi class="line-name">{name}</bdi>
        <span class="line-sub">{state}{person.note && <> · <span dir="auto">{person.note}</span></>}</span>
      </span>
      <button type="button" class="icon-button" tabIndex={-1} disabled={!what} aria-label={label} title={label} onClick={(e) => (e.stopPropagation(), onAct(uri))}>
        <Icon name={up ? "transfer" : "phone"} />
      </button>
    </div>
  );
}

interface TilesProps {
  lines: readonly BoardLine[];
  columns: number;
  view: { top: number; height: number };
  chosen: Signal<number>;
  onAct: (uri: string) => void;
}

function Tiles({ lines, columns, view, chosen, onAct }: TilesProps) {
  const offsets = useMemo(() => offsetsOf(lines.map(heightOf)), [lines]);
  const { first, end } = visible(offsets, view.top, view.height, OVER_PX);
  const drawn = lines.map((_, i) => i).slice(first, end);
  // What the field names as chosen has to be there.
  const here = lineOf(lines, chosen.value);
  if (here >= 0 && (here < first || here >= end)) drawn.push(here);
  return (
    <div class="vlist-inner" role="presentation" style={{ height: `${offsets[offsets.length - 1]}px` }}>
      {drawn.map((i) => {
        const line = lines[i];
        return line && (
          <div key={line.key} role="row" aria-rowindex={i + 1} class="board-line" style={{ top: `${offsets[i]}px`, height: `${heightOf(line)}px`, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
            {line.kind === "head" ? (
              <span role="rowheader" class="board-head"><bdi>{line.name}</bdi> <span class="count">{line.count}</span></span>
            ) : (
              line.tiles.map((tile, k) => <TileView key={tile.key} uri={tile.uri} at={line.first + k} chosen={chosen} onAct={onAct} />)
            )}
          </div>
        );
      })}
    </div>
  );
}

function heightOf(line: BoardLine): number {
  return line.kind === "head" ? HEAD_PX : TILE_PX;
}

/** The tile to which a key leads; null: the key is not for the board. */
function keyed(lines: readonly BoardLine[], at: number, key: string): number | null {
  const rtl = document.documentElement.dir === "rtl";
  if (key === "ArrowDown") return otherLine(lines, at, 1);
  if (at < 0) return null;
  if (key === "ArrowUp") return otherLine(lines, at, -1);
  if (key === "ArrowLeft" || key === "ArrowRight") return otherTile(lines, at, (key === "ArrowRight") !== rtl ? 1 : -1);
  return null;
}

/** The field gets the focus with the page, where that brings no keyboard over it, and by `/`. */
function useFieldFocus() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
    const listen = (e: KeyboardEvent) => {
      const writing = e.target instanceof HTMLElement && e.target.matches("input[type=text], textarea");
      if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || writing || document.querySelector("dialog[open]")) return;
      e.preventDefault();
      field.current?.focus();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return field;
}

interface FieldProps {
  query: Signal<string>;
  chosen: Signal<number>;
  onKey: (e: KeyboardEvent) => void;
}

function Field({ query, chosen, onKey }: FieldProps) {
  const field = useFieldFocus();
  return (
    <div class="search" role="search">
      <Icon name="search" size={18} />
      <input
        ref={field}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={t("attendant_find")}
        aria-haspopup="grid"
        aria-expanded
        aria-controls="board"
        aria-activedescendant={chosen.value >= 0 ? `tile-${chosen.value}` : undefined}
        placeholder={t("attendant_find")}
        value={query.value}
        onInput={(e) => {
          query.value = e.currentTarget.value;
          chosen.value = query.value.trim() ? 0 : -1;
        }}
        onKeyDown={onKey}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

export function Board() {
  const session = useSession();
  const { box, view } = useBox();
  const query = useSignal("");
  const chosen = useSignal(-1);
  const columns = Math.max(1, Math.floor(view.width / TILE_MIN_PX));
  const parts = useParts(session, query, freeOnly);
  const lines = useMemo(() => boardLines(parts.value, columns), [parts.value, columns]);
  const count = useComputed(() => new Set(parts.value.flatMap((p) => p.uris)).size);
  useEffect(() => {
    if (query.value) announce(t("attendant_count", { n: count.value }));
  }, [count.value, query.value]);
  const onAct = (uri: string) => {
    if (!act(session, uri)) return;
    query.value = "";
    chosen.value = -1;
  };
  const choose = (at: number) => {
    const i = lineOf(lines, at);
    chosen.value = at;
    if (box.current) box.current.scrollTop = scrollFor(offsetsOf(lines.map(heightOf)), Math.max(0, i), box.current.scrollTop, box.current.clientHeight);
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
    const to = keyed(lines, chosen.value, e.key);
    const tile = tileAt(lines, chosen.value);
    if (to !== null) choose(to);
    else if (e.key === "Enter" && tile) onAct(tile.uri);
    else if (e.key === "Enter" && !query.value) answerFirst(session);
    else if (e.key === "Escape" && (query.value || tile)) (query.value = ""), choose(-1);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <section class="board-pane" aria-label={t("attendant_people")}>
      <header class="board-top">
        <Field query={query} chosen={chosen} onKey={onKey} />
        <label class="board-free">
          <input type="checkbox" checked={freeOnly.value} onChange={(e) => (freeOnly.value = e.currentTarget.checked)} />
          {t("attendant_available")}
        </label>
        <span class="board-count">{t("attendant_count", { n: count.value })}</span>
      </header>
      <div id="board" role="grid" class="vlist board" aria-label={t("attendant_people")} aria-rowcount={lines.length} aria-colcount={columns} ref={box}>
        <Tiles lines={lines} columns={columns} view={view} chosen={chosen} onAct={onAct} />
      </div>
      {!session.people.known.value ? <Skeleton /> : !count.value && <p class="list-status">{query.value ? t("search_none", { text: query.value }) : t(freeOnly.value ? "attendant_nobody" : "roster_empty_title")}</p>}
    </section>
  );
}
