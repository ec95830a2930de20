// To whom the other side of the call is sent on.

import { t } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { isConference } from "../../model/conferences";
import { useSession } from "../context";
import { Picker } from "../Picker";
import { callName } from "./name";

export function TransferTo({ call, onClose }: { call: Call; onClose: () => void }) {
  const { calls, people, user } = useSession();
  const without = (uri: string) => isConference(uri) || uri === call.uri || uri === user.value.uri;
  return (
    <Picker
      title={t("transfer_title", { name: callName(people, call) })}
      keys="transfer_keys"
      without={without}
      states
      onPick={(uri) => void calls.transfer(uri)}
      onClose={onClose}
    />
  );
}
