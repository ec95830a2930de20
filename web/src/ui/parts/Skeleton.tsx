// The shape of a list that is being loaded.

import { t } from "../../i18n";

const WIDTHS = ["w60", "w40", "w70", "w50", "w60", "w40"];

export function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">{t("loading")}</span>
      {WIDTHS.map((w, i) => (
        <div class="skeleton-line" key={i}>
          <span class="skeleton-dot" />
          <span class={`skeleton-bar ${w}`} />
        </div>
      ))}
    </div>
  );
}
