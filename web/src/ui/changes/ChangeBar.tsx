// Above the composer: what is being edited, and what is to be said of the last change.

import { useEffect } from "preact/hooks";

import "../../style/changes.css";
import { t, type Key } from "../../i18n";
import { en } from "../../i18n/more";
import { UNSEEN, type Kind, type Note } from "../../model/changes";
import { saidBriefly } from "../../model/entries";
import { useSession } from "../context";
import { errorText } from "../errors";
import { Icon } from "../parts/Icon";
import { announce } from "../parts/live";
import { changesOf } from "./changes";

const SHOWN = 160;
const UNSEEN_BY: Record<Kind, Key> = { edit: "change_unseen_edit", delete: "change_unseen_delete", react: "change_unseen_react" };

function noteText({ code, kind }: Note): string {
  if (code === UNSEEN) return t(UNSEEN_BY[kind]);
  const key = `change_err_${code}`;
  return key in en ? t(key as Key) : errorText(code, "");
}

export function ChangeBar({ uri }: { uri: string }) {
  const changes = changesOf(useSession());
  const edit = changes.editing(uri);
  const note = changes.note.value;
  useEffect(() => {
    if (edit) announce(t("change_editing"));
  }, [edit]);
  useEffect(() => () => changes.cancel(), []);
  if (!edit && note?.chat !== uri) return null;
  return (
    <div class="change-bar">
      {note?.chat === uri && (
        <p class={note.code === UNSEEN ? "note change-note" : "form-error change-note"} role={note.code === UNSEEN ? "status" : "alert"}>
          <span>{noteText(note)}</span>
          <button type="button" class="icon-button" aria-label={t("close")} onClick={() => (changes.note.value = null)}><Icon name="close" size={16} /></button>
        </p>
      )}
      {edit && (
        <div class="change-edit">
          <p>
            <strong>{changes.busy.value ? t("change_saving") : t("change_editing")}</strong>
            <span class="ellipsis" dir="auto">{saidBriefly(edit.entry, SHOWN)}</span>
          </p>
          <button type="button" class="icon-button" aria-label={t("change_cancel")} title={`${t("change_cancel")} (Esc)`} onClick={() => changes.cancel()}><Icon name="close" size={18} /></button>
        </div>
      )}
    </div>
  );
}
