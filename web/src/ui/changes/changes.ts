// The session's changes of messages; made when the first chat is shown.

import type { Session } from "../../model/app";
import { Changes } from "../../model/changes";

export function changesOf(session: Session): Changes {
  const known = session.changes.peek();
  if (known) return known;
  const changes = new Changes({
    request: (op, fields) => session.request(op, fields),
    me: () => session.user.peek().uri,
    now: () => new Date(),
    apply: (change) => session.chats.event(change),
  });
  session.changes.value = changes;
  return changes;
}
