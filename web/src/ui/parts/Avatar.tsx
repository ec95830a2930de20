// Initials on a colour that follows from the address, and the presence mark at the corner. The initials
// are drawn by the style sheet: they are no text that anybody should hear or copy.

import { isConference } from "../../model/conferences";
import { useSession } from "../context";
import { Icon } from "./Icon";
import { lazy } from "./Lazy";
import { PresenceMark } from "./Presence";

/** It lies over the initials, which are seen until it is there, and if it does not come. */
const Photo = lazy(() => import("./Photo").then((m) => m.Photo), true);

const HUES = 8;

function hue(uri: string): number {
  let h = 0;
  for (const c of uri) h = (h * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return h % HUES;
}

export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((w) => /[\p{L}\p{N}]/u.test(w));
  const first = (w: string | undefined) => [...(w ?? "")].find((c) => /[\p{L}\p{N}]/u.test(c)) ?? "";
  const last = words.length > 1 ? first(words[words.length - 1]) : "";
  return (first(words[0]) + last).toLocaleUpperCase() || "?";
}

interface Props {
  uri: string;
  size?: "s" | "m" | "l" | "xl";
  presence?: boolean;
}

export function Avatar({ uri, size = "m", presence = true }: Props) {
  const { people, self, user } = useSession();
  if (isConference(uri)) {
    const px = { s: 14, m: 20, l: 26, xl: 40 }[size];
    return <span class={`avatar ${size} hue${hue(uri)}`} aria-hidden="true"><span class="initials"><Icon name="people" size={px} /></span></span>;
  }
  const mine = uri === user.value.uri;
  const name = mine ? user.value.name || people.nameOf(uri) : people.nameOf(uri);
  const photo = (mine ? user : people.person(uri)).value.photo;
  const state = mine ? self.value.state : people.stateOf(uri);
  return (
    <span class={`avatar ${size} hue${hue(uri)}`} aria-hidden="true">
      <span class="initials" data-initials={initials(name)} />
      {photo && <Photo name={photo} />}
      {presence && <PresenceMark state={state} size={size === "xl" ? 22 : size === "s" ? 11 : 14} />}
    </span>
  );
}
