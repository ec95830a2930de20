// What only the eye sees: nothing is cut, covered or out of its place.

import assert from "node:assert/strict";

import { TEAM } from "../mock/data.mjs";
import { go, signIn } from "./browser.mjs";
import { stories } from "./story.mjs";

const story = stories();

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const GERMAN = { locale: "de-DE", prepare: (m) => void m.administrate() };

async function signInGerman(page) {
  await page.getByLabel("Benutzername").fill("alice");
  await page.getByLabel("Passwort", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Waits for so many toasts; which of `parts` they cover. It is looked at once, for toasts go by themselves. */
async function covered(page, n, parts) {
  const handle = await page.waitForFunction(
    ([wanted, names]) => {
      const toasts = [...document.querySelectorAll(".toast")].map((e) => e.getBoundingClientRect()).filter((r) => r.width > 0);
      if (toasts.length !== wanted) return null;
      const meet = (p, q) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
      return names.filter((name) => toasts.some((r) => meet(r, document.querySelector(name).getBoundingClientRect())));
    },
    [n, parts],
  );
  return handle.jsonValue();
}

async function railIsWhole(page) {
  await page.getByRole("link", { name: "Verwaltung" }).waitFor();
  const cut = await page.locator(".rail-name").evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent));
  assert.deepEqual(cut, []);
  const wide = await page.locator(".rail").evaluate((e) => e.scrollWidth > e.clientWidth);
  assert.equal(wide, false, "the rail has room for all");
}

for (const [where, options] of Object.entries({ "on a phone": PHONE, "at a desk": {} })) {
  story(`the names of the views are whole in German, ${where}`, { ...options, ...GERMAN }, async ({ page }) => {
    await signInGerman(page);
    await railIsWhole(page);
  });
}

story("lists and notices show words, not their marks", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats/chen%40example.test");
  const text = "The **new page** is on `staging`, _look_";
  mock.say("fatima", text);
  const words = "The new page is on staging, look";
  await page.locator(".toast").getByText(words, { exact: true }).waitFor();
  await page.getByRole("option", { name: /Fatima El-Amin/ }).getByText(words, { exact: true }).waitFor();
  await page.getByLabel("Search people and messages").fill("staging");
  await page.getByRole("radio", { name: "Messages" }).check();
  const hit = page.getByRole("list", { name: "Messages that were found" }).getByRole("button").first();
  await hit.getByText(words).waitFor();
});

story("a toast leaves free what one needs, on a phone", PHONE, async ({ page, mock }) => {
  await signIn(page, "#/people");
  await page.getByRole("treeitem").first().waitFor();
  for (const who of ["fatima", "kwame", "bob"]) mock.say(who, "Hello");
  assert.deepEqual(await covered(page, 3, [".list", ".rail"]), []);
  await go(page, "#/chats/chen%40example.test");
  await page.locator(".composer").waitFor();
  for (const who of ["fatima", "kwame", "bob"]) mock.say(who, "Hello again");
  assert.deepEqual(await covered(page, 1, [".view-head", ".composer"]), [], "the latest alone is above a chat");
});

story("a toast leaves the buttons of a chat free, and is in sight beside a call with video", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats/chen%40example.test");
  await page.locator(".view-head").waitFor();
  mock.say("fatima", "Hello");
  assert.deepEqual(await covered(page, 1, [".view-head", ".list", ".composer"]), []);
  // So little room for the main part leaves a call with a shared screen.
  await page.setViewportSize({ width: 1280, height: 100 });
  mock.say("kwame", "Hello");
  await page.waitForFunction(() => {
    const last = [...document.querySelectorAll(".toast")].at(-1)?.getBoundingClientRect();
    return last && last.top >= 0 && last.bottom <= innerHeight;
  });
});

story("the icon of a group is in the middle of its circle", {}, async ({ page }) => {
  await signIn(page, `#/chats/${encodeURIComponent(TEAM)}`);
  const head = page.locator(".view-head .avatar");
  await head.locator("svg").waitFor();
  const off = await head.evaluate((e) => {
    const [circle, icon] = [e.getBoundingClientRect(), e.querySelector("svg").getBoundingClientRect()];
    return Math.abs(circle.y + circle.height / 2 - icon.y - icon.height / 2);
  });
  assert.ok(off < 0.6, `${off} px`);
});

story("times are of one size in the lists of chats and of calls", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats");
  const size = (e) => [getComputedStyle(e).fontSize, getComputedStyle(e).color];
  const inChats = await page.locator(".list .line:not(.unread) time").first().evaluate(size);
  mock.call("incoming", { call: "call-1", with: "kwame@example.test", sdp: "m=audio 9" });
  await page.getByRole("alertdialog").waitFor();
  mock.call("ended", { call: "call-1", with: "kwame@example.test", reason: "cancelled" });
  await go(page, "#/calls");
  await page.locator(".list time").first().waitFor();
  assert.deepEqual(await page.locator(".list time").first().evaluate(size), inChats);
});
