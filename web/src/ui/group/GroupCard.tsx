// A group chat: its name, who is in it, and what can be done with it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import "../../style/group.css";
import { locale, t } from "../../i18n";
import "../../i18n/more";
import { isConference, type Conference } from "../../model/conferences";
import type { Member } from "../../net/wire";
import { useSession } from "../context";
import { thrownText } from "../errors";
import { Avatar } from "../parts/Avatar";
import { Icon } from "../parts/Icon";
import { PersonLine } from "../people/PersonLine";
import { tooLong } from "./NewGroup";
import { PickPeople } from "./PickPeople";

type Doing = (work: Promise<unknown>) => void;

interface Part {
  chat: string;
  conference: Conference;
  act: Doing;
}

function Name({ chat, conference, act }: Part) {
  const { conferences, user } = useSession();
  const mine = conference.organizer === user.value.uri;
  const editing = useSignal(false);
  const name = useSignal("");
  const save = (e: Event) => {
    e.preventDefault();
    editing.value = false;
    if (name.value.trim() && name.value.trim() !== conference.name) act(conferences.rename(chat, name.value.trim()));
  };
  if (editing.value) {
    return (
      <form class="self-note-row" onSubmit={save}>
        <input type="text" dir="auto" aria-label={t("gchat_name")} value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />
        <button type="submit" class="button" disabled={!name.value.trim() || tooLong(name.value)}>{t("save")}</button>
      </form>
    );
  }
  const edit = () => {
    name.value = conference.name;
    editing.value = true;
  };
  return (
    <>
      <h2 dir="auto">{conference.name}</h2>
      {mine && <button type="button" class="button" onClick={edit}>{t("gchat_rename")}</button>}
    </>
  );
}

function MemberLine({ member, chat, conference, act }: Part & { member: Member }) {
  const { conferences, people, user } = useSession();
  const may = conference.organizer === user.value.uri && member.uri !== user.value.uri;
  return (
    <li class="member">
      <PersonLine uri={member.uri} />
      {member.uri === conference.organizer && <span class="tag">{t("gchat_organizer")}</span>}
      {may && (
        <button
          type="button"
          class="icon-button"
          aria-label={t("gchat_remove", { name: people.nameOf(member.uri) })}
          title={t("gchat_remove", { name: people.nameOf(member.uri) })}
          onClick={() => act(conferences.remove(chat, member.uri))}
        >
          <Icon name="removePerson" size={18} />
        </button>
      )}
    </li>
  );
}

function Members(part: Part) {
  const session = useSession();
  const { people } = session;
  const order = new Intl.Collator(locale.value, { sensitivity: "base", numeric: true });
  const members = [...part.conference.members.values()].sort((a, b) => order.compare(people.nameOf(a.uri), people.nameOf(b.uri)));
  useEffect(() => {
    session.show("members", members.map((m) => m.uri));
  }, [members.map((m) => m.uri).join(" ")]);
  useEffect(() => () => session.show("members", []), []);
  return (
    <>
      <h3>{t("gchat_members", { n: members.length })}</h3>
      <ul class="members">{members.map((m) => <MemberLine key={m.uri} member={m} {...part} />)}</ul>
    </>
  );
}

function Add({ chat, conference, act }: Part) {
  const { conferences, people } = useSession();
  const chosen = useSignal<readonly string[]>([]);
  const add = async () => {
    const failed = await conferences.add(chat, chosen.value);
    chosen.value = failed.map(([uri]) => uri);
    const [first] = failed;
    if (first) throw new Error(t("gchat_not_added", { name: people.nameOf(first[0]), text: thrownText(first[1], people.nameOf(first[0])) }));
  };
  return (
    <>
      <h3>{t("gchat_add")}</h3>
      <PickPeople chosen={chosen} without={(uri) => conference.members.has(uri) || isConference(uri)} />
      {chosen.value.length > 0 && <button type="button" class="button primary" onClick={() => act(add())}><Icon name="addPerson" size={18} />{t("gchat_add_them", { n: chosen.value.length })}</button>}
    </>
  );
}

function Leave({ chat, act }: Part) {
  const { conferences, user } = useSession();
  const sure = useSignal(false);
  if (!sure.value) return <button type="button" class="button" onClick={() => (sure.value = true)}>{t("gchat_leave")}</button>;
  return (
    <div class="sure" role="alert">
      <p>{t("gchat_leave_sure")}</p>
      <button type="button" class="button danger" onClick={() => act(conferences.remove(chat, user.value.uri))}>{t("gchat_leave")}</button>{" "}
      <button type="button" class="button" onClick={() => (sure.value = false)}>{t("cancel")}</button>
    </div>
  );
}

export function GroupCard({ chat }: { chat: string }) {
  const { conferences, muted, people } = useSession();
  const error = useSignal("");
  const conference = conferences.of(chat).value;
  const quiet = (muted.values.value[chat] ?? "") !== "";
  const act: Doing = (work) =>
    void work.then(
      () => (error.value = ""),
      (e: unknown) => (error.value = e instanceof Error && e.constructor === Error ? e.message : t("card_failed", { text: thrownText(e) })),
    );
  const part = conference && { chat, conference, act };
  return (
    <div class="contact group">
      <div class="contact-head">
        <Avatar uri={chat} size="xl" presence={false} />
        {part ? <Name {...part} /> : <h2 dir="auto">{people.nameOf(chat)}</h2>}
      </div>
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <label class="check">
        <input type="checkbox" checked={quiet} onChange={(e) => muted.set(chat, e.currentTarget.checked ? "1" : "")} />
        <span>{t("gchat_mute")}</span>
      </label>
      {conference === null && <p class="muted">{t("gchat_out")}</p>}
      {part && <Members {...part} />}
      {part && <Add {...part} />}
      {part && <Leave {...part} />}
    </div>
  );
}
