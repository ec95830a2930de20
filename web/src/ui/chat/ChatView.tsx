// One chat: with whom, what was said, what is written; at the side, on demand, who that is.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import { hrefOf } from "../../model/route";
import { useSession } from "../context";
import { CallButtons } from "../call/CallButtons";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { presenceText } from "../parts/Presence";
import { ContactCard } from "../people/ContactCard";
import { Composer } from "./Composer";
import { Timeline } from "./Timeline";

function Head({ uri, details, onDetails }: { uri: string; details: boolean; onDetails: () => void }) {
  const { people } = useSession();
  const person = people.person(uri).value;
  const name = people.nameOf(uri);
  return (
    <header class="view-head">
      <a class="icon-button only-phone" href={hrefOf("chats")} aria-label={t("back")}><Icon name="back" turn /></a>
      <Avatar uri={uri} />
      <div class="view-who">
        <h1><bdi>{name}</bdi></h1>
        <p class="line-sub">
          {presenceText(person, true)}
          {person.note && <span dir="auto"> · {person.note}</span>}
        </p>
      </div>
      <CallButtons uri={uri} />
      <button
        type="button"
        class="icon-button"
        aria-expanded={details}
        aria-controls="details"
        aria-label={t("chat_info", { name })}
        title={t("chat_info", { name })}
        onClick={onDetails}
      >
        <Icon name="info" />
      </button>
    </header>
  );
}

export function ChatView({ uri }: { uri: string }) {
  const { chats, online, notifier, people } = useSession();
  const details = useSignal(false);
  const chat = chats.chat(uri);
  const name = people.nameOf(uri);
  useEffect(() => {
    chats.open(uri);
    notifier.dismissChat(uri);
    return () => chats.close(uri);
  }, [uri]);
  const asked = chat.asked.value;
  useEffect(() => {
    if (online.value && asked === "no") void chats.load(uri);
  }, [online.value, asked]);
  return (
    <div class="chat">
      <section class="chat-main" aria-label={t("chat_region", { name })}>
        <Head uri={uri} details={details.value} onDetails={() => (details.value = !details.value)} />
        <Timeline chat={chat} />
        <Composer uri={uri} />
      </section>
      {details.value && (
        <aside class="details" id="details" aria-label={t("chat_info", { name })}>
          <button type="button" class="icon-button details-close" aria-label={t("chat_info_close")} onClick={() => (details.value = false)}>
            <Icon name="close" />
          </button>
          <ContactCard uri={uri} />
        </aside>
      )}
    </div>
  );
}
