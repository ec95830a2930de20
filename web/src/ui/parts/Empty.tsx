// A place where nothing is, or where something went wrong: says what, why, and what can be done.

import type { ComponentChildren } from "preact";

import { Icon, type IconName } from "./Icon";

interface Props {
  icon: IconName;
  title: string;
  text?: string;
  small?: boolean;
  /** It is the page, and its title the page's. */
  head?: boolean;
  children?: ComponentChildren;
}

export function Empty({ icon, title, text, small = false, head = false, children }: Props) {
  return (
    <div class={small ? "empty small" : "empty"}>
      <span class="empty-icon">
        <Icon name={icon} size={small ? 22 : 30} />
      </span>
      {head ? <h1 class="empty-title">{title}</h1> : <p class="empty-title">{title}</p>}
      {text && <p class="empty-text">{text}</p>}
      {children}
    </div>
  );
}
