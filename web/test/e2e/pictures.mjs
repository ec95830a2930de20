// Takes a picture of every view, light, dark and on a phone, into the directory that is named (shots).

import { mkdirSync } from "node:fs";

import { DOMAIN, TEAM } from "../mock/data.mjs";
import { picture } from "../mock/picture.mjs";
import { answerCall, brought, choose, go, launch, open, otherShares, signIn } from "./browser.mjs";

const OUT = process.argv[2] ?? "shots";
mkdirSync(OUT, { recursive: true });

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};
const BOB = "#/chats/bob%40example.test";

async function views(page, mock, shot, phone) {
  await page.getByRole("option").first().waitFor();
  mock.say("fatima", "The new sign-in page is live on staging, have a look when you can");
  mock.say("fatima", "Especially the error texts, please");
  mock.say("kwame", "Could you take over ticket 4711? The customer asks for you.");
  await page.getByRole("button", { name: "Dismiss" }).first().click();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await shot("chats");
  await go(page, "#/chats/fatima%40example.test");
  await page.getByText("New", { exact: true }).waitFor();
  await shot("new");
  await go(page, BOB);
  await page.getByText("Could you try it now?").last().waitFor();
  mock.typing("bob");
  await page.getByText("Bob Marchetti writes").waitFor();
  await shot("chat");
  if (!phone) {
    await page.getByRole("button", { name: "Details of Bob Marchetti" }).click();
    await page.getByRole("complementary").waitFor();
    await shot("chat-details");
    await page.getByRole("button", { name: "Close details" }).click();
  }
  await go(page, "#/chats");
  await page.getByLabel("Search people and messages").fill("the");
  await page.getByRole("radio", { name: "Messages" }).check();
  await page.getByRole("list", { name: "Messages that were found" }).getByRole("button").first().waitFor();
  await shot("search-messages");
  await page.getByLabel("Search people and messages").fill("");
  await go(page, "#/people");
  await page.getByRole("treeitem").first().waitFor();
  await shot("people");
  await go(page, "#/people/chen%40example.test");
  await page.getByRole("article").waitFor();
  await shot("card");
  await go(page, "#/people");
  await page.getByLabel("Search people").first().fill("mar");
  await page.getByText("Marta Lindqvist").waitFor();
  await shot("search");
  await page.getByLabel("Search people").first().fill("xyzzy");
  await page.getByText("Nobody found").waitFor();
  await shot("search-none");
  await page.getByLabel("Search people").first().fill("");
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("dialog").waitFor();
  await shot("self");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("ma");
  await page.getByRole("option").nth(1).waitFor();
  await shot("switcher");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Manage groups" }).click();
  await page.getByRole("dialog").waitFor();
  await shot("groups");
  await page.keyboard.press("Escape");
  await go(page, "#/settings");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await shot("settings");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await shot("keys");
  await page.keyboard.press("Escape");
}

async function groups(page, shot) {
  await go(page, `#/chats/${encodeURIComponent(TEAM)}`);
  await page.getByText("5 members").waitFor();
  await shot("group");
  await page.getByRole("button", { name: "Details of Hamburg roll-out" }).click();
  await page.getByRole("button", { name: "Remove Bob Marchetti" }).waitFor();
  await shot("group-details");
  await page.getByRole("button", { name: "Close details" }).click();
  await go(page, "#/chats");
  await page.getByRole("button", { name: "New group chat" }).click();
  await page.getByLabel("Name of the group").fill("Summer party");
  await page.getByLabel("Find people to add").fill("ma");
  await page.getByRole("button", { name: /^Marta Lindqvist/ }).click();
  await page.getByLabel("Find people to add").fill("ch");
  await page.getByRole("button", { name: /^Chen Wei/ }).waitFor();
  await shot("group-new");
  await page.keyboard.press("Escape");
}

/** What is said with files to Bob, and what stands in the tray. */
async function files(page, mock, shot) {
  await go(page, BOB);
  const gone = { id: "gone", chat: "bob@example.test", from: "bob@example.test", at: new Date().toISOString(), text: "", state: "delivered" };
  mock.event("message", { message: { ...gone, file: { gone: true, name: "offer of last year.pdf" } } });
  mock.sayFile("bob", "Minutes of the meeting about the roll-out in Hamburg, second part.odt", Buffer.alloc(48_211));
  mock.sayFile("bob", "rack.png", picture(1200, 800), { type: "image/png", text: "That is how it looks now. Is the **cable** at the left ours?" });
  await choose(page, { name: "measurements.xlsx", mimeType: "x", buffer: Buffer.alloc(700_000) });
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("link", { name: /measurements.xlsx .* Download/ }).waitFor();
  await page.locator(".picture img").evaluate((i) => i.decode());
  await shot("files");
  const first = mock.holdFiles();
  mock.insteadOfFile = ({ name }) => (name.endsWith(".exe") ? { status: 422, error: "infected" } : null);
  await choose(page, { name: "setup.exe", mimeType: "x", buffer: Buffer.alloc(90_000) });
  first();
  await page.getByText("has something against").waitFor();
  const rest = mock.holdFiles();
  const zip = (name) => ({ name, mimeType: "application/zip", buffer: Buffer.alloc(4_900_000) });
  await choose(page, { name: "photo.png", mimeType: "image/png", buffer: picture(300, 200) }, zip("configuration of all the switches.zip"), zip("logs.tar.gz"));
  await page.getByText("of 4.7 MB").waitFor();
  await shot("files-tray");
  await brought(page, "dragenter", [{ name: "x", mime: "", text: "x" }]);
  await page.locator(".drop").waitFor();
  await shot("files-drop");
  await page.evaluate(() => dispatchEvent(new DragEvent("dragleave")));
  rest();
  await page.getByText("ready").nth(2).waitFor();
  for (let n = await page.getByRole("button", { name: /^Take .* out$/ }).count(); n > 0; n--) {
    await page.getByRole("button", { name: /^Take .* out$/ }).first().click();
  }
  mock.insteadOfFile = null;
  await page.getByRole("button", { name: "rack.png" }).click();
  await page.getByRole("dialog").getByRole("img").evaluate((i) => i.decode());
  await shot("files-lightbox");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await go(page, "#/files/none/plan.pdf");
  await page.getByText("There is no such file").waitFor();
  await shot("files-gone");
  const { url } = mock.keep("bob@example.test", "Plan of the cabling.pdf", Buffer.alloc(9));
  await go(page, `#${url}`);
  await page.getByText("The download begins").waitFor();
  await shot("files-download");
}

/** Messages that were changed, the picker, and an edit. */
async function changes(page, mock, shot) {
  await go(page, "#/chats/fatima%40example.test");
  const field = page.getByRole("textbox", { name: /Message to/ });
  mock.unseen = true;
  const { id } = mock.say("fatima", "Is the text of the second page right now?");
  mock.change(id, "react", { user: "fatima", emoji: "👀" });
  await field.fill("Nearly. The word *account* is missing in the third line.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Delivered", { exact: true }).waitFor();
  const mine = mock.messages.at(-1).id;
  mock.change(mine, "edit", { text: "Nearly. The word *account* is missing in the fourth line." });
  for (const [user, emoji] of [["fatima", "👍"], ["alice", "👍"], ["fatima", "❤️"]]) mock.change(mine, "react", { user, emoji });
  const slip = mock.say("fatima", "wrong window");
  mock.change(slip.id, "delete", { user: "fatima" });
  await page.locator(".bubble").getByText("This message was deleted").waitFor();
  await page.locator(".reaction").nth(2).waitFor();
  await page.locator(".msg", { hasText: "fourth line" }).last().focus();
  await shot("changes");
  await page.keyboard.press("a");
  await page.getByRole("dialog", { name: "React" }).waitFor();
  await shot("changes-picker");
  await page.getByRole("dialog").getByRole("button", { name: "🎉" }).click();
  await page.getByText("do not show reactions").waitFor();
  await page.locator(".msg", { hasText: "fourth line" }).last().focus();
  await page.keyboard.press("e");
  await page.locator(".change-edit").waitFor();
  await shot("changes-edit");
  await page.keyboard.press("Escape");
  await page.locator(".msg", { hasText: "fourth line" }).last().focus();
  await page.keyboard.press("d");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await shot("changes-delete");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

async function calls(page, mock, shot) {
  await go(page, BOB);
  mock.call("incoming", { call: "call-2", sdp: "m=video" });
  await page.getByRole("alertdialog").waitFor();
  await shot("call-rings");
  await page.getByRole("button", { name: "Decline with words" }).click();
  await page.getByRole("textbox", { name: "Your own words" }).waitFor();
  await shot("call-decline");
  await page.getByRole("button", { name: "Decline", exact: true }).click();
  await page.getByRole("button", { name: "Call Bob Marchetti", exact: true }).click();
  await answerCall(page, mock);
  await page.getByRole("button", { name: /^Connection:/ }).click();
  await page.getByText("There and back").waitFor();
  await shot("call");
  await page.getByRole("button", { name: "Hang up" }).click();
  mock.asked.length = 0;
  await page.getByRole("button", { name: "Video call with Bob Marchetti", exact: true }).click();
  await answerCall(page, mock);
  await shot("call-video");
  await page.getByRole("button", { name: "Share screen" }).click();
  await page.getByText("You are sharing your screen").waitFor();
  await shot("call-share");
  await page.getByRole("button", { name: "Stop sharing" }).click();
  await otherShares(page, mock);
  await shot("call-screen");
  await page.getByRole("button", { name: "Hang up" }).click();
  mock.call("incoming", { call: "call-4", with: "kwame@example.test", sdp: "m=video 9" });
  await page.getByRole("alertdialog").waitFor();
  mock.call("ended", { call: "call-4", with: "kwame@example.test", reason: "cancelled" });
  await go(page, "#/calls");
  await page.getByRole("listitem").first().waitFor();
  await shot("calls");
  await go(page, BOB);
  await page.getByRole("log").getByText("Call, declined").waitFor();
  await shot("calls-chat");
  await go(page, "#/calls");
  await page.getByRole("button", { name: "Check devices" }).first().click();
  await page.getByText("Your microphone works.").waitFor();
  await page.waitForFunction(() => document.querySelector(".check-picture")?.videoWidth > 0);
  await shot("call-devices");
  await page.keyboard.press("Escape");
}

async function trouble(page, mock, shot) {
  await go(page, "#/chats/chen%40example.test");
  const field = page.getByRole("textbox", { name: /Message to/ });
  mock.instead["chat.send"] = () => ({ error: { code: "blocked", text: "", remedy: "" } });
  await field.fill("Are the spare parts there?");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Not sent").waitFor();
  delete mock.instead["chat.send"];
  mock.cut(true);
  await page.getByRole("button", { name: "Try now" }).waitFor();
  await field.fill("I come over at three.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Sent when the connection").waitFor();
  await shot("offline");
  mock.refuseSockets = false;
  await page.getByText("Delivered", { exact: true }).waitFor();
  mock.say("fatima", "Did you see my message? No hurry, but before five would be great.");
  await page.getByRole("button", { name: "Dismiss" }).waitFor();
  await shot("toast");
}

/** A company large enough for a switchboard. */
function company(mock) {
  const first = ["Amara", "Bruno", "Clara", "David", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Luis", "Mina", "Nils", "Olga", "Pavel"];
  const last = ["Nowak", "Silva", "Berg", "Ito", "Kaya", "Roth", "Lund", "Costa", "Weiss", "Diallo"];
  const states = ["available", "available", "busy", "available", "away", "offline", "available", "do_not_disturb", "idle", "be_right_back"];
  mock.groups = [...mock.groups, { id: 4, name: "Sales" }, { id: 5, name: "Service" }];
  first.forEach((name, i) => {
    const uri = `${name.toLowerCase()}@${DOMAIN}`;
    const person = { uri, name: `${name} ${last[i % last.length]}`, state: states[i % states.length], ...(i % 10 === 2 ? { activity: "on-the-phone" } : {}) };
    mock.people.set(uri, person);
    mock.contacts.push({ uri, name: person.name, groups: [i % 2 ? 4 : 5], tagged: false });
  });
}

/** A call that goes on, and two that wait. */
async function attendant(page, mock, shot) {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Call Bob Marchetti" }).click();
  await answerCall(page, mock);
  await go(page, "#/attendant");
  await page.getByRole("gridcell").first().waitFor();
  mock.call("incoming", { call: "call-8", with: `omar@${DOMAIN}`, sdp: "m=audio 9" });
  mock.call("incoming", { call: "call-9", with: "office@example.net", name: "Nordwind GmbH", sdp: "m=audio 9" });
  await page.getByRole("button", { name: "Answer Nordwind GmbH" }).waitFor();
  await page.getByRole("button", { name: "Connection: good" }).waitFor();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
  await shot("attendant");
}

const browser = await launch();
for (const [look, options] of Object.entries(LOOKS)) {
  const { page, mock, close } = await open(browser, { prepare: company, ...options });
  await attendant(page, mock, (name) => page.screenshot({ path: `${OUT}/${name}-${look}.png`, animations: "disabled" }));
  await close();
}
for (const [look, options] of Object.entries(LOOKS)) {
  const { page, mock, close } = await open(browser, options);
  const shot = (name) => page.screenshot({ path: `${OUT}/${name}-${look}.png`, animations: "disabled" });
  await page.getByLabel("User name").waitFor();
  await shot("signin");
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("is not right").waitFor();
  await shot("signin-wrong");
  await signIn(page);
  await views(page, mock, shot, look === "phone");
  await groups(page, shot);
  await files(page, mock, shot);
  await changes(page, mock, shot);
  await calls(page, mock, shot);
  await trouble(page, mock, shot);
  await close();
  console.log(look);
}

const empty = await open(browser, {
  prepare: (m) => {
    m.contacts = [];
    m.messages = [];
  },
});
await signIn(empty.page);
await empty.page.getByText("No chats yet").waitFor();
await empty.page.screenshot({ path: `${OUT}/empty-light.png` });
await empty.close();

const rtl = await open(browser);
await rtl.page.evaluate(() => localStorage.setItem("dialtone.prefs", JSON.stringify({ language: "rtl" })));
await rtl.page.getByLabel("User name").fill("alice");
await rtl.page.getByLabel("Password", { exact: true }).fill("secret");
await rtl.page.getByRole("button", { name: "Sign in" }).click();
await rtl.page.getByRole("navigation").waitFor();
await rtl.page.evaluate((bob) => ((location.hash = bob), location.reload()), BOB);
await rtl.page.locator(".msg").first().waitFor();
await rtl.page.screenshot({ path: `${OUT}/chat-rtl.png` });
await rtl.close();
await browser.close();
