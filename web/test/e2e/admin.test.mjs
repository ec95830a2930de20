// The administration pages, in a real browser against the mock: what administrators do, and axe-core on every view.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { AXE, check, LOOKS } from "./axe.mjs";
import { go, launch, LIMIT, open, signIn, until } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const administrator = (m) => void m.administrate();
const asked = (mock, command) => mock.admin.asked.filter((a) => a.command === command);

/** A test with a page of its own; whatever the page complained of fails it. */
function story(name, run, options = {}) {
  test(name, LIMIT, async () => {
    const all = await open(browser, { prepare: administrator, ...options });
    await signIn(all.page, "#/admin");
    await run(all);
    assert.deepEqual(all.errors, []);
    await all.close();
  });
}

async function prove(page) {
  await page.getByRole("dialog").getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

test("who is no administrator has no entry, and finds nothing by the address", LIMIT, async () => {
  const { page, mock, close } = await open(browser);
  await signIn(page);
  assert.equal(await page.getByRole("link", { name: "Admin" }).count(), 0);
  await go(page, "#/admin/users");
  await page.getByText("You are no administrator").waitFor();
  assert.equal(mock.admin, null);
  await close();
});

story("the server is shown, and shown again when it changes", async ({ page, mock }) => {
  await page.getByRole("link", { name: "Admin", exact: true }).click();
  await page.getByText("3 of 3").waitFor();
  await page.getByRole("row", { name: /frontend\/1/ }).getByText("running").waitFor();
  mock.admin.down = true;
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.getByText("2 of 3").waitFor();
  await page.getByRole("row", { name: /frontend\/1/ }).getByText("down").waitFor(); // by itself
});

story("a user is found, made, changed, disabled and removed", async ({ page, mock }) => {
  await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Users" }).click();
  await page.getByLabel("Part of a name, address, number or department").fill("marchetti");
  await page.getByRole("link", { name: /Bob Marchetti/ }).waitFor();
  await page.getByRole("link", { name: /Alice Example/ }).waitFor({ state: "detached" });

  await page.getByRole("link", { name: "New user" }).click();
  await page.getByLabel("User name or address").fill("dora");
  await page.getByLabel("Name", { exact: true }).fill("Dora Example");
  await page.getByRole("button", { name: "Make user" }).click();
  await prove(page);
  await page.getByText("q7w2e9r4t5y6").waitFor();
  assert.deepEqual(asked(mock, "user add").at(-1).args, { user: "dora", name: "Dora Example", generate: true });

  await page.getByRole("link", { name: "Open" }).click();
  await page.getByLabel("Telephone number").fill("12");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("E.164").waitFor();
  await page.getByLabel("Telephone number").fill("+4930555");
  await page.getByLabel("Telephone number").fill("+49305551234");
  await page.getByRole("button", { name: "Save" }).click();
  await until(() => mock.admin.find("dora").phone === "+49305551234", "the number is saved");
  assert.deepEqual(asked(mock, "user set").at(-1).args, { user: "dora@example.test", phone: "+49305551234" });

  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await page.getByText("Disabled", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByText("Disabled", { exact: true }).waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Remove for good" }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: "Remove for good" });
  assert.equal(await sure.isDisabled(), true, "not before its name is typed");
  await page.getByLabel(/To be sure/).fill("dora@example.test");
  await sure.click();
  await page.getByLabel("Part of a name, address, number or department").waitFor();
  assert.equal(mock.admin.users.some((u) => u.user.startsWith("dora@")), false);
});

story("a password is set: one that is made, and one that is typed", async ({ page, mock }) => {
  mock.proved = true;
  await go(page, "#/admin/users%2Fbob%40example.test");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByText("q7w2e9r4t5y6").waitFor();
  await page.getByRole("radio", { name: "Type one" }).check();
  await page.getByLabel("New password").fill("short");
  assert.equal(await page.getByRole("button", { name: "Set the password" }).isDisabled(), true);
  await page.getByLabel("New password").fill("long enough 7");
  await page.getByRole("button", { name: "Set the password" }).click();
  await until(() => asked(mock, "user passwd").length === 2, "the password is sent");
  assert.deepEqual(asked(mock, "user passwd").at(-1).args, { user: "bob@example.test", password: "long enough 7" });
  await page.getByText("q7w2e9r4t5y6").waitFor({ state: "detached" });
});

story("one's own account cannot be locked by oneself", async ({ page }) => {
  await go(page, "#/admin/users%2Falice%40example.test");
  await page.getByText("This is your own account").waitFor();
  for (const name of ["Disable", "Remove for good", "Take the administration away"])
    assert.equal(await page.getByRole("button", { name }).isDisabled(), true, name);
});

story("a device is signed off, and is gone from the list", async ({ page, mock }) => {
  mock.proved = true;
  await go(page, "#/admin/connections");
  await page.getByRole("row", { name: /Linphone/ }).getByRole("button", { name: /Sign off/ }).click();
  await page.getByRole("row", { name: /Linphone/ }).waitFor({ state: "detached" });
  assert.deepEqual(asked(mock, "endpoint kick")[0].args, { user: "bob@example.test", endpoint: "00000000000000b1" });
});

story("certificates say how long they last, in words", async ({ page }) => {
  await go(page, "#/admin/certificates");
  await page.getByRole("row", { name: /edge-av-p256/ }).getByText("Expired").waitFor();
  await page.getByRole("row", { name: /frontend-p256/ }).getByText(/1[12] more days/).waitFor();
  const files = await page.getByRole("group", { name: "Certificates" }).locator("tbody strong").allTextContents();
  assert.equal(files[0], "edge-av-p256.crt", "what ends first stands first");
});

story("a table of users is checked, then imported, line by line", async ({ page, mock }) => {
  mock.proved = true;
  await go(page, "#/admin/import");
  const people = Array.from({ length: 400 }, (_, i) => `person${i},"Person, number ${i}"`);
  const buffer = Buffer.from(["user,name", "bob,There already", ...people].join("\n"));
  await page.getByLabel("File", { exact: true }).setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer });
  await page.getByText("401 users in the table").waitFor();
  await page.getByRole("cell", { name: "Person, number 3", exact: true }).waitFor();
  await page.getByRole("button", { name: "Only check" }).click();
  await page.getByText("In order: 400. Failed: 1.").waitFor();
  assert.equal(mock.admin.users.some((u) => u.user.startsWith("person")), false, "a check makes nobody");
  await page.getByRole("button", { name: "Make the users" }).click();
  await page.getByText("These passwords are shown this once.").waitFor();
  await page.getByText("In order: 400. Failed: 1.").waitFor();
  await page.getByText("There is a user bob already.").waitFor();
  assert.equal(mock.admin.users.filter((u) => u.user.startsWith("person")).length, 400);
  const parts = asked(mock, "user import");
  assert.ok(parts.length > 4 && parts.every((p) => JSON.stringify(p.args).length < 15_000), "in parts that the server takes");
});

story("SIP is traced until it is stopped, and a route is explained", async ({ page, mock }) => {
  await go(page, "#/admin/trace");
  await page.getByLabel("Only messages of this user").fill("bob");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByText("Waiting for messages…").waitFor();
  await until(() => mock.admin.tracers.size === 1, "the trace begins");
  assert.deepEqual(asked(mock, "trace")[0].args, { user: "bob" });
  mock.admin.pass("INVITE sip:bob@example.test SIP/2.0\r\nFrom: <sip:alice@example.test>\r\n\r\n");
  await page.getByText("INVITE sip:bob@example.test SIP/2.0").first().click();
  await page.getByText("From: <sip:alice@example.test>").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await until(() => mock.admin.tracers.size === 0, "the trace ends");
  await page.getByRole("button", { name: "Begin" }).click();
  await until(() => mock.admin.tracers.size === 1, "it begins again");
  await go(page, "#/admin/users");
  await until(() => mock.admin.tracers.size === 0, "it ends with the page");
  await go(page, "#/admin/trace");
  await page.getByLabel("Who calls").fill("alice");
  await page.getByLabel("Whom").fill("nobody");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("There is no user").waitFor();
  await page.getByLabel("Whom").fill("bob");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("reachable: all endpoints above ring at once").waitFor();
});

story("the log goes on by itself, each line once", async ({ page, mock }) => {
  await go(page, "#/admin/log");
  await page.getByText("event=ready processes=3").waitFor();
  mock.admin.lines.push({ number: 2, time: new Date().toISOString(), level: "error", who: "web/1", text: "event=not-started" });
  await page.getByText("event=not-started").waitFor();
  assert.equal(await page.getByText("event=ready processes=3").count(), 1);
  await page.getByLabel("Importance").selectOption("error");
  await page.getByText("event=ready processes=3").waitFor({ state: "detached" });
  await page.getByText("event=not-started").waitFor();
});

story("metrics become lines, counters become rates", async ({ page }) => {
  await go(page, "#/admin/metrics");
  const figure = page.getByRole("figure").filter({ hasText: "dialtone_web_requests_total" });
  await figure.getByText("Waiting for the second value…").waitFor();
  await figure.getByText(/a second/).first().waitFor();
  const gauge = page.getByRole("figure").filter({ hasText: "dialtone_web_sessions" });
  await gauge.getByRole("img", { name: /12 at last/ }).waitFor();
  await gauge.getByText("As a table").click();
  await gauge.getByRole("cell", { name: "12" }).first().waitFor();
});

story("what was done can be read, without passwords", async ({ page, mock }) => {
  mock.proved = true;
  mock.admin.give({ command: "user passwd", args: { user: "bob", password: "nobody sees it" } }, true);
  await go(page, "#/admin/audit");
  await page.getByRole("row", { name: /user passwd/ }).getByText("user: bob, password: ***").waitFor();
  assert.equal(await page.getByText("nobody sees it").count(), 0);
});

story("a right that has ended, and a server that fails, are told", async ({ page, mock }) => {
  await go(page, "#/admin/config");
  await page.getByText("Settings in force").waitFor();
  mock.admin = null;
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.getByText("You may not do this, or not any more.").first().waitFor();
  mock.down = true;
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.getByText("There is no connection.").first().waitFor();
});

story("in German, and on a phone from the list to a page and back", async ({ page }) => {
  await go(page, "#/settings");
  await page.locator("#language").selectOption("de");
  await go(page, "#/admin");
  await page.getByRole("heading", { name: "Verwaltung dieses Servers" }).waitFor();
  await page.getByRole("link", { name: "Zertifikate" }).click();
  await page.getByText("Abgelaufen").waitFor();
  await page.getByRole("link", { name: "Zurück" }).click();
  await page.getByRole("link", { name: "Benutzer", exact: true }).waitFor();
}, { viewport: { width: 390, height: 844 } });

const VIEWS = [
  ["users", async (page) => page.getByRole("link", { name: /Bob Marchetti/ }).waitFor()],
  ["users%2Fbob%40example.test", async (page) => page.getByText("desk phone").or(page.getByText("Firefox")).first().waitFor()],
  ["new-user", async (page) => page.getByLabel("User name or address").waitFor()],
  ["health", async (page) => page.getByRole("row", { name: /frontend\/1/ }).waitFor()],
  ["connections", async (page) => page.getByRole("row", { name: /Linphone/ }).waitFor()],
  ["checks", async (page) => page.getByText("_sips._tcp").waitFor()],
  ["certificates", async (page) => page.getByText("has ended").waitFor()],
  ["import", async (page) => page.getByLabel("File", { exact: true }).waitFor()],
  ["trace", async (page) => page.getByLabel("Who calls").waitFor()],
  ["log", async (page) => page.getByText("event=ready").waitFor()],
  ["metrics", async (page) => page.getByRole("img", { name: /at last/ }).first().waitFor()],
  ["config", async (page) => page.getByText("topology.conf:12").waitFor()],
  ["audit", async (page) => page.getByRole("row").nth(1).waitFor()],
];

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every view, ${look}`, LIMIT, async () => {
    const { page, mock, context, errors, address, close } = await open(browser, { prepare: administrator, reducedMotion: "reduce", ...options });
    await context.addInitScript({ path: AXE });
    await page.goto(address);
    await signIn(page, "#/admin");
    await page.getByRole("link", { name: "Certificates" }).waitFor();
    await check(page, "the list of the pages");
    mock.admin.down = true;
    for (const [view, there] of VIEWS) {
      await go(page, `#/admin/${view}`);
      await there(page);
      await check(page, view);
    }
    await go(page, "#/admin/trace");
    await page.getByRole("button", { name: "Begin" }).click();
    await until(() => mock.admin.tracers.size === 1, "the trace begins");
    mock.admin.pass("INVITE sip:bob@example.test SIP/2.0\r\n\r\n");
    await page.getByText("INVITE sip:bob").first().click();
    await check(page, "a message that was traced");
    await go(page, "#/admin/users%2Fbob%40example.test");
    await page.getByRole("button", { name: "Remove for good" }).click();
    await page.getByRole("dialog").waitFor();
    await check(page, "removing a user");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByRole("dialog").waitFor();
    await check(page, "the password again");
    await prove(page);
    await page.getByText("q7w2e9r4t5y6").waitFor();
    await check(page, "a password that was made");
    assert.deepEqual(errors, []);
    await close();
  });
}
