// Who somebody is, and what can be done with them. Stands in the main part or beside a chat.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t, type Key } from "../../i18n";
import "../../i18n/more";
import { hrefOf, type View } from "../../model/route";
import type { Person } from "../../net/wire";
import { useSession } from "../context";
import { thrownText } from "../errors";
import { CallButtons } from "../call/CallButtons";
import { Avatar } from "../parts/Avatar";
import { Dialog } from "../parts/Dialog";
import { Icon, type IconName } from "../parts/Icon";
import { announce } from "../parts/live";
import { PresenceMark, presenceText } from "../parts/Presence";
import { groupName } from "./PeopleList";

function Fact({ icon, name, value, href }: { icon: IconName; name: Key; value: string | undefined; href?: string }) {
  if (!value) return null;
  return (
    <div class="fact">
      <dt><Icon name={icon} size={18} /><span>{t(name)}</span></dt>
      <dd>{href ? <a href={href}><bdi>{value}</bdi></a> : <bdi>{value}</bdi>}</dd>
    </div>
  );
}

/** A telephone number can be dialled by whatever the device has for it; what is no number is text only. */
function telHref(phone: string): string | undefined {
  const digits = phone.replace(/[\s()./-]/g, "");
  return /^\+?\d{2,20}$/.test(digits) ? `tel:${digits}` : undefined;
}

function Facts({ person }: { person: Person }) {
  const work = [person.title, person.department].filter(Boolean).join(", ");
  return (
    <dl class="facts">
      <Fact icon="info" name="card_title" value={work || undefined} />
      <Fact icon="building" name="card_office" value={person.office} />
      <Fact icon="mail" name="card_email" value={person.email} href={person.email ? `mailto:${encodeURIComponent(person.email)}` : undefined} />
      {person.phones?.map((p) => <Fact key={p} icon="phone" name="card_phone" value={p} href={telHref(p)} />)}
      <Fact icon="chats" name="card_address" value={person.uri} />
    </dl>
  );
}

function RemoveDialog({ uri, onClose, onDone }: { uri: string; onClose: () => void; onDone: () => void }) {
  const name = useSession().people.nameOf(uri);
  return (
    <Dialog title={t("card_remove_title", { name })} onClose={onClose}>
      <p>{t("card_remove_text", { name })}</p>
      <div class="buttons end">
        <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
        <button type="button" class="button danger" onClick={onDone}>{t("remove")}</button>
      </div>
    </Dialog>
  );
}

type Doing = (op: string, fields: object) => void;

function InGroups({ uri, act }: { uri: string; act: Doing }) {
  const { people } = useSession();
  const mine = people.groupsOf(uri);
  const toggle = (id: number) => {
    const next = mine.includes(id) ? mine.filter((g) => g !== id) : [...mine, id];
    if (next.length) act("contacts.move", { uri, groups: next });
  };
  return (
    <div class="chips" role="group" aria-label={t("card_groups")}>
      {people.groups.value.map((g) => (
        <button key={g.id} type="button" class="chip" aria-pressed={mine.includes(g.id)} onClick={() => toggle(g.id)}>
          {mine.includes(g.id) && <Icon name="check" size={14} />}
          <bdi>{groupName(g)}</bdi>
        </button>
      ))}
    </div>
  );
}

function Rename({ uri, act }: { uri: string; act: Doing }) {
  const { people } = useSession();
  const known = people.byUri.value.get(uri)?.name ?? "";
  const name = useSignal(known);
  useEffect(() => void (name.value = known), [known]);
  const save = (e: Event) => {
    e.preventDefault();
    if (name.value.trim() !== known) act("contacts.rename", { uri, name: name.value.trim() });
  };
  return (
    <form class="rename" onSubmit={save}>
      <label for="rename">{t("card_rename")}</label>
      <div class="self-note-row">
        <input id="rename" type="text" dir="auto" maxLength={200} value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />
        <button type="submit" class="button" disabled={name.value.trim() === known}>{t("save")}</button>
      </div>
    </form>
  );
}

function Actions({ uri, page, act, onError }: { uri: string; page: boolean; act: Doing; onError: (e: unknown) => void }) {
  const { people } = useSession();
  const removing = useSignal(false);
  const contact = people.byUri.value.has(uri);
  const copy = () => void navigator.clipboard.writeText(uri).then(() => announce(t("card_copied")), onError);
  const remove = () => {
    removing.value = false;
    act("contacts.remove", { uri });
  };
  return (
    <div class="card-actions">
      {page && <a class="button primary" href={hrefOf("chats", uri)}><Icon name="chats" size={18} />{t("card_chat")}</a>}
      <CallButtons uri={uri} />
      {contact ? (
        <button type="button" class="button" onClick={() => (removing.value = true)}><Icon name="removePerson" size={18} />{t("card_remove")}</button>
      ) : (
        <button type="button" class="button" onClick={() => act("contacts.add", { uri, name: people.person(uri).value.name ?? "" })}>
          <Icon name="addPerson" size={18} />{t("card_add")}
        </button>
      )}
      <button type="button" class="button" onClick={copy}><Icon name="copy" size={18} />{t("card_copy")}</button>
      {removing.value && <RemoveDialog uri={uri} onClose={() => (removing.value = false)} onDone={remove} />}
    </div>
  );
}

export function ContactCard({ uri, page = false, from = "people" }: { uri: string; page?: boolean; from?: View }) {
  const session = useSession();
  const { people } = session;
  const error = useSignal("");
  const Title = page ? "h1" : "h2";
  const Part = page ? "h2" : "h3";
  const person = people.person(uri).value;
  const contact = people.byUri.value.has(uri);
  const mine = uri === session.user.value.uri;
  const fail = (e: unknown) => (error.value = t("card_failed", { text: thrownText(e, people.nameOf(uri)) }));
  const act: Doing = (op, fields) => void session.request(op, fields).then(() => (error.value = ""), fail);
  useEffect(() => {
    // A card of somebody whom nothing told about yet: the directory may know more.
    session.show("card", [uri]);
    if (!person.email && session.online.peek()) session.search(uri).catch(() => undefined);
    return () => session.show("card", []);
  }, [uri]);
  return (
    <article class={page ? "contact page" : "contact"} aria-label={people.nameOf(uri)}>
      {page && <a class="icon-button only-phone contact-back" href={hrefOf(from)} aria-label={t("back")}><Icon name="back" turn /></a>}
      <header class="contact-head">
        <Avatar uri={uri} size="xl" />
        <Title><bdi>{people.nameOf(uri)}</bdi></Title>
        <p class="contact-state"><PresenceMark state={person.state ?? "unknown"} />{presenceText(person, true)}</p>
        {person.note && <p class="contact-note" dir="auto">{person.note}</p>}
      </header>
      {mine ? <p class="muted">{t("card_you")}</p> : <Actions uri={uri} page={page} act={act} onError={fail} />}
      <p class="form-error" role="alert" hidden={!error.value}>{error.value}</p>
      <Facts person={person} />
      {contact && (
        <section class="contact-mine">
          <Part class="part-head">{t("card_groups")}</Part>
          <InGroups uri={uri} act={act} />
          <Rename uri={uri} act={act} />
        </section>
      )}
    </article>
  );
}
