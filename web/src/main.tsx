// Builds the program: what the browser keeps, this tab's identity, the language, and the face.

import "./style/index.css";

import { effect } from "@preact/signals";
import { render } from "preact";

import { choose, direction, locale, setLanguage, t } from "./i18n";
import { App } from "./model/app";
import { showBadge } from "./model/notify";
import { loadPrefs } from "./model/prefs";
import { watchRoute } from "./model/route";
import { Leader, tabIdentity } from "./model/tabs";
import { Root } from "./ui/Root";

async function main(): Promise<void> {
  const prefs = loadPrefs(localStorage);
  const root = document.documentElement;
  effect(() => void (root.dataset.theme = prefs.value.theme));
  await setLanguage(choose(prefs.peek().language, navigator.languages), navigator.languages);
  effect(() => void setLanguage(choose(prefs.value.language, navigator.languages), navigator.languages));
  effect(() => {
    root.lang = locale.value;
    root.dir = direction.value;
  });

  const leader = new Leader(navigator.locks);
  leader.watch(document);
  const tab = await tabIdentity(sessionStorage, navigator.locks);
  const words = {
    hidden: () => t("set_notify_hidden"),
    unnamed: () => t("gchat"),
    rings: (name: string) => t("call_incoming", { name }),
    sent: (name: string) => t("chat_sent_file", { name }),
  };
  const app = new App({ tab, route: watchRoute(window), prefs, leader, words });
  effect(() => showBadge(document, app.session.value?.chats.unread.value ?? 0, t("app")));
  render(<Root page={{ app, prefs }} />, document.getElementById("app") as HTMLElement);
  await app.begin();
  // Nothing waits for it, and where it may not be (a certificate that was let pass by hand) all goes on without.
  if (import.meta.env.PROD) void navigator.serviceWorker?.register("/sw.js").catch(() => undefined);
}

void main();
