// Ctrl+K: to any person or chat by some letters.

import { t } from "../i18n";
import "../i18n/more";
import { go } from "../model/route";
import { Picker } from "./Picker";

export function Switcher({ onClose }: { onClose: () => void }) {
  return <Picker title={t("switcher_title")} hint={t("switcher_hint")} keys="switcher_keys" onPick={(uri) => go("chats", uri)} onClose={onClose} />;
}
