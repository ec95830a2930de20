// axe-core on every view, light and dark and on a phone: not one violation of WCAG 2.2 A and AA and of
// the best practices.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TEAM } from "../mock/data.mjs";
import { picture } from "../mock/picture.mjs";
import { AXE, check, LOOKS } from "./axe.mjs";
import { answerCall, brought, choose, go, launch, LIMIT, open, otherShares, signIn } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function signInPages(page, mock) {
  await page.getByLabel("User name").waitFor();
  await check(page, "sign-in");
  Object.assign(mock, { oidc: "Company", oidcTrouble: "failed" });
  await page.reload();
  await page.getByRole("link", { name: "Sign in with Company" }).click();
  await page.getByText("could not be reached").waitFor();
  await page.getByRole("link", { name: "Sign in with Company" }).waitFor();
  await check(page, "sign-in with another way");
  for (let i = 0; i < 3; i++) {
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password", { exact: true }).fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("is not right").waitFor();
  }
  await check(page, "sign-in, wrong");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Too many attempts").waitFor();
  await check(page, "sign-in, locked out");
}

async function chats(page, mock) {
  await page.getByRole("option").first().waitFor();
  mock.say("fatima", "Hello");
  await page.getByRole("button", { name: "Dismiss" }).waitFor();
  await check(page, "chats with a toast");
  await go(page, "#/chats/bob%40example.test");
  await page.getByText("Could you try it now?").last().waitFor();
  mock.typing("bob");
  await page.getByText("Bob Marchetti writes").waitFor();
  await check(page, "chat");
  await page.getByRole("button", { name: "Details of Bob Marchetti" }).click();
  await page.getByRole("complementary").waitFor();
  await check(page, "chat with details");
  await page.getByRole("button", { name: "Close details" }).click();
}

async function meant(page, mock) {
  await go(page, `#/chats/${encodeURIComponent(TEAM)}`);
  await page.getByText("5 members").waitFor();
  mock.sayIn(TEAM, "bob", "> Alice Example: when?\n\n@Alice Example, ask @Chen Wei");
  await page.locator(".mention").first().waitFor();
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
  await check(page, "a mention, and a message with its buttons");
  const field = page.getByRole("textbox", { name: /Message to/ });
  await field.pressSequentially("@");
  await page.getByRole("listbox", { name: "Who is meant" }).waitFor();
  await check(page, "who is meant");
  await field.fill("");
}

async function files(page, mock) {
  await go(page, "#/chats/bob%40example.test");
  const gone = { id: "gone", chat: "bob@example.test", from: "bob@example.test", at: new Date().toISOString(), text: "", state: "delivered" };
  mock.event("message", { message: { ...gone, file: { gone: true, name: "offer.pdf" } } });
  const kinds = ["odt", "ods", "odp", "mp3", "mkv", "png", "zip", "c", "exe"];
  for (const kind of kinds) mock.sayFile("bob", `notes.${kind}`, Buffer.alloc(48_211));
  mock.sayFile("bob", "rack.png", picture(600, 400), { type: "image/png", text: "Look" });
  await page.locator(".picture img").evaluate((i) => i.decode());
  await page.locator(".file").nth(kinds.length).waitFor();
  await check(page, "files in a chat");
  const rest = mock.holdFiles();
  mock.insteadOfFile = ({ name }) => (name.endsWith(".exe") ? { status: 503, error: "not_scanned" } : null);
  const zip = (name) => ({ name, mimeType: "application/zip", buffer: Buffer.alloc(4_900_000) });
  await choose(page, zip("a.exe"), zip("b.zip"), zip("c.zip"), zip("d.zip"));
  await page.getByText("waits for the others").first().waitFor();
  await page.getByRole("progressbar").first().waitFor();
  await check(page, "files on their way");
  await brought(page, "dragenter", [{ name: "x", mime: "", text: "x" }]);
  await page.locator(".drop").waitFor();
  await check(page, "files are held over the chat");
  await page.evaluate(() => dispatchEvent(new DragEvent("dragleave")));
  rest();
  await page.getByText("The virus scanner does not answer").waitFor();
  await page.getByText("ready").nth(2).waitFor();
  await check(page, "a tray with one that failed");
  const out = page.getByRole("button", { name: /^Take .* out$/ });
  for (let n = await out.count(); n > 0; n--) await out.first().click();
  mock.insteadOfFile = null;
  await page.getByRole("button", { name: "rack.png" }).click();
  await page.getByRole("dialog").waitFor();
  await check(page, "a picture, large");
  await page.keyboard.press("Escape");
  await go(page, "#/files/none/plan.pdf");
  await page.getByText("There is no such file").waitFor();
  await check(page, "a link to a file that is gone");
  await go(page, `#${mock.keep("bob@example.test", "plan.pdf", Buffer.alloc(9)).url}`);
  await page.getByText("The download begins").waitFor();
  await check(page, "a link to a file");
}

async function changes(page, mock) {
  await go(page, "#/chats/fatima%40example.test");
  mock.unseen = true;
  const field = page.getByRole("textbox", { name: /Message to/ });
  await field.fill("Nearly right");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Delivered", { exact: true }).waitFor();
  const { id } = mock.messages.at(-1);
  mock.change(id, "edit", { text: "Quite right" });
  for (const [user, emoji] of [["fatima", "👍"], ["alice", "👍"], ["fatima", "❤️"]]) mock.change(id, "react", { user, emoji });
  mock.change(mock.say("fatima", "wrong window").id, "delete", { user: "fatima" });
  await page.locator(".bubble").getByText("This message was deleted").waitFor();
  const message = page.locator(".msg", { hasText: "Quite right" });
  await message.locator(".reaction").nth(1).waitFor();
  await message.focus();
  await check(page, "messages that were changed");
  await page.keyboard.press("a");
  const picker = page.getByRole("dialog", { name: "React" });
  await picker.getByLabel("Another emoji").fill("x");
  await page.keyboard.press("Enter");
  await page.getByText("Write one emoji").waitFor();
  await check(page, "choosing a reaction");
  await picker.getByRole("button", { name: "🎉" }).click();
  await page.getByText("do not show reactions").waitFor();
  await message.focus();
  await page.keyboard.press("e");
  await page.locator(".change-edit").waitFor();
  await check(page, "a message is edited");
  await page.keyboard.press("Escape");
  await message.focus();
  await page.keyboard.press("d");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await check(page, "a message is to be deleted");
  await page.keyboard.press("Escape");
  mock.unseen = false;
}

async function searched(page) {
  const field = page.getByLabel("Search people and messages");
  await field.fill("the");
  await page.getByRole("radio", { name: "Messages" }).check();
  await page.getByRole("list", { name: "Messages that were found" }).getByRole("button").first().waitFor();
  await check(page, "messages found");
  await field.fill("xyzzy");
  await page.getByText("No message with").waitFor();
  await check(page, "no message found");
  await field.fill("");
}

async function people(page) {
  await go(page, "#/people");
  await page.getByRole("treeitem").first().waitFor();
  await check(page, "people");
  await go(page, "#/people/chen%40example.test");
  await page.getByRole("article").waitFor();
  await check(page, "card");
  await page.getByRole("button", { name: "Remove from contacts" }).click();
  await page.getByRole("dialog").waitFor();
  await check(page, "remove a contact");
  await page.keyboard.press("Escape");
  await go(page, "#/people");
  const field = page.getByLabel("Search people").first();
  await field.fill("mar");
  await page.getByText("Marta Lindqvist").waitFor();
  await check(page, "search");
  await field.fill("xyzzy");
  await page.getByText("Nobody found").waitFor();
  await check(page, "search without result");
  await field.fill("");
}

async function overlays(page) {
  await page.getByRole("button", { name: "Manage groups" }).click();
  await page.getByRole("dialog").waitFor();
  await check(page, "groups");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("dialog").waitFor();
  await check(page, "own state");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("ma");
  await page.getByRole("option").nth(1).waitFor();
  await check(page, "switcher");
  await page.keyboard.press("Escape");
  await go(page, "#/settings");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await check(page, "settings");
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByText("This browser", { exact: true }).waitFor();
  await check(page, "security");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByLabel("Current password").fill("secret");
  await page.getByLabel("New password", { exact: true }).fill("short");
  await page.getByLabel("New password again").fill("short");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByText("This one is too easy to guess").waitFor();
  await check(page, "a password that will not do");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByRole("dialog").waitFor();
  await check(page, "the password again");
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("img", { name: /QR code/ }).waitFor();
  await check(page, "the second factor begins");
  await page.getByLabel("The code that it shows now").fill("123456");
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("I have kept them").waitFor();
  await check(page, "recovery codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("It is on.").waitFor();
  await page.getByLabel("Name of a new phone").fill("Kitchen");
  await page.getByRole("button", { name: "Make a password" }).click();
  await page.getByText("The password of Kitchen").waitFor();
  await check(page, "security, all of it");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await check(page, "shortcuts");
  await page.keyboard.press("Escape");
}

async function calls(page, mock) {
  await go(page, "#/chats/bob%40example.test");
  mock.call("incoming", { call: "call-2", sdp: "m=video" });
  await page.getByRole("alertdialog").waitFor();
  await check(page, "a call rings");
  await page.getByRole("button", { name: "Decline with words" }).click();
  await page.getByRole("textbox", { name: "Your own words" }).waitFor();
  await check(page, "declining with words");
  await page.getByRole("button", { name: "Decline", exact: true }).click();
  await page.getByRole("button", { name: "Video call with Bob Marchetti" }).click();
  await answerCall(page, mock, false);
  await page.getByRole("button", { name: "Microphone and camera" }).click();
  await page.getByRole("group", { name: "Microphone and camera" }).waitFor();
  await page.getByRole("button", { name: /^Connection:/ }).click();
  await page.getByText("There and back").waitFor();
  await check(page, "a call with pictures");
  await page.getByRole("button", { name: /^Connection:/ }).click();
  await page.getByRole("button", { name: "Microphone and camera" }).click();
  await page.getByRole("button", { name: "Share screen" }).click();
  await page.getByText("You are sharing your screen").waitFor();
  await check(page, "one's own screen is shared");
  await page.getByRole("button", { name: "Stop sharing" }).click();
  await page.getByText("You are sharing your screen").waitFor({ state: "detached" });
  await otherShares(page, mock, false);
  await check(page, "the other side shares");
  await page.getByRole("button", { name: "Transfer", exact: true }).click();
  await page.getByRole("dialog").getByRole("combobox").fill("ma");
  await page.getByRole("dialog").getByRole("option").nth(1).waitFor();
  await check(page, "to whom a call is transferred");
  await page.keyboard.press("Escape");
  await go(page, "#/attendant");
  mock.call("incoming", { call: "call-7", with: "omar@example.test", sdp: "m=audio" });
  await page.getByRole("button", { name: "Answer Omar Haddad" }).waitFor();
  await check(page, "the switchboard");
  await page.getByRole("combobox", { name: "Find somebody" }).fill("ma");
  await page.getByRole("gridcell").filter({ hasText: "Marta Lindqvist" }).waitFor();
  await check(page, "somebody is found at the switchboard");
  await page.getByRole("button", { name: "Decline Omar Haddad" }).click();
  mock.instead["call.transfer"] = () => ({ error: { code: "not_possible", text: "", remedy: "" } });
  await page.getByRole("combobox", { name: "Find somebody" }).press("Enter");
  await page.getByRole("alert").getByText("cannot be transferred").waitFor();
  await check(page, "a transfer that does not work");
  await go(page, "#/chats/bob%40example.test");
  mock.call("ended", { reason: "lost" });
  await page.getByText("The connection to the call was lost.").first().waitFor();
  await check(page, "a call that ended");
  await go(page, "#/calls");
  await page.getByRole("listitem").first().waitFor();
  await check(page, "past calls");
  await go(page, "#/chats/bob%40example.test");
  await page.getByRole("log").getByText("Call, declined").waitFor();
  await check(page, "past calls in a chat");
  await go(page, "#/calls");
  await page.getByRole("button", { name: "Check devices" }).first().click();
  await page.getByText("Your microphone works.").waitFor();
  await page.getByRole("combobox", { name: "Microphone" }).waitFor();
  await check(page, "checking devices");
  await page.keyboard.press("Escape");
  // It goes by itself after a while.
  await page.locator(".call").waitFor({ state: "detached" });
}

async function groups(page, mock) {
  await go(page, `#/chats/${encodeURIComponent(TEAM)}`);
  await page.getByText("5 members").waitFor();
  await check(page, "group chat");
  await page.getByRole("button", { name: "Details of Hamburg roll-out" }).click();
  await page.getByRole("button", { name: "Remove Bob Marchetti" }).waitFor();
  await check(page, "group chat with details");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("button", { name: "Let Bob Marchetti lead the group" }).click();
  await page.getByRole("button", { name: "Leave group" }).click();
  await page.getByLabel("Find people to add").fill("ma");
  await page.getByRole("button", { name: /^Marta Lindqvist/ }).waitFor();
  await check(page, "group chat, everything open");
  await page.getByRole("button", { name: "Close details" }).click();
  await go(page, "#/chats");
  await page.getByRole("button", { name: "New group chat" }).click();
  await page.getByLabel("Find people to add").fill("ma");
  await page.getByRole("button", { name: /^Marta Lindqvist/ }).click();
  await check(page, "new group chat");
  await page.keyboard.press("Escape");
  await go(page, `#/chats/${encodeURIComponent(TEAM)}`);
  mock.conferences.get(TEAM).people = [];
  mock.tellConference(TEAM);
  await page.getByText("You are not in this group.").waitFor();
  await check(page, "a group chat that one is not in");
}

async function trouble(page, mock) {
  await go(page, "#/chats/chen%40example.test");
  const field = page.getByRole("textbox", { name: /Message to/ });
  mock.instead["chat.send"] = () => ({ error: { code: "blocked", text: "", remedy: "" } });
  await field.fill("Hello");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Not sent").waitFor();
  mock.cut(true);
  await page.getByRole("button", { name: "Try now" }).waitFor();
  await field.fill("Later");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Sent when the connection").waitFor();
  await check(page, "offline, with a failed and a queued message");
  mock.refuseSockets = false;
  await page.getByRole("button", { name: "Try now" }).waitFor({ state: "detached" });
  mock.end(4002);
  await page.getByText("open in another place").waitFor();
  await check(page, "replaced");
}

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every view, ${look}`, LIMIT, async () => {
    const { page, mock, context, errors, address, close } = await open(browser, { reducedMotion: "reduce", ...options });
    await context.addInitScript({ path: AXE });
    await page.goto(address);
    await signInPages(page, mock);
    mock.locked = 0;
    await page.reload();
    await signIn(page);
    await chats(page, mock);
    await meant(page, mock);
    await files(page, mock);
    await changes(page, mock);
    await go(page, "#/chats");
    await searched(page);
    await people(page);
    await overlays(page);
    await calls(page, mock);
    await groups(page, mock);
    await trouble(page, mock);
    assert.deepEqual(errors, []);
    await close();
  });
}

test("empty lists, and a server that does not answer", LIMIT, async () => {
  const nothing = (m) => Object.assign(m, { contacts: [], messages: [] });
  const { page, mock, context, address, close } = await open(browser, { prepare: nothing });
  await context.addInitScript({ path: AXE });
  await page.goto(address);
  await signIn(page);
  await page.getByText("No chats yet").waitFor();
  await check(page, "no chats");
  await go(page, "#/people");
  await page.getByText("No contacts yet").waitFor();
  await check(page, "no contacts");
  await go(page, "#/calls");
  await page.getByText("No calls yet").waitFor();
  await check(page, "no calls");
  await go(page, "#/chats/new%40example.test");
  await page.getByText("Say hello to new").waitFor();
  await check(page, "a chat that begins");
  mock.gone = true;
  mock.cut();
  await page.locator(".banner").waitFor();
  await check(page, "no connection");
  mock.gone = false;
  mock.down = true;
  // Nobody is known to be signed in.
  await page.evaluate(() => localStorage.removeItem("dialtone.user"));
  await page.reload();
  await page.getByText("The server does not answer").waitFor();
  await check(page, "unreachable");
  await close();
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`the code at sign-in, and who must set one up, ${look}`, LIMIT, async () => {
    const prepare = (m) => Object.assign(m, { factor: true });
    const { page, mock, context, address, close } = await open(browser, { prepare, reducedMotion: "reduce", ...options });
    await context.addInitScript({ path: AXE });
    await page.goto(address);
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Code").fill("1");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("The code is not right").waitFor();
    await check(page, "code");
    Object.assign(mock, { factor: false, required: true });
    await page.getByLabel("Code").fill("123456");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Set up the second factor" }).waitFor();
    await page.getByRole("button", { name: "Set up" }).waitFor();
    await check(page, "set up");
    await close();
  });
}

test("what moves is looked at when it stands still, and what is wrong then is told", LIMIT, async () => {
  const { page, context, address, close } = await open(browser);
  await context.addInitScript({ path: AXE });
  await page.goto(address);
  await page.getByLabel("User name").waitFor();
  await page.evaluate(() => {
    const p = Object.assign(document.createElement("p"), { textContent: "It comes slowly" });
    document.querySelector("main").append(p);
    p.style.background = "#fff";
    const show = (n) => {
      p.style.color = `rgb(${n}, ${n}, ${n})`;
      p.style.paddingTop = `${n / 8}px`;
      if (n > 0) requestAnimationFrame(() => show(n - 5));
    };
    show(255);
  });
  await check(page, "a text that comes slowly");
  await page.getByText("It comes slowly").evaluate((p) => (p.style.color = "#eee"));
  await assert.rejects(check(page, "a text that nobody can read"), /color-contrast/);
  await close();
});
