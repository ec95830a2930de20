// One message, and what became of it.

import { locale, t } from "../../i18n";
import { said, type Entry, type Row } from "../../model/entries";
import { quoteOf } from "../../text/quote";
import { clock, full } from "../../text/time";
import { useSession } from "../context";
import { errorText } from "../errors";
import { Avatar } from "../parts/Avatar";
import { Icon, type IconName } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { announce } from "../parts/live";
import { RichText } from "./RichText";

const FileCard = lazy(async () => (await import("../files/FileCard")).FileCard, true);

const Acts = lazy(async () => (await import("../changes/Acts")).Acts, true);
const Reactions = lazy(async () => (await import("../changes/Reactions")).Reactions, true);

const ICONS: Partial<Record<Entry["state"], IconName>> = {
  queued: "cloud",
  sending: "clock",
  sent: "check",
  delivered: "checks",
  kept: "clock",
};

function Failed({ entry, uri }: { entry: Entry; uri: string }) {
  const { chats, people } = useSession();
  const reason = entry.error ? errorText(entry.error.code, people.nameOf(uri), entry.error.text) : "";
  return (
    <p class="fate failed">
      <Icon name="alert" size={14} />
      <span>
        {t("msg_failed")}{reason && <> · {reason}</>}{" "}
        <button type="button" class="link" onClick={() => chats.retry(uri, entry.key)}>{t("retry")}</button>{" "}
        <button type="button" class="link" onClick={() => chats.discard(uri, entry.key)}>{t("msg_discard")}</button>
      </span>
    </p>
  );
}

function Fate({ entry, uri }: { entry: Entry; uri: string }) {
  const { people } = useSession();
  if (entry.state === "failed") return <Failed entry={entry} uri={uri} />;
  const icon = ICONS[entry.state];
  return (
    <p class={`fate ${entry.state}`} data-state={entry.state}>
      {icon && <Icon name={icon} size={14} />}
      <span>{t(`msg_${entry.state}`, { name: people.nameOf(uri) })}</span>
    </p>
  );
}

/** By the mouse; by the keyboard their letters do the same (Timeline). */
function Actions({ entry, uri, name }: { entry: Entry; uri: string; name: string }) {
  const { changes, chats } = useSession();
  const answer = () => {
    changes.value?.cancel();
    chats.chat(uri).answering.value = quoteOf(name, said(entry));
  };
  const link = entry.file?.url && location.origin + entry.file.url;
  const copy = () => void navigator.clipboard.writeText([entry.text, link].filter(Boolean).join("\n")).then(() => announce(t("chat_copied")), () => undefined);
  return (
    <div class="msg-acts">
      <button type="button" class="icon-button" tabIndex={-1} data-act="r" aria-label={t("msg_reply")} title={`${t("msg_reply")} (R)`} onClick={answer}>
        <Icon name="reply" size={16} turn />
      </button>
      <button type="button" class="icon-button" tabIndex={-1} data-act="c" aria-label={t("msg_copy")} title={`${t("msg_copy")} (C)`} onClick={copy}>
        <Icon name="copy" size={15} />
      </button>
      <Acts entry={entry} uri={uri} />
    </div>
  );
}

interface Props {
  row: Row;
  uri: string;
  /** Whom a mention in it can mean. */
  names: readonly string[];
  /** The last own message says that it arrived; those before it would only repeat it. */
  last: boolean;
}

export function Bubble({ row, uri, names, last }: Props) {
  const { people, user } = useSession();
  const { entry, head, tail } = row;
  const mine = entry.from === user.value.uri;
  const name = mine ? t("chat_you") : people.nameOf(entry.from);
  const quiet = entry.state === "sent" || entry.state === "delivered";
  const time = clock(entry.at, locale.value);
  return (
    <div class={`msg ${mine ? "mine" : "theirs"} ${head ? "head" : ""} ${tail ? "tail" : ""} is-${entry.deleted ? "deleted" : entry.state}`} data-key={entry.key} tabIndex={-1} role="group" aria-label={t("chat_says", { name, text: time })}>
      {!mine && <span class="msg-face">{head && <Avatar uri={entry.from} size="s" presence={false} />}</span>}
      <div class="msg-body">
        {head ? (
          <p class="msg-head">
            <bdi class={mine ? "hidden" : "msg-name"}>{name}</bdi>
            <time dateTime={entry.at} title={full(entry.at, locale.value)}>{time}</time>
          </p>
        ) : (
          <span class="hidden">{name}, {time}</span>
        )}
        <div class="msg-line">
          <div class="bubble" title={head ? undefined : full(entry.at, locale.value)}>
            {entry.deleted && <p class="muted">{t("msg_deleted")}</p>}
            {entry.file && <FileCard file={entry.file} />}
            {entry.text && <RichText text={entry.text} names={names} />}
            {entry.edited_at && !entry.deleted && <p class="edited muted" title={full(entry.edited_at, locale.value)}>{t("msg_edited")}</p>}
          </div>
          {!entry.deleted && <Actions entry={entry} uri={uri} name={mine ? user.value.name || name : name} />}
        </div>
        {!!entry.reactions?.length && <Reactions entry={entry} uri={uri} />}
        {mine && (!quiet || last) && <Fate entry={entry} uri={uri} />}
      </div>
    </div>
  );
}
