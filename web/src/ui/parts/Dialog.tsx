// A window over the page: the browser's own <dialog>, which keeps the focus inside, makes the rest inert
// and closes by Escape.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import { Icon } from "./Icon";

interface Props {
  title: string;
  kind?: "center" | "corner" | "top" | "light";
  /** The title is for screen readers only. */
  bare?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, kind = "center", bare = false, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  // With the first picture: what is typed right after the key that opened it goes into it.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // The browser gives the focus back to what had it.
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog ${kind}`}
      aria-label={title}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onPointerDown={(e) => e.target === ref.current && onClose()}
    >
      <div class="dialog-body">
        {!bare && (
          <header class="dialog-head">
            <h2>{title}</h2>
            <button type="button" class="icon-button" aria-label={t("close")} onClick={onClose}>
              <Icon name="close" />
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
