// What a push service brings (docs/protocols/push.md), and how it is shown to whose browser this is.

import { isQuiet } from "../model/quiet";
import { mentions } from "../text/mentions";
import { preview } from "../text/preview";
import type { Memory } from "./memory";

const PREVIEW = 1000;
const WORDS: Memory["words"] = { app: "Dialtone", hidden: "New message", call: "{name} is calling", unnamed: "Group chat" };

interface Told {
  kind: string;
  user: string;
  chat: string;
  from: string;
  name: string;
  text: string | null;
}

/** null: it is nothing that is known here. */
export function readTold(data: string): Told | null {
  let o: unknown;
  try {
    o = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof o !== "object" || o === null) return null;
  const v = o as Record<string, unknown>;
  const text = (name: string) => (typeof v[name] === "string" ? (v[name] as string) : "");
  const told = { kind: text("kind"), user: text("user"), chat: text("chat"), from: text("from"), name: text("name") };
  return told.chat && told.from ? { ...told, text: typeof v.text === "string" ? v.text : null } : null;
}

export interface Notice {
  title: string;
  body: string;
  tag: string;
  silent: boolean;
}

/** How it is shown to whose browser this is; null: not at all. */
export function noticeOf(told: Told, memory: Memory | null, now: Date): Notice | null {
  if (memory && (memory.user !== told.user.toLowerCase() || !memory.notify)) return null;
  const words = memory?.words ?? WORDS;
  const group = told.chat !== told.from;
  const name = told.name || told.from;
  // In quiet hours it makes no noise. Browsers take the right to push from whoever shows nothing at all.
  const silent = memory !== null && isQuiet(memory, now);
  if (told.kind === "call") return { title: words.call.replace("{name}", name), body: "", tag: `call:${told.chat}`, silent };
  const meant = told.text !== null && mentions(told.text, memory?.name ?? "");
  if (memory?.muted.includes(told.chat) && !meant) return null;
  const said = told.text === null || memory?.notifyText === false ? words.hidden : preview(told.text, PREVIEW);
  const title = group ? (memory?.groups[told.chat] ?? words.unnamed) : name;
  return { title, body: group ? `${name}: ${said}` : said, tag: `chat:${told.chat}`, silent };
}
