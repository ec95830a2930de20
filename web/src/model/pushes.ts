// Being told while no page is open: this browser's subscription at its push service, and the server's knowledge of
// it. The service worker shows what comes (worker/push.ts); what it must know of the user is left for it here.

import { effect, signal } from "@preact/signals";

import { t } from "../i18n";
import * as own from "../net/own";
import { ApiError, codeOf } from "../net/wire";
import { forget, remember } from "../worker/memory";
import { PUSH, type Session } from "./app";
import { isConference } from "./conferences";
import type { Prefs } from "./prefs";
import { go } from "./route";

/** `server`: it tells nothing by push. `reached`: the browser's push service is not. */
export type Trouble = "server" | "denied" | "reached" | "failed";
export type Told = "unsupported" | "unknown" | "off" | "on";

export const told = signal<Told>("unknown");

/** iPhones and iPads have it for installed programs alone. */
function supported(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const raw = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

function text(buffer: ArrayBuffer | null): string {
  const raw = String.fromCharCode(...new Uint8Array(buffer ?? new ArrayBuffer(0)));
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function manager(): Promise<PushManager> {
  return (await navigator.serviceWorker.ready).pushManager;
}

/** One that was made for another key is of no use. */
async function subscription(key: string): Promise<PushSubscription> {
  const pushes = await manager();
  const old = await pushes.getSubscription();
  if (old && text(old.options.applicationServerKey) === key) return old;
  await old?.unsubscribe();
  return pushes.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

async function tell(key: string): Promise<void> {
  const s = await subscription(key);
  await own.subscribe(s.endpoint, text(s.getKey("p256dh")), text(s.getKey("auth")));
}

/** Finds out how it is with this browser. Without a certificate that it trusts it runs no service worker. */
export async function look(): Promise<void> {
  if (!supported() || !(await navigator.serviceWorker.getRegistration().catch(() => undefined))) return void (told.value = "unsupported");
  try {
    const here = Notification.permission === "granted" && (await (await manager()).getSubscription());
    told.value = here && (await own.push()).subscribed ? "on" : "off";
  } catch {
    told.value = "off";
  }
}

/** Only ever called from a button. null: it is on. */
export async function switchOn(session: Session): Promise<Trouble | null> {
  await session.notifier.ask();
  if (session.notifier.permission.value !== "granted") return "denied";
  try {
    const { key } = await own.push();
    if (!key) return "server";
    await tell(key);
  } catch (error) {
    if (error instanceof ApiError) return codeOf(error) === "no_push" ? "server" : "failed";
    return "reached";
  }
  localStorage.setItem(PUSH, session.user.peek().uri);
  told.value = "on";
  session.bePushed();
  return null;
}

/** The browser's own end of it; the server hears of it from the push service at the latest. */
export async function drop(): Promise<void> {
  localStorage.removeItem(PUSH);
  told.value = "off";
  if (!supported()) return;
  await forget();
  await (await (await manager()).getSubscription())?.unsubscribe();
}

export async function switchOff(): Promise<Trouble | null> {
  try {
    await own.unsubscribe();
  } catch (error) {
    if (codeOf(error) !== "not_found") return "failed";
  }
  await drop().catch(() => undefined);
  return null;
}

/** Subscriptions end by themselves too, and the server's key may be another one. */
async function renew(): Promise<void> {
  const { key, subscribed } = await own.push();
  const old = await (await manager()).getSubscription();
  const good = old && text(old.options.applicationServerKey) === key;
  if (key && Notification.permission === "granted" && !(good && subscribed)) await tell(key);
}

function memoryOf(session: Session, prefs: Prefs): string {
  const groups = session.chats.list.value.map((c) => c.uri).filter(isConference);
  const { notify, notifyText, quiet, quietFrom, quietTo } = prefs;
  return JSON.stringify({
    user: session.user.value.uri,
    name: session.user.value.name,
    notify, notifyText, quiet, quietFrom, quietTo,
    muted: Object.keys(session.muted.values.value),
    groups: Object.fromEntries(groups.map((uri) => [uri, session.people.nameOf(uri)])),
    words: { app: t("app"), hidden: t("set_notify_hidden"), call: t("call_incoming"), unnamed: t("gchat") },
  });
}

async function closeNotices(chat: string): Promise<void> {
  const worker = await navigator.serviceWorker.ready;
  for (const kind of ["chat", "call"]) for (const n of await worker.getNotifications({ tag: `${kind}:${chat}` })) n.close();
}

/** For as long as the session is there; returns how that ends. */
export function begin(session: Session): () => void {
  if (!supported()) return () => undefined;
  let last = "";
  const keep = () => {
    const memory = memoryOf(session, session.prefs.value);
    if (memory !== last) void remember(JSON.parse((last = memory))).catch(() => undefined);
  };
  const read = () => {
    const { view, uri } = session.route.value;
    if (view === "chats" && uri && document.visibilityState === "visible") void closeNotices(uri).catch(() => undefined);
  };
  const clicked = (e: MessageEvent) => {
    const chat: unknown = e.data?.chat;
    if (typeof chat === "string") go("chats", chat);
  };
  void renew().catch(() => undefined);
  navigator.serviceWorker.addEventListener("message", clicked);
  document.addEventListener("visibilitychange", read);
  const ends = [
    effect(keep),
    effect(read),
    () => navigator.serviceWorker.removeEventListener("message", clicked),
    () => document.removeEventListener("visibilitychange", read),
  ];
  return () => ends.forEach((end) => end());
}
