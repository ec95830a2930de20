// The installed program: it opens without a server, takes a new version at the next load, can be installed, and is
// told by push while no page is open.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { launch, LIMIT, open, signIn, until } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A test with a page of its own that has a service worker; whatever the page complained of fails it. */
function story(name, run) {
  test(name, LIMIT, async () => {
    const all = await open(browser, { serviceWorkers: "allow" });
    await run(all);
    assert.deepEqual(all.errors, []);
    await all.close();
  });
}

const cacheNames = (page) => page.evaluate(() => caches.keys());
const active = (page) => page.evaluate(async () => {
  const { active: worker } = await navigator.serviceWorker.ready;
  if (worker.state !== "activated") await new Promise((done) => worker.addEventListener("statechange", done, { once: true }));
});

/** There is nobody on the other side any more, or there is again. */
async function network({ mock, context }, there) {
  mock.gone = !there;
  if (!there) mock.cut();
  await context.setOffline(!there);
}

story("without a server the program opens, says so, and sends later what is written now", async (all) => {
  const { page, mock } = all;
  await signIn(page, "#/chats/bob%40example.test");
  await active(page);
  await network(all, false);
  await page.reload();
  await page.locator(".banner").waitFor();
  const composer = page.getByRole("textbox", { name: /Message to/ });
  await composer.fill("Written in a tunnel");
  await composer.press("Enter");
  // What is loaded late is there as well.
  await page.evaluate(() => (location.hash = "#/settings"));
  await page.getByRole("heading", { name: "Notifications" }).waitFor();
  await network(all, true);
  await page.locator(".banner").waitFor({ state: "detached" });
  await until(() => mock.asked.some((a) => a.op === "chat.send" && a.text === "Written in a tunnel"), "it is sent");
});

story("who has signed out finds nobody's page without a server", async (all) => {
  const { page } = all;
  await signIn(page);
  await active(page);
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User name").waitFor();
  await network(all, false);
  await page.reload();
  await page.getByText("The server does not answer").waitFor();
  assert.equal(await page.getByText("Alice Example").count(), 0);
});

story("nothing that the server says of anybody is kept", async ({ page, address }) => {
  await signIn(page, "#/settings/security");
  await page.getByRole("heading", { name: "Second factor" }).waitFor();
  await active(page);
  // Once more, with the worker in between.
  await page.reload();
  await page.getByRole("heading", { name: "Second factor" }).waitFor();
  const kept = await page.evaluate(async () => {
    const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return all.flat().map((r) => r.url);
  });
  assert.ok(kept.includes(`${address}/index.html`));
  assert.deepEqual(kept.filter((url) => !/\/(?:assets|icons)\/|\/(?:index\.html|favicon|manifest)/.test(url.slice(address.length))), []);
});

story("a new version comes with the next load; the old one's files go when no page shows it", async ({ page, mock, context, address }) => {
  await signIn(page);
  await active(page);
  const [old] = await cacheNames(page);
  const html = readFileSync("dist/index.html", "utf8");
  mock.pages["/index.html"] = html.replace("<html ", '<html data-version="next" ');
  mock.pages["/sw.js"] = readFileSync("dist/sw.js", "utf8").replaceAll(old.slice("shell-".length), "0123456789abcdef");
  await page.reload();
  await page.locator("html[data-version=next]").waitFor();
  await page.getByRole("navigation").waitFor();
  await until(async () => (await cacheNames(page)).includes("shell-0123456789abcdef"), "the new one's files are loaded");
  // A page of the old version that is open still finds its own.
  assert.ok((await cacheNames(page)).includes(old));
  await page.close();
  // A page that comes before the old worker has gone keeps it once more.
  await until(async () => {
    const next = await context.newPage();
    await next.goto(address);
    const names = await cacheNames(next);
    await next.close();
    return names.join() === "shell-0123456789abcdef";
  }, "the old one's files are gone");
});

story("a server that is being restarted is no reason for an error page", async ({ page, mock }) => {
  await signIn(page);
  await active(page);
  mock.status = 502;
  await page.reload();
  await page.getByRole("navigation").waitFor();
});

story("a browser may install it", async ({ page, context, address }) => {
  await active(page);
  const devtools = await context.newCDPSession(page);
  const { errors, data } = await devtools.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const manifest = JSON.parse(data);
  for (const icon of manifest.icons) {
    const answer = await page.request.get(address + icon.src);
    assert.equal(answer.headers()["content-type"], icon.type, icon.src);
    if (icon.type !== "image/png") continue;
    const png = await answer.body();
    assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, icon.sizes, icon.src);
  }
  for (const purpose of ["any", "maskable"])
    for (const size of ["192x192", "512x512"]) assert.ok(manifest.icons.some((i) => i.purpose === purpose && i.sizes === size));
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // The browser of a test keeps nothing, which is the only thing that it has against it.
  assert.deepEqual(installabilityErrors.map((e) => e.errorId).filter((id) => id !== "in-incognito"), []);
});

// Push: the browser has no push service here. The page is given one that is made up; what the worker does with what
// comes is the browser's own.

const BOB = "bob@example.test";
const ENDPOINT = "https://push.example.test/abc";

function fakeSubscriptions(endpoint) {
  const key = (bytes) => Uint8Array.from({ length: bytes }, (_, i) => i + 1).buffer;
  const read = () => JSON.parse(localStorage.getItem("test.subscription") ?? "null");
  const made = (options) => ({
    endpoint,
    options,
    getKey: (name) => key(name === "auth" ? 16 : 65),
    unsubscribe: async () => (localStorage.removeItem("test.subscription"), true),
  });
  PushManager.prototype.getSubscription = async () => {
    const kept = read();
    return kept && made({ applicationServerKey: Uint8Array.from(kept).buffer });
  };
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || globalThis.noPushService) throw new DOMException("no push service", "AbortError");
    localStorage.setItem("test.subscription", JSON.stringify([...applicationServerKey]));
    return made({ applicationServerKey: applicationServerKey.buffer });
  };
}

const pushSwitch = (page) => page.getByRole("checkbox", { name: "Notify me on this device when no page is open" });

/** Signed in, at the settings, and the browser lets it notify. */
async function atSettings({ page, context, address }, permissions = ["notifications"]) {
  await context.grantPermissions(permissions, { origin: address });
  await context.addInitScript(fakeSubscriptions, ENDPOINT);
  await page.reload();
  await signIn(page);
  await active(page);
  await page.evaluate(() => (location.hash = "#/settings"));
  await until(() => pushSwitch(page).isEnabled(), "the switch is found out");
}

story("the switch subscribes this browser, and takes it back", async (all) => {
  const { page, mock } = all;
  await atSettings(all);
  assert.equal(await pushSwitch(page).isChecked(), false);
  await pushSwitch(page).click();
  await until(() => pushSwitch(page).isChecked(), "it is on");
  assert.equal(mock.pushed.endpoint, ENDPOINT);
  assert.equal(Buffer.from(mock.pushed.p256dh, "base64url").length, 65);
  assert.equal(Buffer.from(mock.pushed.auth, "base64url").length, 16);
  await page.reload();
  await until(() => pushSwitch(page).isChecked(), "it is on still");
  await pushSwitch(page).click();
  await until(async () => !(await pushSwitch(page).isChecked()), "it is off");
  assert.equal(mock.pushed, null);
  assert.equal(await page.evaluate(() => localStorage.getItem("test.subscription")), null);
});

story("who cannot be told is told why", async (all) => {
  const { page, mock } = all;
  await atSettings(all);
  await page.evaluate(() => (globalThis.noPushService = true));
  await pushSwitch(page).click();
  await page.getByText("The push service of this browser cannot be reached").waitFor();
  assert.equal(await pushSwitch(page).isChecked(), false);
  mock.pushKey = null;
  await pushSwitch(page).click();
  await page.getByText("This server tells nothing while no page is open").waitFor();
  assert.equal(mock.pushed, null);
});

story("a subscription that the server has lost, or of another key, is made anew", async (all) => {
  const { page, mock } = all;
  await atSettings(all);
  await pushSwitch(page).click();
  await until(() => mock.pushed, "it is on");
  mock.pushed = null;
  await page.reload();
  await until(() => mock.pushed, "the server knows it again");
  mock.pushKey = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
  await page.reload();
  await until(() => page.evaluate(() => JSON.parse(localStorage.getItem("test.subscription"))?.[1] === 0x25), "it is of the new key");
});

story("nothing of it is left when the user signs out", async (all) => {
  const { page, mock } = all;
  await atSettings(all);
  await pushSwitch(page).click();
  await until(() => mock.pushed, "it is on");
  await until(async () => (await cacheNames(page)).includes("memory"), "the worker knows whose it is");
  await page.locator(".settings").getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User name").waitFor();
  await until(async () => !(await cacheNames(page)).includes("memory"), "the worker knows nobody");
  await until(() => page.evaluate(() => localStorage.getItem("test.subscription") === null), "the browser's end of it");
});

/** Delivers a push to the worker, as the browser does. */
async function worker(context, address) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const registrations = [];
  devtools.on("ServiceWorker.workerRegistrationUpdated", (e) => registrations.push(...e.registrations));
  await devtools.send("ServiceWorker.enable");
  await until(() => registrations.some((r) => r.scopeURL.startsWith(address) && !r.isDeleted), "the worker's registration");
  const { registrationId } = registrations.findLast((r) => r.scopeURL.startsWith(address));
  return {
    push: (told) => devtools.send("ServiceWorker.deliverPushMessage", { origin: address, registrationId, data: JSON.stringify(told) }),
    page,
  };
}

const notices = (page) => page.evaluate(async () => {
  const all = await (await navigator.serviceWorker.ready).getNotifications();
  return all.map(({ title, body, tag, silent }) => ({ title, body, tag, silent }));
});

story("with no page open it is shown, by its name in one's own language, and goes when the chat is read", async (all) => {
  const { page, context, address } = all;
  await atSettings(all);
  await page.getByLabel("Language").selectOption("de");
  await page.getByRole("checkbox", { name: "Mich auf diesem Gerät benachrichtigen" }).click();
  await until(async () => (await cacheNames(page)).includes("memory"), "the worker knows whose it is");
  const { push } = await worker(context, address);
  await page.goto("about:blank");
  await push({ kind: "message", user: "alice@example.test", chat: BOB, from: BOB, name: "Bob Marchetti", text: "Are you there?" });
  await push({ kind: "call", user: "alice@example.test", chat: "eve@example.test", from: "eve@example.test", name: "Eve" });
  await page.goto(`${address}/#/people`);
  await until(async () => (await notices(page)).length === 2, "both are shown");
  const shown = Object.fromEntries((await notices(page)).map((n) => [n.tag, n]));
  assert.deepEqual(shown[`chat:${BOB}`], { title: "Bob Marchetti", body: "Are you there?", tag: `chat:${BOB}`, silent: false });
  assert.match(shown["call:eve@example.test"].title, /Eve/);
  assert.doesNotMatch(shown["call:eve@example.test"].title, /calling|\{/);
  await page.evaluate((bob) => (location.hash = `#/chats/${encodeURIComponent(bob)}`), BOB);
  await until(async () => (await notices(page)).map((n) => n.tag).join() === "call:eve@example.test", "what is read is closed");
});

story("while a page is seen, the worker leaves it to that", async (all) => {
  const { page, context, address } = all;
  await atSettings(all);
  await pushSwitch(page).click();
  await until(async () => (await cacheNames(page)).includes("memory"), "the worker knows whose it is");
  const { push, page: other } = await worker(context, address);
  await page.bringToFront();
  await push({ kind: "message", user: "alice@example.test", chat: BOB, from: BOB, name: "Bob", text: "seen" });
  await page.goto("about:blank");
  await other.bringToFront();
  await push({ kind: "message", user: "alice@example.test", chat: "eve@example.test", from: "eve@example.test", name: "Eve", text: "not seen" });
  await page.goto(`${address}/#/people`);
  await until(async () => (await notices(page)).some((n) => n.body === "not seen"), "the later one is shown");
  assert.equal((await notices(page)).length, 1);
});
