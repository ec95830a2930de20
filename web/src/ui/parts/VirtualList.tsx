// A list that draws only the rows in sight, for thousands of people. One row is the tab stop (roving
// tabindex); arrows, Home, End, Page keys and letters move it. The row with the focus is always drawn.

import type { ComponentChildren, HTMLAttributes } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { offsetsOf, scrollFor, visible } from "./range";

const OVER_PX = 240;
const TYPED_MS = 700;

export interface Row {
  key: string;
}

interface Props<R extends Row> {
  rows: readonly R[];
  role: "tree" | "listbox";
  label: string;
  selected: string | null;
  height: (row: R) => number;
  text: (row: R) => string;
  aria: (row: R) => HTMLAttributes<HTMLDivElement>;
  render: (row: R) => ComponentChildren;
  onOpen: (row: R) => void;
  /** Another key on a row; true if it was taken. */
  onKey?: (row: R, key: string) => boolean;
}

/** What was typed within a moment, to jump to a name. */
function useTyped(): (key: string) => string {
  const typed = useRef({ text: "", at: 0 });
  return (key) => {
    const at = Date.now();
    typed.current = { text: at - typed.current.at > TYPED_MS ? key : typed.current.text + key, at };
    return typed.current.text.toLocaleLowerCase();
  };
}

function target(key: string, i: number, count: number, page: number): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(count - 1, i + 1);
    case "ArrowUp":
      return Math.max(0, i - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    case "PageDown":
      return Math.min(count - 1, i + page);
    case "PageUp":
      return Math.max(0, i - page);
    default:
      return null;
  }
}

/** A box that scrolls, and what of it is in sight. */
export function useBox() {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 900, width: 900 });
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const update = () => setView({ top: el.scrollTop, height: el.clientHeight, width: el.clientWidth });
    const sizes = new ResizeObserver(update);
    sizes.observe(el);
    el.addEventListener("scroll", update, { passive: true });
    update();
    return () => {
      sizes.disconnect();
      el.removeEventListener("scroll", update);
    };
  }, []);
  return { box, view };
}

export function VirtualList<R extends Row>(p: Props<R>) {
  const { box, view } = useBox();
  const [active, setActive] = useState<string | null>(null);
  const focus = useRef(false);
  const typedText = useTyped();
  const offsets = useMemo(() => offsetsOf(p.rows.map(p.height)), [p.rows]);
  const indexOf = (key: string | null) => (key === null ? -1 : p.rows.findIndex((r) => r.key === key));
  const found = [indexOf(active), indexOf(p.selected)].find((i) => i >= 0) ?? 0;
  const { first, end } = visible(offsets, view.top, view.height, OVER_PX);

  useLayoutEffect(() => {
    if (!focus.current) return;
    focus.current = false;
    box.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }, [active]);

  const moveTo = (i: number) => {
    const row = p.rows[i];
    const el = box.current;
    if (!row || !el) return;
    el.scrollTop = scrollFor(offsets, i, el.scrollTop, el.clientHeight);
    focus.current = true;
    setActive(row.key);
    if (row.key === active) el.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  };

  const jump = (key: string, from: number): boolean => {
    if (key.length !== 1 || key === " ") return false;
    const text = typedText(key);
    const begin = text.length > 1 ? from : from + 1;
    const order = p.rows.map((_, k) => (begin + k) % p.rows.length);
    const hit = order.find((k) => p.text(p.rows[k] as R).toLocaleLowerCase().startsWith(text));
    if (hit !== undefined) moveTo(hit);
    return hit !== undefined;
  };

  const onKey = (e: KeyboardEvent, row: R, i: number) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor(view.height / p.height(row)) - 1);
    const to = target(e.key, i, p.rows.length, page);
    let taken = true;
    if (to !== null) moveTo(to);
    else if (e.key === "Enter" || e.key === " ") p.onOpen(row);
    else taken = p.onKey?.(row, e.key) || jump(e.key, i);
    if (!taken) return;
    e.preventDefault();
    e.stopPropagation();
  };

  const drawn = p.rows.map((_, i) => i).slice(first, end);
  if (found < first || found >= end) drawn.push(found);
  return (
    <div class="vlist" ref={box}>
      {p.rows.length > 0 && (
        <div class="vlist-inner" role={p.role} aria-label={p.label} style={{ height: `${offsets[offsets.length - 1]}px` }}>
          {drawn.map((i) => {
            const row = p.rows[i];
            return row && (
              <div
                key={row.key}
                class="vrow"
                style={{ top: `${offsets[i]}px`, height: `${p.height(row)}px` }}
                tabIndex={i === found ? 0 : -1}
                data-key={row.key}
                onFocus={() => setActive(row.key)}
                onClick={() => p.onOpen(row)}
                onKeyDown={(e) => onKey(e, row, i)}
                {...p.aria(row)}
              >
                {p.render(row)}
              </div>
            );
          })}
        </div>
      )}
    </div>
  );
}
