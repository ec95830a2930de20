// Files as people name them: sizes, names that are cut, kinds.

const KILO = 1024;
const UNITS = ["B", "kB", "MB", "GB"];

/** As the server writes it for other clients: in steps of 1024, with one digit behind the point below ten. */
export function sizeText(bytes: number, locale: string): string {
  let n = bytes;
  let unit = 0;
  for (; Math.round(n) >= KILO && unit < UNITS.length - 1; unit++) n /= KILO;
  const digits = unit > 0 && n < 9.95 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(n)}\u00a0${UNITS[unit]}`;
}

/** Letters of the end that stay, so that what tells files apart, and the extension, is seen. */
const TAIL = 12;

/** A long name without its middle; `max` letters are shown. */
export function shortName(name: string, max: number): string {
  const letters = [...name];
  if (letters.length <= max) return name;
  return `${letters.slice(0, max - TAIL - 1).join("")}…${letters.slice(-TAIL).join("")}`;
}

export type Kind = "picture" | "sound" | "film" | "text" | "table" | "slides" | "archive" | "code" | "other";

const KINDS: Partial<Record<Kind, string>> = {
  picture: "png jpg jpeg gif webp svg bmp tif tiff heic avif ico",
  sound: "mp3 wav ogg oga opus flac m4a aac wma",
  film: "mp4 mkv webm mov avi mpg mpeg m4v wmv",
  text: "pdf txt md rtf doc docx odt pages tex log epub",
  table: "xls xlsx ods csv tsv numbers",
  slides: "ppt pptx odp key",
  archive: "zip tar gz tgz bz2 xz zst 7z rar iso deb rpm",
  code: "c h cpp hpp py js ts tsx java go rs rb php sh sql html css json xml yml yaml toml ini conf patch diff",
};

/** Without the point, in small letters; empty if there is none, or none that could be one. */
export function extension(name: string): string {
  return (/[^.]\.([a-z0-9]{1,5})$/i.exec(name)?.[1] ?? "").toLowerCase();
}

export function kindOf(name: string): Kind {
  const ext = extension(name);
  const found = (Object.keys(KINDS) as Kind[]).find((k) => KINDS[k]?.split(" ").includes(ext));
  return found ?? "other";
}

/** What browsers show in a page; the server says so by the content and not by the name. */
export function isPicture(type: string): boolean {
  return /^image\/(png|jpeg|gif|webp)$/.test(type);
}

/** Pictures from the clipboard have no names of their own: browsers call all of them "image.png". */
export function pastedName(name: string, now: Date): string {
  const ext = /^image\.(\w+)$/.exec(name)?.[1];
  if (!ext) return name;
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `picture-${day}-${two(now.getHours())}${two(now.getMinutes())}.${ext}`;
}
