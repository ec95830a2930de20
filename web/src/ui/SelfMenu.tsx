// One's own state: chosen or found out, the note, and the way out.

import { useSignal } from "@preact/signals";

import { t } from "../i18n";
import "../i18n/more";
import type { Choice, State } from "../net/wire";
import { usePage, useSession } from "./context";
import { thrownText } from "./errors";
import { Avatar } from "./parts/Avatar";
import { Dialog } from "./parts/Dialog";
import { Icon } from "./parts/Icon";
import { announce } from "./parts/live";
import { PresenceMark, presenceText, stateName } from "./parts/Presence";

const CHOICES: Exclude<Choice, "auto">[] = ["available", "busy", "do_not_disturb", "be_right_back", "away", "offline"];
const NOTE_MAX = 500;
/** From here on the characters that are left are shown. */
const NOTE_NEAR = 100;

interface OptionProps {
  choice: Choice;
  mark: State;
  name: string;
  hint?: string;
  checked: boolean;
  onChoose: (choice: Choice) => void;
}

function Option({ choice, mark, name, hint, checked, onChoose }: OptionProps) {
  return (
    <label class="option">
      <input type="radio" name="state" value={choice} checked={checked} onChange={() => onChoose(choice)} />
      <PresenceMark state={mark} size={16} />
      <span class="option-name">
        {name}
        {hint && <small>{hint}</small>}
      </span>
      <span class="option-check"><Icon name="check" size={18} /></span>
    </label>
  );
}

function Note({ onError }: { onError: (e: unknown) => void }) {
  const session = useSession();
  const text = useSignal(session.self.peek().note);
  const left = NOTE_MAX - [...text.value].length;
  const changed = text.value.trim() !== session.self.value.note;
  const save = (e: Event) => {
    e.preventDefault();
    session.setNote(text.value.trim()).then(() => announce(t("self_note_saved")), onError);
  };
  return (
    <form class="self-note" onSubmit={save}>
      <label for="note">{t("self_note")}</label>
      <div class="self-note-row">
        <input
          id="note"
          type="text"
          dir="auto"
          maxLength={NOTE_MAX}
          placeholder={t("self_note_hint")}
          value={text.value}
          onInput={(e) => (text.value = e.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={!changed || left < 0}>
          {t("save")}
        </button>
      </div>
      {left <= NOTE_NEAR && <p class="hint">{t("self_left", { n: left })}</p>}
    </form>
  );
}

export function SelfMenu({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const { app } = usePage();
  const error = useSignal("");
  const { state, chosen } = session.self.value;
  const user = session.user.value;
  const fail = (e: unknown) => (error.value = t("self_failed", { text: thrownText(e) }));
  const choose = (choice: Choice) => void session.setState(choice).then(() => (error.value = ""), fail);
  const out = () => void app.signOut().catch(() => (error.value = t("sign_out_failed")));
  return (
    <Dialog title={t("self_title")} kind="corner" bare onClose={onClose}>
      <div class="self-head">
        <Avatar uri={user.uri} size="l" />
        <div>
          <bdi class="self-name">{user.name || user.uri}</bdi>
          <p class="muted">{presenceText({ uri: user.uri, state })}</p>
        </div>
      </div>
      <Note onError={fail} />
      <div class="options" role="radiogroup" aria-label={t("self_title")}>
        <Option choice="auto" mark="available" name={t("self_auto")} hint={t("self_auto_hint")} checked={chosen === null} onChoose={choose} />
        {CHOICES.map((c) => (
          <Option key={c} choice={c} mark={c} name={c === "offline" ? t("self_appear_offline") : stateName(c)} checked={chosen === c} onChoose={choose} />
        ))}
      </div>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <footer class="self-foot">
        <span class="muted ellipsis">{user.uri}</span>
        <button type="button" class="button" onClick={out}>{t("sign_out")}</button>
      </footer>
    </Dialog>
  );
}
