import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Notifier } from "../../src/model/notify";
import { isQuiet, type Prefs } from "../../src/model/prefs";
import type { Leader } from "../../src/model/tabs";

class FakeNotice {
  static permission = "granted";
  static shown: FakeNotice[] = [];
  onclick: (() => void) | null = null;
  closed = false;
  constructor(readonly title: string) {
    FakeNotice.shown.push(this);
  }
  close(): void {
    this.closed = true;
  }
}

function notifier(mine: boolean): Notifier {
  const prefs = signal<Prefs>({ theme: "auto", language: "auto", notify: true, notifyText: true, quiet: false, quietFrom: "22:00", quietTo: "07:00" });
  const leader = { mine: async () => mine } as unknown as Leader;
  return new Notifier(prefs, leader, (uri) => uri, () => "hidden", () => undefined, (name) => `sent ${name}`);
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe("the system's notice of a call", () => {
  beforeEach(() => {
    FakeNotice.shown = [];
    vi.stubGlobal("Notification", FakeNotice);
  });
  afterEach(() => void vi.unstubAllGlobals());

  it("is shown by the tab whose turn it is, and goes when nothing rings any more", async () => {
    const gone = notifier(true).call("bob@x", "Bob is calling", "available");
    notifier(false).call("bob@x", "Bob is calling", "available");
    await settle();
    expect(FakeNotice.shown.map((n) => n.title)).toEqual(["Bob is calling"]);
    gone();
    expect(FakeNotice.shown[0]?.closed).toBe(true);
  });

  it("does not come after the call has gone", async () => {
    notifier(true).call("bob@x", "Bob is calling", "available")();
    await settle();
    expect(FakeNotice.shown).toEqual([]);
  });

  it("leaves alone who does not want to be disturbed", async () => {
    notifier(true).call("bob@x", "Bob is calling", "do_not_disturb");
    await settle();
    expect(FakeNotice.shown).toEqual([]);
  });
});

describe("a message that comes", () => {
  const said = (text: string, more = {}) => ({ id: "1", chat: "bob@x", from: "bob@x", at: "", text, state: "delivered" as const, ...more });

  it("is told without the marks of its text, and with the name of a file as it is", async () => {
    vi.stubGlobal("document", { visibilityState: "visible" });
    const told = notifier(true);
    await told.message(said("> Alice: when?\n\nThe **page** is `live`"), "do_not_disturb");
    expect(told.toasts.value.map((toast) => toast.text)).toEqual(["The page is live"]);
    await told.message(said("", { file: { name: "__init__.py" } }), "do_not_disturb");
    expect(told.toasts.value.map((toast) => toast.text)).toEqual(["sent __init__.py"]);
    vi.unstubAllGlobals();
  });
});

describe("quiet hours", () => {
  const at = (hour: number, minute = 0) => new Date(2026, 10, 27, hour, minute);
  const prefs = { theme: "auto", language: "auto", notify: true, notifyText: true, quiet: true, quietFrom: "22:00", quietTo: "07:00" } as const;

  it("go over midnight, or not", () => {
    const quiet = [21, 22, 23, 0, 6, 7, 12].map((h) => isQuiet(prefs, at(h)));
    expect(quiet).toEqual([false, true, true, true, true, false, false]);
    const noon = { ...prefs, quietFrom: "12:00", quietTo: "13:30" };
    expect([at(11, 59), at(12), at(13, 29), at(13, 30)].map((d) => isQuiet(noon, d))).toEqual([false, true, true, false]);
    expect(isQuiet({ ...prefs, quiet: false }, at(23))).toBe(false);
    expect(isQuiet({ ...prefs, quietFrom: "08:00", quietTo: "08:00" }, at(8))).toBe(false);
  });
});
