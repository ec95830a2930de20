// The left rail, on a phone the bar below: the views, and oneself.

import { t, type Key } from "../i18n";
import { hrefOf, type View } from "../model/route";
import { overlay, useSession } from "./context";
import { Avatar } from "./parts/Avatar";
import { Icon, Logo, type IconName } from "./parts/Icon";
import { presenceText } from "./parts/Presence";

function Item({ view, icon, name, badge = 0, unread = "nav_unread" }: { view: View; icon: IconName; name: Key; badge?: number; unread?: Key }) {
  const { route } = useSession();
  const shown = route.value.view;
  const current = (shown === "attendant" ? "calls" : shown) === view;
  return (
    <a class="rail-item" href={hrefOf(view)} aria-current={current ? "page" : undefined}>
      <span class="rail-icon">
        <Icon name={icon} size={22} />
        {badge > 0 && <span class="badge" aria-hidden="true">{badge > 99 ? "99+" : badge}</span>}
      </span>
      <span class="rail-name">{t(name)}</span>
      {badge > 0 && <span class="hidden">, {t(unread, { n: badge })}</span>}
    </a>
  );
}

export function Rail() {
  const { chats, history, self, user } = useSession();
  const name = user.value.name || user.value.uri;
  const state = presenceText({ uri: user.value.uri, state: self.value.state });
  return (
    <nav class="rail" aria-label={t("nav")} data-region>
      <span class="rail-logo"><Logo size={32} /></span>
      <Item view="chats" icon="chats" name="nav_chats" badge={chats.unread.value} />
      <Item view="people" icon="people" name="nav_people" />
      <Item view="calls" icon="phone" name="nav_calls" badge={history.missed.value} unread="nav_missed" />
      <Item view="settings" icon="settings" name="nav_settings" />
      {user.value.admin && <Item view="admin" icon="shield" name="nav_admin" />}
      <button
        type="button"
        class="rail-self"
        aria-haspopup="dialog"
        aria-label={t("self_open", { name, state })}
        onClick={() => (overlay.value = "self")}
      >
        <Avatar uri={user.value.uri} size="m" />
      </button>
    </nav>
  );
}
