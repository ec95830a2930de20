// What people said of a message by one emoji each; a click does the same, or takes it back.

import "../../style/changes.css";
import { t } from "../../i18n";
import "../../i18n/more";
import { canChange } from "../../model/changes";
import type { Entry } from "../../model/entries";
import type { Reaction } from "../../net/wire";
import { useSession } from "../context";
import { changesOf } from "./changes";

/** So many names are told. */
const NAMES = 12;

function Chip({ reaction: { emoji, people }, onToggle, mine, off }: { reaction: Reaction; onToggle: () => void; mine: boolean; off: boolean }) {
  const session = useSession();
  const me = session.user.value.uri;
  const names = people.slice(0, NAMES).map((p) => (p === me ? t("chat_you") : session.people.nameOf(p)));
  if (people.length > NAMES) names.push(t("react_more", { n: people.length - NAMES }));
  const told = names.join(", ");
  return (
    <button type="button" class="reaction" aria-pressed={mine} disabled={off} title={told} onClick={onToggle}>
      <bdi>{emoji}</bdi> <span>{people.length}</span>
      <span class="hidden">: {told}</span>
    </button>
  );
}

export function Reactions({ entry, uri }: { entry: Entry; uri: string }) {
  const session = useSession();
  const me = session.user.value.uri;
  const toggle = (emoji: string, on: boolean) => void (canChange(entry) && changesOf(session).react(uri, entry, emoji, on));
  return (
    <div class="reactions" role="group" aria-label={t("react_group")}>
      {entry.reactions?.map((r) => {
        const mine = r.people.includes(me);
        return <Chip key={r.emoji} reaction={r} mine={mine} off={!canChange(entry)} onToggle={() => toggle(r.emoji, !mine)} />;
      })}
    </div>
  );
}
