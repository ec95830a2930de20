// A file in a message: a picture is seen, everything else is a card that leads to it.

import { useSignal } from "@preact/signals";

import { locale, t } from "../../i18n";
import "../../i18n/more";
import type { Attached } from "../../net/wire";
import { isPicture, sizeText } from "../../text/files";
import { full } from "../../text/time";
import { Icon } from "../parts/Icon";
import { Lightbox } from "./Lightbox";
import { FileName, Sheet } from "./Sheet";

/** A picture is at most so large. */
const WIDTH = 320;
const HEIGHT = 240;
const SIZES_MAX = 500;
/** How large pictures are that were loaded before: their places are right from the begin. */
const sizes = new Map<string, [number, number]>();

function remember(id: string, size: [number, number]): void {
  sizes.set(id, size);
  for (const old of [...sizes.keys()].slice(0, -SIZES_MAX)) sizes.delete(old);
}

function place([w, h]: [number, number]): { width: string; aspectRatio: string } {
  const scale = Math.min(1, WIDTH / w, HEIGHT / h);
  return { width: `${Math.max(1, Math.round(w * scale))}px`, aspectRatio: `${w} / ${h}` };
}

/** The picture gets its own size; what is read below it stays where it is. */
function settle(img: HTMLImageElement, size: [number, number]): void {
  const box = img.closest(".timeline");
  const before = img.getBoundingClientRect();
  Object.assign(img.style, place(size));
  if (box && before.top < box.getBoundingClientRect().top) box.scrollTop += img.getBoundingClientRect().height - before.height;
}

function Picture({ file, onBroken }: { file: Attached; onBroken: () => void }) {
  const open = useSignal(false);
  const loaded = (img: HTMLImageElement) => {
    const size: [number, number] = [img.naturalWidth, img.naturalHeight];
    if (!size[0] || !size[1]) return;
    remember(file.id, size);
    settle(img, size);
  };
  return (
    <>
      <button type="button" class="picture" title={t("file_show", { name: file.name })} onClick={() => (open.value = true)}>
        <img
          src={file.url}
          alt={file.name}
          loading="lazy"
          decoding="async"
          style={place(sizes.get(file.id) ?? [WIDTH, HEIGHT])}
          onLoad={(e) => loaded(e.currentTarget)}
          onError={onBroken}
        />
      </button>
      {open.value && <Lightbox file={file} onClose={() => (open.value = false)} />}
    </>
  );
}

function Gone({ name }: { name: string }) {
  return (
    <div class="file gone">
      <Sheet name={name} gone />
      <span class="file-text">
        <FileName name={name} />
        <span class="file-sub">{t("file_gone")}</span>
      </span>
    </div>
  );
}

function Card({ file }: { file: Attached }) {
  return (
    <a
      class="file"
      href={`${file.url}?save=1`}
      download={file.name}
      title={file.expires_at ? t("file_until", { at: full(file.expires_at, locale.value) }) : undefined}
    >
      <Sheet name={file.name} />
      <span class="file-text">
        <FileName name={file.name} />
        <span class="file-sub">{sizeText(file.size, locale.value)}</span>
      </span>
      <span class="hidden">{t("file_get")}</span>
      <Icon name="down" size={16} />
    </a>
  );
}

function isOver({ url, expires_at }: Attached): boolean {
  return !url || Date.parse(expires_at) < Date.now();
}

export function FileCard({ file }: { file: Attached }) {
  const broken = useSignal<"no" | "asking" | "gone">("no");
  const ask = () => {
    broken.value = "asking";
    fetch(file.url, { method: "HEAD" }).then(
      (r) => r.status === 404 && (broken.value = "gone"),
      () => undefined,
    );
  };
  if (broken.value === "gone" || isOver(file)) return <Gone name={file.name} />;
  if (isPicture(file.type) && broken.value === "no") return <Picture file={file} onBroken={ask} />;
  return <Card file={file} />;
}
