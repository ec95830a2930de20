// The installed program: it opens without a server, takes a new version at the next load, and can be installed.

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
  const next = await context.newPage();
  await next.goto(address);
  await until(async () => (await cacheNames(next)).join() === "shell-0123456789abcdef", "the old one's files are gone");
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
