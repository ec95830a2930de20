// How well the call is carried: bars and a word; the figures on demand.

import "../../style/call-more.css";

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { levelOf, Quality as Meter, type Figures, type Level } from "../../model/quality";

const EVERY_MS = 3_000;
const BARS: Record<Level, number> = { good: 3, fair: 2, poor: 1 };

function Bars({ level }: { level: Level }) {
  return (
    <svg class={`bars q-${level}`} width={18} height={16} viewBox="0 0 18 16" aria-hidden="true">
      {[1, 2, 3].map((n) => (
        <rect key={n} x={(n - 1) * 6 + 1} y={15 - n * 4.5} width={4} height={n * 4.5} rx={1} class={n <= BARS[level] ? "on" : "off"} />
      ))}
    </svg>
  );
}

function percent(x: number): string {
  return new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 1 }).format(x);
}

function Facts({ figures: f }: { figures: Figures }) {
  const ms = (x: number | null) => (x === null ? "–" : t("quality_ms", { n: Math.round(x) }));
  return (
    <dl class="quality-facts" id="quality-facts">
      <div><dt>{t("quality_in")}</dt><dd>{percent(f.lossIn)}</dd></div>
      <div><dt>{t("quality_out")}</dt><dd>{percent(f.lossOut)}</dd></div>
      <div><dt>{t("quality_trip")}</dt><dd>{ms(f.roundTripMs)}</dd></div>
      <div><dt>{t("quality_jitter")}</dt><dd>{ms(f.jitterMs)}</dd></div>
    </dl>
  );
}

export function Quality({ call }: { call: Call }) {
  const figures = useSignal<Figures | null>(null);
  const open = useSignal(false);
  useEffect(() => {
    const meter = new Meter();
    const look = () => {
      // A connection that has just ended has no figures.
      void call.pc?.getStats().then((stats) => (figures.value = meter.take(stats) ?? figures.peek()), () => undefined);
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [call]);
  const f = figures.value;
  if (!f) return null;
  const level = levelOf(f, !call.held.value && !call.heldThere.value);
  const name = t("quality", { level: t(`quality_${level}`) });
  return (
    <div class="quality" onKeyDown={(e) => e.key === "Escape" && open.value && ((open.value = false), e.stopPropagation())}>
      <button type="button" class="quality-mark" aria-label={name} title={name} aria-expanded={open.value} aria-controls="quality-facts" onClick={() => (open.value = !open.value)}>
        <Bars level={level} /><span>{t(`quality_${level}`)}</span>
      </button>
      {open.value && <Facts figures={f} />}
    </div>
  );
}
