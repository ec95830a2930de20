// Where a message is written. What is written stays as the chat's draft until it is sent.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../../i18n";
import { isConference } from "../../model/conferences";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { LIST, MentionList, useMentions } from "./Mentions";

const ChangeBar = lazy(async () => (await import("../changes/ChangeBar")).ChangeBar, true);
const TrayList = lazy(async () => (await import("../files/Tray")).TrayList, true);
const Clip = lazy(async () => (await import("../files/Tray")).Clip, true);

const encoder = new TextEncoder();
/** On a device without a keyboard, Enter is for lines and the button sends. */
const touch = () => matchMedia("(pointer: coarse) and (hover: none)").matches;

/** The field is as high as its text, up to what the style sheet allows. */
function grow(el: HTMLTextAreaElement | null): void {
  if (!el) return;
  el.style.height = "auto";
  el.style.height = `${el.scrollHeight}px`;
}

export function Composer({ uri }: { uri: string }) {
  const { people, changes, chats, drafts, typing, limits, tray } = useSession();
  const text = useSignal(drafts.get(uri));
  const full = useSignal(false);
  const caret = useSignal(-1);
  const field = useRef<HTMLTextAreaElement>(null);
  const name = people.nameOf(uri);
  const words = text.value.trim();
  const over = encoder.encode(words).length - limits.value.message_bytes;
  const edit = changes.value?.editing(uri);
  const empty = !words && (edit ? !edit.entry.file : !tray.value?.waits(uri));

  const focus = () => field.current?.focus();

  useLayoutEffect(() => grow(field.current), [text.value]);
  // With the first picture and not after it: a key that follows at once must not lose its place.
  useLayoutEffect(() => {
    if (!touch()) field.current?.focus();
    return () => typing.stop();
  }, [uri]);

  const input = (value: string) => {
    text.value = value;
    full.value = false;
    if (edit) return;
    drafts.set(uri, value);
    typing.key(uri, value.trim() === "");
  };
  /** Another text than what was typed, with the caret there. */
  const put = (value: string, at: number) => {
    input(value);
    caret.value = at;
    const el = field.current;
    if (!el) return;
    el.value = value;
    el.focus();
    el.setSelectionRange(at, at);
  };
  const mentioning = useMentions(uri, text.value, caret, put);
  const open = mentioning.names.length > 0;
  // What is edited takes the place of the draft, which comes back after it.
  useLayoutEffect(() => {
    if (edit) put(edit.entry.text, edit.entry.text.length);
    else text.value = drafts.get(uri);
  }, [edit]);
  const answering = chats.chat(uri).answering;
  useLayoutEffect(() => {
    const begin = answering.value;
    if (!begin) return;
    answering.value = "";
    const rest = text.peek().replace(/^(?:>.*\n)+\n?/, "");
    put(begin + rest, begin.length + rest.length);
  }, [answering.value]);
  const send = () => {
    if (empty || over > 0) return;
    if (edit) return void changes.value?.save(words);
    if (!tray.value?.release(uri, words) && !chats.send(uri, words)) {
      full.value = true;
      return;
    }
    typing.stop(true);
    drafts.set(uri, "");
    text.value = "";
    caret.value = -1;
    focus();
  };
  const key = (e: KeyboardEvent) => {
    if (mentioning.key(e)) return;
    if (edit && e.key === "Escape") changes.value?.cancel();
    else if (e.key === "ArrowUp" && !text.peek() && !edit) [...document.querySelectorAll<HTMLElement>(".mine [data-act=e]")].pop()?.click();
    else return onEnter(e);
    e.preventDefault();
  };
  const onEnter = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || e.shiftKey || e.isComposing || touch()) return;
    e.preventDefault();
    send();
  };
  const back = (caption: string) => {
    input([caption, text.peek()].filter(Boolean).join("\n"));
    focus();
  };
  return (
    <>
      <ChangeBar uri={uri} />
      <TrayList uri={uri} onBack={back} />
      <form class="composer" onSubmit={(e) => { e.preventDefault(); send(); }}>
        {(over > 0 || full.value) && (
          <p class="form-error" role="alert">{full.value ? t("compose_full") : t("compose_long", { n: over })}</p>
        )}
        {open && <MentionList {...mentioning} />}
        <div class="composer-box">
          <Clip uri={uri} onTaken={focus} />
          <textarea
            ref={field}
            rows={1}
            dir="auto"
            aria-label={t("compose_label", { name })}
            aria-describedby="compose-help"
            placeholder={t("compose_hint")}
            value={text.value}
            aria-autocomplete={isConference(uri) ? "list" : undefined}
            aria-controls={open ? LIST : undefined}
            aria-activedescendant={open ? `${LIST}-${Math.min(mentioning.chosen.value, mentioning.names.length - 1)}` : undefined}
            onInput={(e) => {
              input(e.currentTarget.value);
              caret.value = e.currentTarget.selectionStart;
            }}
            onBlur={() => (caret.value = -1)}
            onKeyDown={key}
          />
          <button type="submit" class="send" aria-label={t(edit ? "save" : "compose_send")} disabled={empty || over > 0}>
            <Icon name={edit ? "check" : "send"} turn={!edit} />
          </button>
        </div>
        <p id="compose-help" class="composer-help">{t("compose_help")}</p>
      </form>
    </>
  );
}
