// What can be done to a message that is sent: by the mouse here, by the letters of the buttons in the timeline.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import "../../style/changes.css";
import { t, type Key } from "../../i18n";
import "../../i18n/more";
import { canChange, canEdit } from "../../model/changes";
import type { Entry } from "../../model/entries";
import { useSession } from "../context";
import { Dialog } from "../parts/Dialog";
import { changesOf } from "./changes";
import { Picker } from "./Picker";
import { Smile } from "./Smile";

function Act({ letter, name, onClick, path }: { letter: string; name: Key; onClick: () => void; path?: string }) {
  return (
    <button type="button" class="icon-button" tabIndex={-1} data-act={letter.toLowerCase()} aria-label={t(name)} title={`${t(name)} (${letter})`} onClick={onClick}>
      {path ? <svg class="icon" width={15} height={15} viewBox="0 0 24 24" aria-hidden="true"><path d={path} /></svg> : <Smile size={16} />}
    </button>
  );
}

const PEN = "M4 20l1-4.5L16.5 4a1.8 1.8 0 0 1 2.5 0l1 1a1.8 1.8 0 0 1 0 2.5L8.5 19 4 20ZM14.5 6l3.5 3.5";
const BIN = "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5";

function DeleteDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  return (
    <Dialog title={t("change_delete_title")} onClose={onClose}>
      <p>{t("change_delete_text")}</p>
      <div class="buttons end">
        <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
        <button type="button" class="button danger" onClick={onDone}>{t("msg_discard")}</button>
      </div>
    </Dialog>
  );
}

export function Acts({ entry, uri }: { entry: Entry; uri: string }) {
  const session = useSession();
  const open = useSignal<"none" | "pick" | "delete">("none");
  const here = useRef<HTMLSpanElement>(null);
  const me = session.user.value.uri;
  if (!canChange(entry)) return null;
  const changes = changesOf(session);
  const close = () => (open.value = "none");
  const remove = () => {
    const message = here.current?.closest<HTMLElement>(".msg");
    close();
    void changes.remove(uri, entry).then(() => message?.focus());
  };
  return (
    <span class="changes" ref={here}>
      <Act letter="A" name="react_add" onClick={() => (open.value = "pick")} />
      {canEdit(entry, me) && <Act letter="E" name="change_edit" path={PEN} onClick={() => changes.begin(uri, entry)} />}
      {entry.from === me && <Act letter="D" name="msg_discard" path={BIN} onClick={() => (open.value = "delete")} />}
      {open.value === "delete" && <DeleteDialog onClose={close} onDone={remove} />}
      {open.value === "pick" && <Picker entry={entry} uri={uri} beside={() => here.current?.closest(".msg-line")} onClose={close} />}
    </span>
  );
}
