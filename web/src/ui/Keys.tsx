// The help of the keyboard.

import { t, type Key } from "../i18n";
import "../i18n/more";
import { Dialog } from "./parts/Dialog";

const CTRL = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "key_ctrl";

/** Of each key what stands on it, or the name of the word for that where it is not the same everywhere. */
const SECTIONS: [Key, [Key, string[]][]][] = [
  [
    "keys_everywhere",
    [
      ["keys_switcher", [CTRL, "K"]],
      ["keys_next_chat", ["Alt", "↑ ↓"]],
      ["keys_next_unread", ["Alt", "key_shift", "↑ ↓"]],
      ["keys_regions", ["F6"]],
      ["keys_attendant", ["F8"]],
      ["keys_escape", ["Esc"]],
      ["keys_help", ["?"]],
    ],
  ],
  [
    "keys_lists",
    [
      ["keys_move", ["↑ ↓"]],
      ["keys_open", ["key_enter"]],
      ["keys_fold", ["← →"]],
      ["keys_typeahead", ["A … Z"]],
    ],
  ],
  [
    "attendant_title",
    [
      ["attendant_find", ["/"]],
      ["attendant_keys_move", ["↑ ↓"]],
      ["attendant_keys_enter", ["key_enter"]],
    ],
  ],
  [
    "keys_chat",
    [
      ["keys_send", ["key_enter"]],
      ["keys_newline", ["key_shift", "key_enter"]],
      ["keys_message", ["↑ ↓"]],
      ["keys_reply", ["R"]],
      ["keys_copy", ["C"]],
      ["keys_react", ["A"]],
      ["keys_edit", ["E"]],
      ["keys_delete", ["D"]],
      ["keys_edit_last", ["↑"]],
    ],
  ],
];

export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys_title")} onClose={onClose}>
      <div class="keys">
        {SECTIONS.map(([title, list]) => (
          <section key={title}>
            <h3>{t(title)}</h3>
            <dl>
              {list.map(([name, keys]) => (
                <div key={name} class="keys-row">
                  <dt>{t(name)}</dt>
                  <dd>{keys.map((k) => <kbd key={k}>{k.startsWith("key_") ? t(k as Key) : k}</kbd>)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
