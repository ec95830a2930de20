// A person's picture, which lies over the initials.

import "../../style/photo.css";

/** `name`: what the server calls it; anything else leads nowhere. */
export function Photo({ name }: { name: string }) {
  if (!/^[0-9a-f]{32}$/.test(name)) return null;
  // Another picture is another element: the old one is not seen while the new one comes.
  return <img key={name} class="photo" src={`/photos/${name}`} alt="" draggable={false} decoding="async" />;
}
