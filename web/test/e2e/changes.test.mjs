// Messages that are edited, deleted and reacted to: by the mouse, by the keyboard, and as another browser sees it.

import assert from "node:assert/strict";

import { picture } from "../mock/picture.mjs";
import { go, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const BOB = "#/chats/bob%40example.test";

const story = stories();

const composer = (page) => page.getByRole("textbox", { name: /Message to/ });
const asked = (mock, op) => mock.asked.filter((a) => a.op === op);
const value = (page) => composer(page).inputValue();
const bubble = (page, text) => page.locator(".bubble").getByText(text, { exact: true });
const row = (page, text) => page.locator(".msg", { has: page.locator(".bubble").getByText(text, { exact: true }) });

/** Another browser of the same user, in the same chat. */
async function second({ context, address, page }) {
  await page.locator(".msg").first().waitFor();
  const other = await context.newPage();
  await other.goto(`${address}/${BOB}`);
  await other.locator(".msg").first().waitFor();
  return other;
}

async function write(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
  await bubble(page, text).waitFor();
  await page.getByText("Delivered", { exact: true }).waitFor();
}

/** The last message has the focus, by the keyboard. */
async function toLast(page) {
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
}

story("an own message is edited by the mouse, and the other browser sees it", {}, async (all) => {
  const { page, mock } = all;
  await signIn(page, BOB);
  const other = await second(all);
  await page.bringToFront();
  await write(page, "The rack has ten units");
  await composer(page).fill("half a thought");
  await row(page, "The rack has ten units").hover();
  await row(page, "The rack has ten units").getByRole("button", { name: "Edit" }).click();
  await until(async () => (await value(page)) === "The rack has ten units", "its text is in the field");
  await page.locator(".change-edit").waitFor();
  await composer(page).fill("The rack has **twelve** units");
  await page.getByRole("button", { name: "Save" }).click();
  for (const p of [page, other]) {
    await p.locator(".bubble", { hasText: "The rack has twelve units" }).getByText("edited").waitFor();
    await p.getByRole("option", { name: /Bob Marchetti/ }).getByText("You: The rack has twelve units").waitFor();
  }
  await until(async () => (await value(page)) === "half a thought", "the draft is back");
  assert.equal(asked(mock, "chat.edit").length, 1);
  assert.match(await page.locator(".edited").getAttribute("title"), /\d\d:\d\d/);
});

story("by the keyboard: the last own message with the arrow, another with its letter, and Escape", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".mine [data-act=e]").first().waitFor({ state: "attached" });
  await write(page, "first of mine");
  await write(page, "second of mine");
  await composer(page).press("ArrowUp");
  await until(async () => (await value(page)) === "second of mine", "the last one is edited");
  await page.keyboard.press("Escape");
  await until(async () => (await value(page)) === "", "Escape ends it");
  assert.equal(await page.locator(".change-edit").count(), 0);
  await page.getByRole("heading", { name: "Bob Marchetti" }).waitFor();
  await toLast(page);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("e");
  await until(async () => (await value(page)) === "first of mine", "the one before is edited");
  await page.keyboard.press("End");
  await page.keyboard.type(", mended");
  await page.keyboard.press("Enter");
  await bubble(page, "first of mine, mended").waitFor();
  await composer(page).press("ArrowUp");
  await until(async () => (await value(page)) === "second of mine", "it is edited again");
  await page.keyboard.press("Enter");
  await until(async () => (await value(page)) === "", "nothing was changed");
  assert.equal(asked(mock, "chat.edit").length, 1, "and nothing is asked of the server");
});

story("the text with a file is edited, and the file stays", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".msg").first().waitFor();
  mock.sayFile("alice", "plan.pdf", Buffer.alloc(9), { text: "the paln", to: "bob" });
  const message = page.locator(".msg", { hasText: "plan.pdf" });
  await bubble(page, "the paln").waitFor();
  await message.locator(".file").waitFor();
  for (const text of ["the plan", ""]) {
    await toLast(page);
    await page.keyboard.press("e");
    await page.locator(".change-edit").waitFor();
    await composer(page).fill(text);
    await composer(page).press("Enter");
    await page.locator(".change-edit").waitFor({ state: "detached" });
    await message.getByText("edited").waitFor();
    assert.equal(asked(mock, "chat.edit").at(-1).text, text);
    assert.ok(asked(mock, "chat.edit").at(-1).file, "it is told which file");
    await message.locator(".file").getByText("plan.pdf").waitFor();
  }
  assert.equal(await page.getByText("the plan", { exact: true }).count(), 0);
});

story("others' messages and those that nobody keeps are not edited", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".mine [data-act=e]").first().waitFor({ state: "attached" });
  mock.say("bob", "this is Bob's");
  await bubble(page, "this is Bob's").waitFor();
  await toLast(page);
  await page.keyboard.press("e");
  await page.keyboard.press("d");
  assert.equal(await value(page), "");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await row(page, "this is Bob's").getByRole("button", { name: "React" }).count(), 1);
  mock.event("message", { message: { id: "own-7", chat: "bob@example.test", from: "alice@example.test", at: new Date().toISOString(), text: "not kept", state: "delivered" } });
  await bubble(page, "not kept").waitFor();
  assert.deepEqual(await row(page, "not kept").getByRole("button").evaluateAll((all) => all.map((b) => b.dataset.act)), ["r", "c"]);
});

story("what cannot be changed says why, and the text is not lost", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".mine [data-act=e]").first().waitFor({ state: "attached" });
  await write(page, "to be mended");
  await composer(page).press("ArrowUp");
  await until(async () => (await value(page)) === "to be mended", "it is edited");
  mock.instead["chat.edit"] = () => ({ error: { code: "too_many", text: "", remedy: "" } });
  await composer(page).fill("mended");
  await composer(page).press("Enter");
  await page.getByRole("alert").getByText("This message was changed too often.").waitFor();
  assert.equal(await value(page), "mended");
  delete mock.instead["chat.edit"];
  await composer(page).press("Enter");
  await bubble(page, "mended").waitFor();
  assert.equal(await page.getByText("This message was changed too often.").count(), 0);
  mock.instead["chat.react"] = () => ({ error: { code: "not_possible", text: "", remedy: "" } });
  await toLast(page);
  await page.keyboard.press("+");
  await page.getByRole("dialog", { name: "React" }).getByRole("button", { name: "🎉" }).click();
  await page.getByText("This server keeps no messages").waitFor();
  assert.equal(await page.locator(".reaction").count(), 0, "it is taken back");
});

story("a message is deleted after a question, for the other browser too", {}, async (all) => {
  const { page, mock } = all;
  await signIn(page, BOB);
  const other = await second(all);
  await page.bringToFront();
  await write(page, "a slip");
  await toLast(page);
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog", { name: "Delete this message?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await bubble(page, "a slip").waitFor();
  await toLast(page);
  await page.keyboard.press("d");
  await dialog.getByRole("button", { name: "Delete" }).click();
  for (const p of [page, other]) {
    await bubble(p, "This message was deleted").waitFor();
    assert.equal(await bubble(p, "a slip").count(), 0);
  }
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("You: This message was deleted").waitFor();
  assert.equal(await row(page, "This message was deleted").getByRole("button").count(), 0, "nothing more can be done to it");
  const file = mock.sayFile("bob", "secret.png", picture(40, 40), { type: "image/png" });
  await page.getByRole("button", { name: "secret.png" }).waitFor();
  mock.change(file.id, "delete", { user: "bob" });
  await page.getByRole("button", { name: "secret.png" }).waitFor({ state: "detached" });
  await page.reload();
  await bubble(page, "This message was deleted").nth(1).waitFor();
});

story("reactions by the mouse and the keyboard, seen by both, taken back by a click", {}, async (all) => {
  const { page, mock } = all;
  await signIn(page, BOB);
  const other = await second(all);
  await page.bringToFront();
  const { id } = mock.say("bob", "All calls go through");
  const message = row(page, "All calls go through");
  await message.hover();
  await message.getByRole("button", { name: "React" }).click();
  const picker = page.getByRole("dialog", { name: "React" });
  await picker.getByRole("button", { name: "👍" }).click();
  await picker.waitFor({ state: "detached" });
  for (const p of [page, other]) await p.getByRole("button", { name: "👍 1 : You" }).waitFor();
  mock.change(id, "react", { user: "bob", emoji: "👍" });
  const chip = page.getByRole("button", { name: "👍 2 : You, Bob Marchetti", pressed: true });
  await chip.waitFor();
  assert.equal(await chip.getAttribute("title"), "You, Bob Marchetti");
  await chip.click();
  await page.getByRole("button", { name: "👍 1 : Bob Marchetti", pressed: false }).waitFor();
  await other.getByRole("button", { name: "👍 1 : Bob Marchetti", pressed: false }).waitFor();
  await toLast(page);
  await page.keyboard.press("a");
  await picker.waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "😂 1 : You" }).waitFor();
  await until(() => message.evaluate((m) => m === document.activeElement), "the focus is at the message");
  await page.keyboard.press("+");
  const field = picker.getByLabel("Another emoji");
  await field.fill("no emoji");
  await page.keyboard.press("Enter");
  await picker.getByText("Write one emoji, and nothing else.").waitFor();
  await field.fill("🧑🏽‍🚀");
  await page.keyboard.press("Enter");
  await other.getByRole("button", { name: "🧑🏽‍🚀 1 : You" }).waitFor();
  assert.deepEqual(asked(mock, "chat.react").map((a) => [a.emoji, a.on]), [["👍", true], ["👍", false], ["😂", true], ["🧑🏽‍🚀", true]]);
  await page.reload();
  await page.getByRole("button", { name: "🧑🏽‍🚀 1 : You" }).waitFor();
});

story("that some devices do not show it is said once, and quietly", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".mine [data-act=e]").first().waitFor({ state: "attached" });
  mock.unseen = true;
  await write(page, "ten");
  await composer(page).press("ArrowUp");
  await composer(page).fill("twelve");
  await composer(page).press("Enter");
  const note = page.getByText("still show the old text");
  await note.waitFor();
  await page.locator(".change-note").getByRole("button", { name: "Close" }).click();
  await note.waitFor({ state: "detached" });
  await composer(page).press("ArrowUp");
  await composer(page).fill("thirteen");
  await composer(page).press("Enter");
  await bubble(page, "thirteen").waitFor();
  await until(async () => (await value(page)) === "", "the edit is over");
  assert.equal(await note.count(), 0);
});

story("an edit neither counts as unread nor makes noise, and is seen in the list", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats/chen%40example.test");
  await page.getByRole("heading", { name: "Chen Wei" }).waitFor();
  const { id } = mock.messages.filter((m) => m.chat === "bob@example.test").at(-1);
  mock.change(id, "edit", { user: "bob", text: "that saved us a day" });
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("that saved us a day").waitFor();
  assert.equal(await page.title(), "Dialtone");
  assert.equal(await page.locator(".toast").count(), 0);
  await go(page, BOB);
  await page.locator(".bubble", { hasText: "that saved us a day" }).getByText("edited").waitFor();
});
