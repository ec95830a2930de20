// Asks once more before something that cannot be taken back, or that others feel at once.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/admin";
import { Dialog } from "../parts/Dialog";

interface Props {
  title: string;
  text: string;
  button: string;
  /** What must be typed first; nothing if absent. */
  word?: string;
  yes: () => void;
  close: () => void;
}

export function Confirm({ title, text, button, word, yes, close }: Props) {
  const typed = useSignal("");
  const submit = (e: Event) => {
    e.preventDefault();
    close();
    yes();
  };
  return (
    <Dialog title={title} onClose={close}>
      <form class="own-form" onSubmit={submit}>
        <p>{text}</p>
        {word && (
          <div class="field">
            <label for="adm-word">{t("adm_type_word", { word })}</label>
            <input id="adm-word" type="text" autocomplete="off" spellcheck={false} value={typed.value} onInput={(e) => (typed.value = e.currentTarget.value)} />
          </div>
        )}
        <div class="buttons">
          <button type="submit" class="button danger" disabled={word !== undefined && typed.value.trim() !== word}>{button}</button>
          <button type="button" class="button" onClick={close}>{t("adm_cancel")}</button>
        </div>
      </form>
    </Dialog>
  );
}
