// Telling the user about a message that is not looked at: in the page, by the system, in the title.

import { signal, type Signal } from "@preact/signals";

import type { Message, State } from "../net/wire";
import { preview } from "../text/preview";
import { isQuiet, type Prefs } from "./prefs";
import type { Leader } from "./tabs";

export interface Toast {
  key: string;
  uri: string;
  text: string;
}

export type Permission = "unsupported" | "default" | "granted" | "denied";

const TOASTS = 3;
const TOAST_MS = 7_000;
const PREVIEW = 140;

export class Notifier {
  readonly toasts = signal<Toast[]>([]);
  readonly permission: Signal<Permission>;

  constructor(
    private readonly prefs: Signal<Prefs>,
    private readonly leader: Leader,
    private readonly nameOf: (uri: string) => string,
    private readonly hidden: () => string,
    private readonly open: (uri: string) => void,
    /** What is said of a file that comes without a word. */
    private readonly sent: (name: string) => string,
  ) {
    this.permission = signal(typeof Notification === "undefined" ? "unsupported" : Notification.permission);
  }

  /** Only ever called from a button: browsers refuse, and people dislike, a question out of nowhere. */
  async ask(): Promise<void> {
    if (this.permission.value !== "unsupported") this.permission.value = await Notification.requestPermission();
  }

  async message(m: Message, own: State | undefined): Promise<void> {
    const group = m.chat !== m.from;
    const said = !m.text && m.file ? this.sent(m.file.name) : preview(m.text, PREVIEW);
    const text = group ? `${this.nameOf(m.from)}: ${said}` : said;
    if (document.visibilityState === "visible") this.toast({ key: m.id, uri: m.chat, text });
    if (!this.mayDisturb(own)) return;
    if (await this.leader.mine()) this.system(m, this.prefs.value.notifyText ? text : this.hidden());
  }

  /** Somebody calls, in `title`; what is returned takes the notice away. */
  call(uri: string, title: string, own: State | undefined): () => void {
    let over = false;
    let notice: Notification | null = null;
    const show = async () => {
      if (!this.mayDisturb(own)) return;
      if (!(await this.leader.mine()) || over) return;
      notice = new Notification(title, { tag: `call:${uri}`, icon: "/favicon.svg", requireInteraction: true });
      notice.onclick = () => window.focus();
    };
    void show();
    return () => {
      over = true;
      notice?.close();
    };
  }

  dismiss(key: string): void {
    this.toasts.value = this.toasts.value.filter((t) => t.key !== key);
  }

  dismissChat(uri: string): void {
    if (this.toasts.peek().some((t) => t.uri === uri)) this.toasts.value = this.toasts.peek().filter((t) => t.uri !== uri);
  }

  private mayDisturb(own: State | undefined): boolean {
    const prefs = this.prefs.value;
    return own !== "do_not_disturb" && prefs.notify && this.permission.value === "granted" && !isQuiet(prefs, new Date());
  }

  private toast(toast: Toast): void {
    this.toasts.value = [...this.toasts.value.filter((t) => t.uri !== toast.uri), toast].slice(-TOASTS);
    setTimeout(() => this.dismiss(toast.key), TOAST_MS);
  }

  private system(m: Message, body: string): void {
    const title = this.nameOf(m.chat);
    const options = { body, tag: `chat:${m.chat}`, icon: "/favicon.svg", data: { chat: m.chat } };
    try {
      const n = new Notification(title, options);
      n.onclick = () => {
        window.focus();
        this.open(m.chat);
        n.close();
      };
    } catch {
      // Telephones show those of a service worker alone.
      void navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
    }
  }
}

/** The number of what is unread in title and icon of the tab. */
export function showBadge(doc: Document, unread: number, name: string): void {
  doc.title = unread ? `(${unread > 99 ? "99+" : unread}) ${name}` : name;
  const icon = doc.getElementById("favicon");
  const href = unread ? "/favicon-unread.svg" : "/favicon.svg";
  if (icon && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}
