// A reaction is chosen: one of the usual, or whatever the keyboard of the device has.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import type { Sent } from "../../model/changes";
import { isEmoji, USUAL } from "../../text/emoji";
import { useSession } from "../context";
import { changesOf } from "./changes";

const EDGE = 8;

interface Props {
  entry: Sent;
  uri: string;
  /** It stands at this place. */
  beside: () => Element | null | undefined;
  onClose: () => void;
}

/** Below what it belongs to, or above it where there is no room; on a phone, at the foot of the window. */
function place(dialog: HTMLDialogElement, at: DOMRect): void {
  if (innerWidth < 700) return;
  const { width, height } = dialog.getBoundingClientRect();
  const below = at.bottom + EDGE + height < innerHeight;
  const end = getComputedStyle(dialog).direction === "rtl" ? at.left < innerWidth / 2 : at.right > innerWidth / 2;
  const left = end && at.width < width ? at.right - width : at.left;
  dialog.style.margin = "0";
  dialog.style.top = `${Math.max(EDGE, below ? at.bottom + 4 : at.top - height - 4)}px`;
  dialog.style.left = `${Math.min(Math.max(EDGE, left), innerWidth - width - EDGE)}px`;
}

/** Arrows lead from one to the next, as in a row of buttons of one thing. */
function move(e: KeyboardEvent): void {
  const all = [...(e.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
  const turned = getComputedStyle(all[0] as HTMLElement).direction === "rtl";
  const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
  if (!step) return;
  e.preventDefault();
  const here = all.indexOf(document.activeElement as HTMLElement);
  all[(here + (turned ? -step : step) + all.length) % all.length]?.focus();
}

export function Picker({ entry, uri, beside, onClose }: Props) {
  const session = useSession();
  const me = session.user.value.uri;
  const ref = useRef<HTMLDialogElement>(null);
  const other = useSignal("");
  const wrong = useSignal(false);
  useLayoutEffect(() => {
    const dialog = ref.current;
    const at = beside()?.getBoundingClientRect();
    dialog?.showModal();
    if (dialog && at) place(dialog, at);
    return () => dialog?.close();
  }, []);
  const mine = (emoji: string) => entry.reactions?.some((r) => r.emoji === emoji && r.people.includes(me)) ?? false;
  const take = (emoji: string) => {
    onClose();
    void changesOf(session).react(uri, entry, emoji, !mine(emoji));
  };
  const submit = (e: Event) => {
    e.preventDefault();
    const emoji = other.value.trim();
    if (isEmoji(emoji)) take(emoji);
    else wrong.value = true;
  };
  return (
    <dialog
      ref={ref}
      class="dialog picker"
      aria-label={t("react_add")}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onPointerDown={(e) => e.target === ref.current && onClose()}
    >
      <div class="picker-body">
        <div class="picker-row" role="group" aria-label={t("react_usual")} onKeyDown={move}>
          {USUAL.map((emoji) => (
            <button key={emoji} type="button" aria-pressed={mine(emoji)} onClick={() => take(emoji)}>{emoji}</button>
          ))}
        </div>
        <form onSubmit={submit}>
          <input
            type="text"
            aria-label={t("react_other")}
            placeholder={t("react_other")}
            aria-invalid={wrong.value}
            aria-describedby="react-wrong"
            value={other.value}
            onInput={(e) => {
              other.value = e.currentTarget.value;
              wrong.value = false;
            }}
          />
          <button type="submit" class="button" disabled={!other.value.trim()}>{t("react_take")}</button>
        </form>
        <p id="react-wrong" class="hint warn" role="alert">{wrong.value && t("react_wrong")}</p>
      </div>
    </dialog>
  );
}
