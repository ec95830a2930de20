// What people do with calls, in a real browser against the mock.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerCall, go, launch, LIMIT, open, signIn, until } from "./browser.mjs";

const BOB = "#/chats/bob%40example.test";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A test with a page of its own; whatever the page complained of fails it. */
function story(name, run) {
  test(name, LIMIT, async () => {
    const all = await open(browser);
    // What was taken of devices, so that a test can see what became of it.
    await all.context.addInitScript(() => {
      globalThis.given = [];
      const take = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await take(wanted);
        globalThis.given.push(...stream.getTracks());
        return stream;
      };
    });
    await all.page.goto(all.address);
    await run(all);
    assert.deepEqual(all.errors, []);
    await all.close();
  });
}

const idOf = (page, kind) => page.evaluate((k) => globalThis.given.findLast((x) => x.kind === k)?.getSettings().deviceId, kind);

story("devices are tried, chosen and let go, and the next call takes them", async ({ page, mock }) => {
  await signIn(page, "#/settings");
  await page.getByRole("button", { name: "Check devices" }).click();
  const dialog = page.getByRole("dialog");
  await page.waitForFunction(() => document.querySelector(".check-picture")?.videoWidth > 0);
  await dialog.getByText("Your microphone works.").waitFor();
  const select = dialog.getByRole("combobox", { name: "Microphone" });
  const others = select.locator("option").filter({ hasText: "Fake" });
  await others.nth(1).waitFor({ state: "attached" });
  const chosen = await others.nth(1).getAttribute("value");
  await select.selectOption(chosen);
  await until(async () => (await idOf(page, "audio")) === chosen, "the chosen microphone is tried");
  await dialog.getByRole("button", { name: "Play a test tone" }).click();
  await dialog.getByRole("button", { name: "Play a test tone" }).and(page.locator(":enabled")).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => globalThis.given.length > 2 && globalThis.given.every((track) => track.readyState === "ended"));
  await go(page, BOB);
  await page.getByRole("button", { name: "Call Bob Marchetti" }).click();
  await until(() => mock.asked.some((a) => a.op === "call.start"), "a call begins");
  assert.equal(await idOf(page, "audio"), chosen);
});

story("the bar says how good a call is, with the figures on demand", async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Call Bob Marchetti" }).click();
  await answerCall(page, mock);
  const mark = page.getByRole("button", { name: /^Connection:/ });
  await page.getByRole("button", { name: "Connection: good" }).waitFor();
  await mark.click();
  await page.getByText("There and back").waitFor();
  // The other side sends nothing any more.
  await page.evaluate(() => globalThis.otherSide.close());
  await page.getByRole("button", { name: "Connection: poor" }).waitFor();
});

story("a microphone is crossed out while it is mute, and at no other time", async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Call Bob Marchetti" }).click();
  await answerCall(page, mock);
  const mute = page.getByRole("button", { name: "Mute" });
  const drawn = () => mute.locator("path").getAttribute("d");
  const crossed = async () => /M4 4l16 16$/.test(await drawn());
  assert.equal(await crossed(), false, "it is heard");
  await mute.click();
  await until(crossed, "it is crossed out");
  assert.equal(await mute.getAttribute("aria-pressed"), "true");
  await mute.click();
  await until(async () => !(await crossed()), "it is heard again");
});

story("missed calls are marked until they are seen, stand in the chat, and are called back", async ({ page, mock }) => {
  await signIn(page, BOB);
  mock.call("incoming", { sdp: "m=audio 9 x" });
  await page.getByRole("alertdialog").waitFor();
  mock.call("ended", { reason: "cancelled" });
  await page.getByRole("link", { name: /1 missed call/ }).click();
  const line = page.getByRole("list", { name: "Calls" }).getByRole("listitem");
  await line.getByText("Missed").waitFor();
  await page.getByRole("link", { name: "Calls", exact: true }).waitFor();
  await page.getByRole("button", { name: "Call Bob Marchetti back" }).click();
  await answerCall(page, mock);
  await page.getByRole("button", { name: "Hang up" }).click();
  await line.getByText("Outgoing").waitFor();
  assert.equal(await line.count(), 2);
  await page.reload();
  await line.getByText("Missed").waitFor();
  await line.first().getByRole("link").click();
  await page.getByRole("article", { name: "Bob Marchetti" }).waitFor();
  await page.getByRole("link", { name: /^Chats/ }).click();
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("Call", { exact: true }).waitFor();
  await page.getByRole("option", { name: /Bob Marchetti/ }).click();
  const log = page.getByRole("log");
  await log.getByText("Missed call").waitFor();
  await log.getByText(/^Call, 0:0/).waitFor();
  mock.asked.length = 0;
  await log.getByRole("button", { name: "Call Bob Marchetti back" }).click();
  await answerCall(page, mock);
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User name").waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((k) => k.includes("alice"))), []);
});

story("a stranger is called what he says, with his address; he is declined in own words", async ({ page, mock }) => {
  await signIn(page, BOB);
  mock.call("incoming", { with: "stranger@example.net", name: "<b>Dr.</b> No", sdp: "m=audio 9 x" });
  const ringing = page.getByRole("alertdialog", { name: "<b>Dr.</b> No is calling" });
  await ringing.getByText("stranger@example.net").waitFor();
  await ringing.getByText("not in the directory").waitFor();
  await ringing.getByRole("button", { name: "Decline with words" }).click();
  await ringing.getByRole("textbox", { name: "Your own words" }).fill("Not today, thank you");
  await page.keyboard.press("Enter");
  await until(() => mock.asked.some((a) => a.op === "call.end"), "it is declined");
  const [sent] = mock.asked.filter((a) => a.op === "chat.send");
  assert.deepEqual([sent.to, sent.text], ["stranger@example.net", "Not today, thank you"]);
  await ringing.waitFor({ state: "detached" });
  // Whom the directory knows is called as the directory says.
  mock.call("incoming", { call: "call-3", name: "Somebody Else", sdp: "m=audio 9 x" });
  await page.getByRole("alertdialog", { name: "Bob Marchetti is calling" }).waitFor();
});
