// Something that is shown once, and a way to take it along.

import { useSignal } from "@preact/signals";

import { t } from "../../i18n";
import "../../i18n/more";
import { Icon } from "../parts/Icon";

export function Secret({ text, label }: { text: string; label: string }) {
  const copied = useSignal(false);
  const copy = () => void navigator.clipboard.writeText(text).then(() => (copied.value = true), () => undefined);
  return (
    <div class="own-secret">
      <pre aria-label={label} tabIndex={0} role="group">{text}</pre>
      <button type="button" class="button small" onClick={copy}>
        <Icon name="copy" size={18} />
        {copied.value ? t("sec_copied") : t("sec_copy")}
      </button>
    </div>
  );
}
