// The page of a link to a file, for who had to sign in first: the download begins, or it is said why not.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import "../../i18n/more";
import { hrefOf } from "../../model/route";
import { Empty } from "../parts/Empty";
import { shortName } from "../../text/files";

const NAME_MAX = 60;

/** `path`: "ID/NAME", as it stands in an address. */
function read(path: string): { url: string; name: string } {
  const [id = "", escaped = ""] = path.split("/");
  let name = escaped;
  try {
    name = decodeURIComponent(escaped);
  } catch {
    // A broken escape stands for itself.
  }
  return { url: `/files/${encodeURIComponent(id)}/${encodeURIComponent(name)}`, name };
}

type Fate = "asking" | "there" | "gone" | "failed";

async function ask(url: string): Promise<Fate> {
  try {
    const answer = await fetch(url, { method: "HEAD", cache: "no-store", redirect: "manual" });
    return answer.ok ? "there" : answer.status === 404 ? "gone" : "failed";
  } catch {
    return "failed";
  }
}

export function Download({ path }: { path: string }) {
  const fate = useSignal<Fate>("asking");
  const link = useRef<HTMLAnchorElement>(null);
  const { url, name } = read(path);
  const short = shortName(name, NAME_MAX);
  const look = () => {
    fate.value = "asking";
    void ask(url).then((f) => (fate.value = f));
  };
  useEffect(look, [url]);
  useEffect(() => {
    if (fate.value === "there") link.current?.click();
  }, [fate.value]);
  const chats = <a class="button" href={hrefOf("chats")}>{t("file_chats")}</a>;
  switch (fate.value) {
    case "asking":
      return <Empty head icon="clock" title={short} text={t("file_asking")} />;
    case "there":
      return (
        <Empty head icon="down" title={short} text={t("file_begins")}>
          <p class="buttons">
            <a ref={link} class="button primary" href={`${url}?save=1`} download={name}>{t("file_download_named", { name: short })}</a>
            {chats}
          </p>
        </Empty>
      );
    case "gone":
      return <Empty head icon="trash" title={short} text={t("file_not_there")}>{chats}</Empty>;
    case "failed":
      return (
        <Empty head icon="cloud" title={short} text={t("file_unasked")}>
          <p class="buttons">
            <button type="button" class="button primary" onClick={look}>{t("retry")}</button>
            {chats}
          </p>
        </Empty>
      );
  }
}
