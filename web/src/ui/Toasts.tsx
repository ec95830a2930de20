// Messages that came while the user looks at something else, at the corner for some seconds.

import { t } from "../i18n";
import { hrefOf } from "../model/route";
import { useSession } from "./context";
import { Avatar } from "./parts/Avatar";
import { Icon } from "./parts/Icon";

export function Toasts() {
  const { notifier, people } = useSession();
  return (
    <section class="toasts" aria-label={t("toast_region")} role="status">
      {notifier.toasts.value.map((toast) => (
        <div class="toast" key={toast.key}>
          <Avatar uri={toast.uri} presence={false} />
          <a href={hrefOf("chats", toast.uri)} onClick={() => notifier.dismissChat(toast.uri)}>
            <bdi class="toast-name">{people.nameOf(toast.uri)}</bdi>
            <span class="toast-text" dir="auto">{toast.text}</span>
            <span class="hidden">{t("toast_open", { name: people.nameOf(toast.uri) })}</span>
          </a>
          <button type="button" class="icon-button" aria-label={t("toast_dismiss")} onClick={() => notifier.dismiss(toast.key)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </section>
  );
}
