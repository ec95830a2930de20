// The state of the connection, when it is not what it should be. It waits a moment before it says so: a
// connection that comes back at once is nobody's business.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t } from "../i18n";
import { useSession } from "./context";
import { Icon } from "./parts/Icon";
import { announce } from "./parts/live";

const GRACE_MS = 1_500;
/** Below that the seconds are not worth reading. */
const SHOW_SECONDS_FROM = 3;

export function Banner() {
  const session = useSession();
  const shown = useSignal(false);
  const left = useSignal(0);
  const online = session.online.value;

  useEffect(() => {
    if (online) {
      if (shown.peek()) announce(t("banner_back"));
      shown.value = false;
      return;
    }
    const grace = setTimeout(() => (shown.value = true), GRACE_MS);
    return () => clearTimeout(grace);
  }, [online]);

  useEffect(() => {
    const tick = () => (left.value = Math.max(0, Math.ceil((session.retryAt.peek() - Date.now()) / 1000)));
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, []);

  if (!shown.value) return null;
  const waiting = session.link.value === "waiting" && left.value >= SHOW_SECONDS_FROM;
  return (
    <div class="banner">
      <Icon name="cloud" size={18} />
      <span role="status" class="hidden">{t("banner_offline")}</span>
      <span aria-hidden="true">{waiting ? t("banner_waiting", { n: left.value }) : t("banner_offline")}</span>
      <button type="button" class="button small" onClick={() => session.reconnect()}>
        {t("banner_now")}
      </button>
    </div>
  );
}
