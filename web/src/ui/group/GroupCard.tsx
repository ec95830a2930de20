// A group chat: its name, who is in it, and what can be done with it.

import { useSignal, type Signal } from "@preact/signals";
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

/** Who leads a group gives it its name, sends members away, and names who leads instead. */
function leads(conference: Conference, uri: string): boolean {
  return conference.members.get(uri)?.role === "presenter";
}

function Name({ chat, conference, act }: Part) {
  const { conferences, user } = useSession();
  const mine = leads(conference, user.value.uri);
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

function MemberLine({ member, chat, conference, act, heir }: Part & { member: Member; heir: Signal<string> }) {
  const { conferences, people, user } = useSession();
  const name = people.nameOf(member.uri);
  const may = leads(conference, user.value.uri) && member.uri !== user.value.uri;
  return (
    <li class="member">
      <PersonLine uri={member.uri} />
      {leads(conference, member.uri) && <span class="tag">{t("gchat_leads")}</span>}
      {may && (
        <>
          <button type="button" class="icon-button" aria-label={t("gchat_lead", { name })} title={t("gchat_lead", { name })} onClick={() => (heir.value = member.uri)}>
            <Icon name="shield" size={18} />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label={t("gchat_remove", { name })}
            title={t("gchat_remove", { name })}
            onClick={() => act(conferences.remove(chat, member.uri))}
          >
            <Icon name="removePerson" size={18} />
          </button>
        </>
      )}
    </li>
  );
}

/** Who has given it away cannot take it back. */
function HandOver({ chat, conference, act, heir }: Part & { heir: Signal<string> }) {
  const { conferences, people, user } = useSession();
  if (!leads(conference, user.value.uri) || !conference.members.has(heir.value)) return null;
  const name = people.nameOf(heir.value);
  const done = () => {
    act(conferences.lead(chat, heir.value));
    heir.value = "";
  };
  return (
    <div class="sure" role="alert">
      <p>{t("gchat_lead_sure", { name })}</p>
      <button type="button" class="button primary" onClick={done}>{t("gchat_lead", { name })}</button>{" "}
      <button type="button" class="button" onClick={() => (heir.value = "")}>{t("cancel")}</button>
    </div>
  );
}

function Members(part: Part) {
  const session = useSession();
  const { people } = session;
  const heir = useSignal("");
  const order = new Intl.Collator(locale.value, { sensitivity: "base", numeric: true });
  const members = [...part.conference.members.values()].sort((a, b) => order.compare(people.nameOf(a.uri), people.nameOf(b.uri)));
  useEffect(() => {
    session.show("members", members.map((m) => m.uri));
  }, [members.map((m) => m.uri).join(" ")]);
  useEffect(() => () => session.show("members", []), []);
  return (
    <>
      <h3>{t("gchat_members", { n: members.length })}</h3>
      <ul class="members">{members.map((m) => <MemberLine key={m.uri} member={m} heir={heir} {...part} />)}</ul>
      <HandOver heir={heir} {...part} />
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

function Leave({ chat, conference, act }: Part) {
  const { conferences, user } = useSession();
  const passes = leads(conference, user.value.uri) && conference.members.size > 1;
  const sure = useSignal(false);
  if (!sure.value) return <button type="button" class="button" onClick={() => (sure.value = true)}>{t("gchat_leave")}</button>;
  return (
    <div class="sure" role="alert">
      <p>{t("gchat_leave_sure")}{passes && ` ${t("gchat_leave_lead")}`}</p>
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
