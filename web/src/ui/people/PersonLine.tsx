// One person in a list: avatar, name, and what they do or say.

import { t } from "../../i18n";
import { isConference } from "../../model/conferences";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { presenceText } from "../parts/Presence";

export function PersonLine({ uri, found = false }: { uri: string; found?: boolean }) {
  const { people } = useSession();
  const person = people.person(uri).value;
  const work = [person.title, person.department].filter(Boolean).join(", ");
  const text = isConference(uri) ? t("gchat") : found && work ? work : presenceText(person, true);
  return (
    <div class="line">
      <Avatar uri={uri} />
      <div class="line-text">
        <bdi class="line-name">{people.nameOf(uri)}</bdi>
        <span class="line-sub">
          {text}
          {text === work && <span class="hidden">, {presenceText(person)}</span>}
          {person.note && !found && <span class="line-note" dir="auto"> · {person.note}</span>}
        </span>
      </div>
    </div>
  );
}
