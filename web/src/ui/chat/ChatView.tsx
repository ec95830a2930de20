// One chat: with whom, what was said, what is written; at the side, on demand, who that is.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import { isConference } from "../../model/conferences";
import { hrefOf } from "../../model/route";
import { useSession } from "../context";
import { CallButtons } from "../call/CallButtons";
import { thrownText } from "../errors";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { presenceText } from "../parts/Presence";
import { Composer } from "./Composer";
import { Timeline } from "./Timeline";

const ContactCard = lazy(async () => (await import("../people/ContactCard")).ContactCard);
const GroupCard = lazy(async () => (await import("../group/GroupCard")).GroupCard);

function Under({ uri }: { uri: string }) {
  const { conferences, people } = useSession();
  const person = people.person(uri).value;
  if (!isConference(uri)) return <>{presenceText(person, true)}{person.note && <span dir="auto"> · {person.note}</span>}</>;
  const conference = conferences.of(uri).value;
  return <>{conference ? t("gchat_members", { n: conference.members.size }) : t("gchat")}</>;
}

/** In place of the composer for who is not in the group: an invitation stands above, or it was long ago. */
function Outside({ uri }: { uri: string }) {
  const session = useSession();
  const error = useSignal("");
  const join = () => {
    session.conferences.join(uri, session.user.value.uri).then(
      () => session.lookAgain(),
      (e: unknown) => (error.value = t("card_failed", { text: thrownText(e) })),
    );
  };
  return (
    <div class="chat-out">
      <p role="status">{t("gchat_out")}</p>
      <button type="button" class="button" onClick={join}>{t("gchat_join")}</button>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
    </div>
  );
}

function Head({ uri, details, onDetails }: { uri: string; details: boolean; onDetails: () => void }) {
  const { people } = useSession();
  const name = people.nameOf(uri);
  return (
    <header class="view-head">
      <a class="icon-button only-phone" href={hrefOf("chats")} aria-label={t("back")}><Icon name="back" turn /></a>
      <Avatar uri={uri} />
      <div class="view-who">
        <h1><bdi>{name}</bdi></h1>
        <p class="line-sub"><Under uri={uri} /></p>
      </div>
      {!isConference(uri) && <CallButtons uri={uri} />}
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
  const { chats, conferences, online, notifier, people } = useSession();
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
        {isConference(uri) && conferences.of(uri).value === null ? <Outside uri={uri} /> : <Composer uri={uri} />}
      </section>
      {details.value && (
        <aside class="details" id="details" aria-label={t("chat_info", { name })}>
          <button type="button" class="icon-button details-close" aria-label={t("chat_info_close")} onClick={() => (details.value = false)}>
            <Icon name="close" />
          </button>
          {isConference(uri) ? <GroupCard chat={uri} /> : <ContactCard uri={uri} />}
        </aside>
      )}
    </div>
  );
}
