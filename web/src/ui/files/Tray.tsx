// Files that are to be sent: they come by the button, by drag and drop or from the clipboard, and stand
// above the composer until they go.

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { locale, t, type Key } from "../../i18n";
import { en } from "../../i18n/more";
import type { Session } from "../../model/app";
import { mayRetry, Tray, TRAY_MAX, type Chosen, type Item, type Refusal } from "../../model/tray";
import { randomMark } from "../../model/tabs";
import { upload } from "../../net/upload";
import { isPicture, pastedName, sizeText } from "../../text/files";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";
import { announce } from "../parts/live";
import { FileName, Sheet } from "./Sheet";

/** The session's tray. A page that is left loses what stands in it: the browser asks first. */
function trayOf(session: Session): Tray {
  const known = session.tray.peek();
  if (known) return known;
  const tray = new Tray({
    online: session.online,
    limit: () => session.limits.peek().file_bytes,
    mark: randomMark,
    upload,
    send: (chat, text, file) => session.chats.send(chat, text, file),
  });
  addEventListener("beforeunload", (e) => tray.items.peek().length && e.preventDefault());
  session.tray.value = tray;
  return tray;
}

type Take = (chosen: Chosen[], folders?: boolean) => void;

function useTake(uri: string): Take {
  const session = useSession();
  return (chosen, folders) => {
    const n = trayOf(session).add(uri, chosen, folders);
    if (n) announce(t("tray_taken", { n }));
  };
}

const named = (files: Iterable<File>): Chosen[] => [...files].map((file) => ({ file, name: file.name }));

// Drag and drop

const hasFiles = (e: DragEvent) => e.dataTransfer?.types.includes("Files") ?? false;

/** What is dropped on `box`. Beside it a file would replace the page in most browsers: there it does nothing. */
function useDrop(box: () => HTMLElement | null, take: Take): ReadonlySignal<boolean> {
  const over = useSignal(false);
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const inside = (e: DragEvent) => e.target instanceof Node && box()?.contains(e.target) && !document.querySelector("dialog[open]");
    const drag = (e: DragEvent) => {
      if (!hasFiles(e) || !e.dataTransfer) return;
      e.preventDefault();
      over.value = inside(e) === true;
      e.dataTransfer.dropEffect = over.value ? "copy" : "none";
    };
    const leave = (e: DragEvent) => e.relatedTarget === null && (over.value = false);
    const drop = (e: DragEvent) => {
      if (!hasFiles(e)) return;
      e.preventDefault();
      over.value = false;
      if (!inside(e)) return;
      const items = [...(e.dataTransfer?.items ?? [])];
      const files = items.filter((i) => !i.webkitGetAsEntry?.()?.isDirectory).map((i) => i.getAsFile());
      const chosen = named(files.filter((f): f is File => f !== null));
      latest.current(chosen, chosen.length < items.length);
    };
    const all = [["dragenter", drag], ["dragover", drag], ["dragleave", leave], ["drop", drop]] as const;
    for (const [name, fn] of all) window.addEventListener(name, fn as EventListener);
    return () => {
      for (const [name, fn] of all) window.removeEventListener(name, fn as EventListener);
    };
  }, []);
  return over;
}

// The clipboard

/** A text that brings a picture of itself (of a table, for one) is pasted as the text. */
function pasted(data: DataTransfer | null): Chosen[] {
  const files = [...(data?.files ?? [])];
  const drawn = files.length === 1 && files[0]?.name === "image.png" && data?.getData("text/plain");
  if (drawn) return [];
  const at = new Date();
  return files.map((file) => ({ file, name: pastedName(file.name, at) }));
}

function usePaste(box: () => HTMLElement | null, take: Take): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const paste = (e: ClipboardEvent) => {
      const here = e.target === document.body || (e.target instanceof Node && box()?.contains(e.target));
      const chosen = here && !document.querySelector("dialog[open]") ? pasted(e.clipboardData) : [];
      if (!chosen.length) return;
      e.preventDefault();
      latest.current(chosen);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);
}

// One file

function Thumb({ item }: { item: Item }) {
  const url = useMemo(() => (isPicture(item.file.type) ? URL.createObjectURL(item.file) : ""), [item.file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const broken = useSignal(false);
  if (!url || broken.value) return <Sheet name={item.name} />;
  return <img class="thumb" src={url} alt="" onError={() => (broken.value = true)} />;
}

function failure(code: string, limit: number): string {
  const key = `file_err_${code}`;
  return key in en ? t(key as Key, { size: sizeText(limit, locale.value) }) : t("file_err_failed");
}

function fateOf(item: Item, online: boolean, limit: number): string {
  const size = sizeText(item.file.size, locale.value);
  switch (item.state) {
    case "failed":
      return failure(item.code, limit);
    case "waiting":
      return online ? t("tray_waits", { size }) : t("tray_offline", { size });
    case "sending":
      return t("tray_progress", { gone: sizeText(item.gone, locale.value), size });
    case "there":
      return t("tray_there", { size });
  }
}

function TrayItem({ item, onRemove }: { item: Item; onRemove: () => void }) {
  const { limits, online, tray } = useSession();
  const { key, name, state, file, gone } = item;
  const failed = state === "failed";
  return (
    <li class={failed ? "tray-item failed" : "tray-item"} data-state={state}>
      <Thumb item={item} />
      <span class="file-text">
        <FileName name={name} />
        {item.caption && <span class="file-sub ellipsis" dir="auto">{item.caption}</span>}
        <span class="file-sub" role={failed ? "alert" : undefined}>{fateOf(item, online.value, limits.value.file_bytes)}</span>
        {state === "sending" && <progress max={file.size || 1} value={gone} aria-label={t("tray_progress_of", { name })} />}
      </span>
      {mayRetry(item) && (
        <button type="button" class="icon-button" aria-label={t("tray_retry", { name })} title={t("retry")} onClick={() => tray.value?.retry(key)}>
          <Icon name="retry" size={18} />
        </button>
      )}
      <button type="button" class="icon-button" aria-label={t(state === "sending" ? "tray_cancel" : "tray_remove", { name })} title={t(state === "sending" ? "cancel" : "remove")} onClick={onRemove}>
        <Icon name="close" size={18} />
      </button>
    </li>
  );
}

const REFUSALS: Record<Refusal, Key> = { none: "tray_none", full: "tray_full", folder: "tray_folder" };

interface Props {
  uri: string;
  /** What was written to a file that was taken out goes back to where it was written. */
  onBack: (text: string) => void;
}

export function TrayList({ uri, onBack }: Props) {
  const session = useSession();
  const { limits, people } = session;
  const box = useRef<HTMLDivElement>(null);
  const take = useTake(uri);
  const section = () => box.current?.closest<HTMLElement>(".chat-main") ?? null;
  const over = useDrop(section, take);
  usePaste(section, take);
  const tray = trayOf(session);
  const items = tray.of(uri);
  const { chat, why } = tray.refused.value ?? {};
  const refusal = chat === uri && why;
  return (
    <div class="tray" ref={box}>
      {items.length > 0 && (
        <ul class="tray-items" aria-label={t("tray_label")}>
          {items.map((i) => <TrayItem key={i.key} item={i} onRemove={() => onBack(tray.remove(i.key))} />)}
        </ul>
      )}
      {refusal && (
        <p class="form-error" role="alert">
          <span>{t(REFUSALS[refusal], { n: TRAY_MAX })}</span>
          <button type="button" class="icon-button" aria-label={t("close")} onClick={() => (tray.refused.value = null)}><Icon name="close" size={16} /></button>
        </p>
      )}
      {over.value && <div class="drop"><p>{limits.value.file_bytes ? t("tray_drop", { name: people.nameOf(uri) }) : t("tray_none")}</p></div>}
    </div>
  );
}

export function Clip({ uri, onTaken }: { uri: string; onTaken: () => void }) {
  const { limits } = useSession();
  const input = useRef<HTMLInputElement>(null);
  const take = useTake(uri);
  const none = !limits.value.file_bytes;
  const label = none ? t("tray_none") : t("tray_add");
  const choose = () => {
    if (none) announce(label);
    else input.current?.click();
  };
  return (
    <>
      <button type="button" class="icon-button clip" aria-label={label} title={label} aria-disabled={none} onClick={choose}>
        <svg class="icon" width={20} height={20} viewBox="0 0 24 24" aria-hidden="true">
          <path d="m20 11-8.6 8.4a5 5 0 0 1-7-7l8.8-8.7a3.4 3.4 0 0 1 4.8 4.8l-8.7 8.6a1.7 1.7 0 0 1-2.4-2.4l8-7.9" />
        </svg>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(e) => {
          take(named(e.currentTarget.files ?? []));
          e.currentTarget.value = "";
          onTaken();
        }}
      />
    </>
  );
}
