// A new group chat: its name, and who is in it from the begin.

import { useSignal } from "@preact/signals";

import "../../style/group.css";
import { t } from "../../i18n";
import "../../i18n/more";
import { isConference } from "../../model/conferences";
import { go } from "../../model/route";
import { useSession } from "../context";
import { thrownText } from "../errors";
import { Dialog } from "../parts/Dialog";
import { PickPeople } from "./PickPeople";

/** Bytes of a name that the server takes. */
export const NAME_MAX = 200;

export function tooLong(name: string): boolean {
  return new TextEncoder().encode(name.trim()).length > NAME_MAX;
}

export function NewGroup({ onClose }: { onClose: () => void }) {
  const { conferences, chats, people, user } = useSession();
  const name = useSignal("");
  const chosen = useSignal<readonly string[]>([]);
  const busy = useSignal(false);
  const error = useSignal("");
  const made = useSignal("");
  const open = (chat: string) => {
    chats.send(chat, t("gchat_opening", { name: name.value.trim() }));
    onClose();
    go("chats", chat);
  };
  const create = async () => {
    busy.value = true;
    error.value = "";
    try {
      const { chat, failed } = await conferences.create(name.value.trim(), chosen.value);
      if (!failed.length) return open(chat);
      made.value = chat;
      error.value = failed.map(([uri, e]) => t("gchat_not_added", { name: people.nameOf(uri), text: thrownText(e, people.nameOf(uri)) })).join(" ");
    } catch (e) {
      error.value = t("card_failed", { text: thrownText(e) });
    } finally {
      busy.value = false;
    }
  };
  const submit = (e: Event) => {
    e.preventDefault();
    if (made.value) open(made.value);
    else void create();
  };
  const long = tooLong(name.value);
  return (
    <Dialog title={t("gchat_new")} onClose={onClose}>
      <form class="group-form" onSubmit={submit}>
        <div class="field">
          <label for="group-name">{t("gchat_name")}</label>
          <input id="group-name" type="text" dir="auto" autocomplete="off" value={name.value} disabled={made.value !== ""} onInput={(e) => (name.value = e.currentTarget.value)} />
        </div>
        {!made.value && <PickPeople chosen={chosen} without={(uri) => uri === user.value.uri || isConference(uri)} />}
        <p class="form-error" role="alert" hidden={!error.value && !long}>{long ? t("gchat_name_long") : error.value}</p>
        <button type="submit" class="button primary" disabled={busy.value || !name.value.trim() || long || (!made.value && !chosen.value.length)}>
          {t(made.value ? "gchat_open" : busy.value ? "gchat_creating" : "gchat_create")}
        </button>
        <p class="hint">{t("gchat_hint")}</p>
      </form>
    </Dialog>
  );
}
