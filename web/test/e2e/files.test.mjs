// Files in chats: sent by the button, from the clipboard and by drag and drop; seen, opened, saved.

import assert from "node:assert/strict";

import { picture } from "../mock/picture.mjs";
import { brought, choose, go, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const BOB = "#/chats/bob%40example.test";
const MB = 1024 * 1024;

const story = stories();

const composer = (page) => page.getByRole("textbox", { name: /Message to/ });
const sends = (mock) => mock.asked.filter((a) => a.op === "chat.send");
const items = (page) => page.getByRole("list", { name: "Files to be sent" }).getByRole("listitem");
const notes = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("some notes") };
const large = (name, mb = 4) => ({ name, mimeType: "application/zip", buffer: Buffer.alloc(mb * MB, 7) });
/** More than the kernel takes on the way to a server that does not read. */
const HUGE_MB = 30;

story("a file goes by the button, with what was written, and the next alone", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await choose(page, notes, { ...notes, name: "plan.pdf" });
  await until(() => mock.files.size === 2, "both are there before anything is sent");
  assert.equal(sends(mock).length, 0);
  await items(page).getByText("10 B, ready").nth(1).waitFor();
  await page.keyboard.type("Here they are");
  await page.keyboard.press("Enter");
  await until(() => sends(mock).length === 2, "both are sent");
  const names = new Map([...mock.files.values()].map((f) => [f.file.id, f.file.name]));
  assert.deepEqual(sends(mock).map((s) => [s.text, names.get(s.file)]), [["Here they are", "notes.txt"], ["", "plan.pdf"]]);
  await page.getByRole("link", { name: "plan.pdf 10 B Download" }).waitFor();
  assert.equal(await items(page).count(), 0);
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("You: plan.pdf").waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "notes.txt 10 B Download" }).click();
  assert.equal((await saved).suggestedFilename(), "notes.txt");
});

story("a tray without a word can be sent, by the button and before it is there", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  const go = mock.holdFiles();
  await choose(page, large("all.zip"));
  await items(page).getByText("of 4 MB").waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await composer(page).fill("and go on writing");
  await composer(page).press("Enter");
  await until(() => sends(mock).length === 1, "the text does not wait");
  go();
  await until(() => sends(mock).length === 2, "the file follows");
  assert.equal(sends(mock)[1].text, "");
  await page.getByRole("link", { name: /all.zip .* Download/ }).waitFor();
});

story("its progress is seen, two go at a time, and one is cancelled", {}, async ({ page, mock }) => {
  mock.fileBytes = 2 * HUGE_MB * MB;
  await signIn(page, BOB);
  const go = mock.holdFiles();
  await choose(page, large("one.zip", HUGE_MB), large("two.zip"), large("three.zip"));
  await until(() => mock.uploads.length === 2, "two are under way");
  await items(page).nth(2).getByText("waits for the others").waitFor();
  const bar = page.getByRole("progressbar", { name: "How far one.zip is" });
  await until(() => bar.evaluate((b) => b.value > 0 && b.value < b.max), "it is on its way and not there");
  await composer(page).fill("with words");
  await composer(page).press("Enter");
  await page.getByRole("button", { name: "Cancel sending one.zip" }).click();
  await until(async () => (await composer(page).inputValue()) === "with words", "the words that were its come back");
  await until(() => mock.uploads.length === 3, "the third takes its place");
  go();
  await until(() => sends(mock).length === 2, "the others go");
  await until(() => mock.uploads[0].broken, "the first has ended before its end");
  assert.deepEqual(mock.uploads.map((u) => [u.name, u.done]), [["one.zip", false], ["two.zip", true], ["three.zip", true]]);
});

story("a pasted picture gets a name, a pasted text stays one", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Attach files" }).waitFor();
  await brought(page, "paste", [{ name: "image.png", mime: "image/png", text: "not really" }]);
  await until(() => mock.uploads.some((u) => /^picture-\d{4}-\d\d-\d\d-\d{4}\.png$/.test(u.name)), "it has a name");
  await brought(page, "paste", [{ name: "list.csv", mime: "text/csv", text: "a,b" }]);
  await until(() => mock.uploads.some((u) => u.name === "list.csv"), "a file has its own");
  await page.evaluate(() => navigator.clipboard.writeText("only words"));
  await composer(page).focus();
  await page.keyboard.press("Control+v");
  await until(async () => (await composer(page).inputValue()) === "only words", "a text is a text");
  assert.equal(await items(page).count(), 2);
});

story("files are dropped on the chat, which says so; beside it nothing happens", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Attach files" }).waitFor();
  const files = [{ name: "drawing.svg", mime: "image/svg+xml", text: "<svg/>" }];
  await brought(page, "dragenter", files);
  await page.getByText("Drop files here to send them to Bob Marchetti").waitFor();
  await brought(page, "drop", files);
  await items(page).getByText("drawing.svg").waitFor();
  await page.locator(".drop").waitFor({ state: "detached" });
  await until(() => mock.files.size === 1, "it is there");
  const stopped = await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "x.txt"));
    return !document.querySelector(".list").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
  });
  assert.equal(stopped, true, "the browser does not open it");
  assert.equal(await items(page).count(), 1);
});

story("what fails says why, and is tried again or taken out", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await choose(page, { name: "film.mkv", mimeType: "video/x-matroska", buffer: Buffer.alloc(5 * MB + 1) });
  await page.getByText("Too large: files may have 5 MB at most.").waitFor();
  assert.equal(mock.uploads.length, 0, "it was not even begun");
  assert.equal(await page.getByRole("button", { name: "Try film.mkv again" }).count(), 0);
  await page.getByRole("button", { name: "Take film.mkv out" }).click();
  mock.insteadOfFile = () => ({ status: 503, error: "not_scanned" });
  await choose(page, notes);
  await page.getByText("The virus scanner does not answer").waitFor();
  assert.equal(await page.getByRole("button", { name: "Send", exact: true }).isDisabled(), true, "nothing could be sent");
  mock.insteadOfFile = () => ({ status: 422, error: "infected" });
  await page.getByRole("button", { name: "Try notes.txt again" }).click();
  await page.getByText("has something against this file").waitFor();
  await page.getByRole("button", { name: "Take notes.txt out" }).click();
  mock.insteadOfFile = () => ({ status: 507, error: "no_space" });
  await choose(page, notes);
  await page.getByText("no space left for files").waitFor();
  mock.insteadOfFile = null;
  await page.getByRole("button", { name: "Try notes.txt again" }).click();
  await items(page).getByText("ready").waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("link", { name: /notes.txt .* Download/ }).waitFor();
});

story("without a connection a file waits, and goes when it is back", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Attach files" }).waitFor();
  mock.cut(true);
  await page.getByRole("button", { name: "Try now" }).waitFor();
  await choose(page, notes);
  await items(page).getByText("goes on when the connection is back").waitFor();
  await composer(page).fill("Later");
  await composer(page).press("Enter");
  await go(page, "#/chats/chen%40example.test");
  await page.getByRole("heading", { name: "Chen Wei" }).waitFor();
  mock.refuseSockets = false;
  await until(() => sends(mock).length === 1, "it went though another chat is open");
  assert.deepEqual([sends(mock)[0].to, sends(mock)[0].text], ["bob@example.test", "Later"]);
});

story("a server that takes no files says so", { prepare: (m) => (m.fileBytes = 0) }, async ({ page }) => {
  await signIn(page, BOB);
  const button = page.getByRole("button", { name: "This server takes no files." });
  await button.waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await brought(page, "drop", [{ name: "x.txt", mime: "text/plain", text: "x" }]);
  await page.getByRole("alert").getByText("This server takes no files.").waitFor();
});

story("a picture is seen in the chat, and large by the keyboard", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  mock.sayFile("bob", "rack.png", picture(1600, 900), { type: "image/png", text: "The new rack" });
  const small = page.locator(".bubble").getByRole("img", { name: "rack.png" });
  await until(() => small.evaluate((i) => i.complete && i.naturalWidth === 1600), "it is loaded");
  const box = await small.boundingBox();
  assert.deepEqual([Math.round(box.width), Math.round(box.height)], [320, 180]);
  await until(() => page.locator(".timeline").evaluate((t) => t.scrollHeight - t.scrollTop - t.clientHeight < 2), "the end is still seen");
  const button = page.getByRole("button", { name: "rack.png" });
  await button.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "rack.png" });
  await until(() => dialog.getByRole("img").evaluate((i) => i.getBoundingClientRect().width > 700), "it is large");
  const saved = page.waitForEvent("download");
  await dialog.getByRole("link", { name: "Save" }).click();
  assert.equal((await saved).suggestedFilename(), "rack.png");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await until(() => button.evaluate((b) => b === document.activeElement), "the focus is back");
});

story("what is not kept any more is told quietly, a picture too", {}, async ({ page, mock }) => {
  const gone = (id, file) => ({ id, chat: "bob@example.test", from: "bob@example.test", at: new Date().toISOString(), text: "", file, state: "delivered" });
  mock.messages.push(gone("g1", { gone: true, name: "old.pdf" }));
  await signIn(page, BOB);
  const card = page.locator(".file.gone");
  await card.getByText("old.pdf").waitFor();
  await card.getByText("No longer kept").waitFor();
  assert.equal(await page.locator(".bubble a", { hasText: "old.pdf" }).count(), 0);
  const file = mock.keep("bob@example.test", "lost.png", picture(4, 4), "image/png");
  mock.files.clear();
  const message = gone("g2", file);
  mock.event("message", { message });
  await card.getByText("lost.png").waitFor();
});

story("a file is told of by its name, answered, copied and found", {}, async ({ page, mock, address, context }) => {
  await signIn(page, "#/chats/chen%40example.test");
  await page.getByRole("heading", { name: "Chen Wei" }).waitFor();
  mock.sayFile("bob", "minutes.odt", Buffer.from("x"));
  await page.locator(".toast").getByText("sent a file: minutes.odt").waitFor();
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("minutes.odt").waitFor();
  await go(page, BOB);
  await page.getByRole("link", { name: /minutes.odt .* Download/ }).waitFor();
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("c");
  const { url } = mock.messages.at(-1).file;
  await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) === address + url, "its address is copied");
  await page.keyboard.press("r");
  await until(async () => (await composer(page).inputValue()) === "> Bob Marchetti: minutes.odt\n\n", "its name is quoted");
  await composer(page).fill("");
  mock.instead["chat.search"] = () => ({ ok: { messages: [mock.messages.at(-1)], before: "", more: false } });
  await page.getByLabel("Search people and messages").fill("minutes");
  await page.getByRole("radio", { name: "Messages" }).check();
  await page.getByRole("list", { name: "Messages that were found" }).locator("mark").getByText("minutes").waitFor();
  const other = await context.newPage();
  await other.goto(`${address}/#/chats/bob%40example.test`);
  await other.getByRole("link", { name: /minutes.odt .* Download/ }).waitFor();
});

story("a link to a file leads through the sign-in to the download", {}, async ({ page, mock, address }) => {
  const { url } = mock.keep("bob@example.test", "a plan & more.pdf", Buffer.from("%PDF"));
  await page.goto(address + url);
  const saved = page.waitForEvent("download");
  await signIn(page);
  assert.equal((await saved).suggestedFilename(), "a plan & more.pdf");
  await page.getByRole("heading", { name: "a plan & more.pdf" }).waitFor();
  await page.getByRole("link", { name: "Download a plan & more.pdf" }).waitFor();
  mock.files.clear();
  await page.reload();
  await page.getByText("There is no such file for you").waitFor();
  await page.getByRole("link", { name: "To the chats" }).click();
  await page.getByText("Pick up a conversation").waitFor();
});

story("nothing that a file is called becomes markup or leads elsewhere", {}, async ({ page, mock }) => {
  const evil = '<img src=x onerror="window.bad=1">.png';
  await signIn(page, BOB);
  mock.sayFile("bob", evil, Buffer.from("x"));
  const message = (id, file) => ({ id, chat: "bob@example.test", from: "bob@example.test", at: new Date().toISOString(), text: "", file, state: "delivered" });
  mock.event("message", { message: message("e1", { id: "1", name: "a.pdf", size: 1, type: "x", url: "javascript:alert(1)" }) });
  mock.event("message", { message: message("e2", { id: "2", name: "cod\u202efdp.exe", size: 1, type: "image/png", url: "https://evil.example/x.png" }) });
  await page.locator(".file").getByText("codfdp.exe").waitFor();
  await page.locator(".file").getByText("<img").waitFor();
  assert.equal(await page.evaluate(() => window.bad), undefined);
  const hrefs = await page.locator("a.file").evaluateAll((all) => all.map((a) => new URL(a.href).pathname.slice(0, 7)));
  assert.deepEqual(hrefs, ["/files/"]);
  assert.equal(await page.locator(".file.gone").count(), 2);
});
