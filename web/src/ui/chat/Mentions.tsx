// Who can be meant by the "@" that is being written. The focus stays in the field; this is its list.

import { useSignal, type Signal } from "@preact/signals";

import { t } from "../../i18n";
import { isConference } from "../../model/conferences";
import { matches } from "../../model/people";
import { beginOf } from "../../text/mentions";
import { useSession } from "../context";

const SHOWN = 8;

export interface Mentioning {
  names: string[];
  chosen: Signal<number>;
  /** Takes that name in the place of what is written of it. */
  take: (name: string) => void;
  /** True if the key was for the list. */
  key: (e: KeyboardEvent) => boolean;
}

export const LIST = "mention-list";

/** The names of the others in a group; null: it is none, or its members are not known. */
export function useOthers(uri: string): readonly string[] | null {
  const { conferences, people, user } = useSession();
  const members = isConference(uri) ? conferences.of(uri).value?.members : undefined;
  if (!members) return null;
  return [...new Set([...members.keys()].filter((m) => m !== user.value.uri).map((m) => people.nameOf(m)))];
}

/** `caret`: where it stands in `text`; -1: the list is closed. `put`: another text, and where the caret is then. */
export function useMentions(uri: string, text: string, caret: Signal<number>, put: (text: string, caret: number) => void): Mentioning {
  const chosen = useSignal(0);
  const others = useOthers(uri);
  const begin = others && caret.value >= 0 ? beginOf(text, caret.value) : null;
  const names = begin && others ? others.filter((n) => !begin.letters || matches(begin.letters, n)).sort().slice(0, SHOWN) : [];
  const take = (name: string) => {
    if (!begin) return;
    const front = `${text.slice(0, begin.from)}@${name} `;
    put(front + text.slice(begin.from + 1 + begin.letters.length).trimStart(), front.length);
    chosen.value = 0;
  };
  const key = (e: KeyboardEvent): boolean => {
    if (!names.length || e.isComposing) return false;
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (step) chosen.value = (chosen.value + step + names.length) % names.length;
    else if ((e.key === "Enter" && !e.shiftKey) || e.key === "Tab") take(names[Math.min(chosen.value, names.length - 1)] ?? "");
    else if (e.key === "Escape") caret.value = -1;
    else return false;
    e.preventDefault();
    e.stopPropagation();
    return true;
  };
  return { names, chosen, take, key };
}

export function MentionList({ names, chosen, take }: Mentioning) {
  const at = Math.min(chosen.value, names.length - 1);
  return (
    <ul class="mentions" id={LIST} role="listbox" aria-label={t("compose_mention")}>
      {names.map((name, i) => (
        <li
          key={name}
          id={`${LIST}-${i}`}
          role="option"
          aria-selected={i === at}
          onMouseDown={(e) => {
            e.preventDefault();
            take(name);
          }}
        >
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  );
}
