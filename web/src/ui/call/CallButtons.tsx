// Calls somebody, from wherever her name stands.

import { t } from "../../i18n";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";

export function CallButtons({ uri }: { uri: string }) {
  const { calls, online, people, user } = useSession();
  const off = !online.value || calls.busy.value;
  if (uri === user.value.uri) return null;
  const one = (video: boolean) => {
    const label = t(video ? "call_video" : "call_audio", { name: people.nameOf(uri) });
    return (
      <button type="button" class="icon-button" disabled={off} aria-label={label} title={label} onClick={() => void calls.start(uri, video)}>
        <Icon name={video ? "video" : "phone"} />
      </button>
    );
  };
  return <>{one(false)}{one(true)}</>;
}
