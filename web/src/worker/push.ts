// What a push service has brought is shown, unless a page is seen that shows it itself.

import { recall } from "./memory";
import { noticeOf, readTold } from "./notice";

declare const self: ServiceWorkerGlobalScope;

async function show(data: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const told = readTold(data);
  if (!told || windows.some((w) => w.visibilityState === "visible")) return;
  const notice = noticeOf(told, await recall(), new Date());
  if (!notice) return;
  const { title, ...rest } = notice;
  const more = { icon: "/icons/any-192.png", badge: "/icons/badge-96.png", data: { chat: told.chat }, renotify: !rest.silent };
  await self.registration.showNotification(title, { ...rest, ...more });
}

async function open(chat: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = windows.find((w) => new URL(w.url).pathname === "/");
  if (!page) return void (await self.clients.openWindow(`/#/chats/${encodeURIComponent(chat)}`));
  await page.focus();
  page.postMessage({ chat });
}

export function pushed(e: PushEvent): void {
  e.waitUntil(show(e.data?.text() ?? ""));
}

export function clicked(e: NotificationEvent): void {
  e.notification.close();
  const { chat } = (e.notification.data ?? {}) as { chat?: unknown };
  if (typeof chat === "string") e.waitUntil(open(chat));
}
