// The switchboard, in a real browser against the mock.

import assert from "node:assert/strict";

import { crowd } from "../mock/data.mjs";
import { answerCall, go, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const BOARD = "#/attendant";
const CHEN = "chen@example.test";

const story = stories();

const asked = (mock, op) => mock.asked.filter((a) => a.op === op);
const field = (page) => page.getByRole("combobox", { name: "Find somebody" });
const tile = (page, name) => page.getByRole("gridcell").filter({ hasText: name });

/** What a caller offers: a connection in the same page, which takes the answer, too. */
async function rings(page, mock, call, user) {
  const sdp = await page.evaluate(async (name) => {
    const pc = new RTCPeerConnection();
    (globalThis.callers ??= {})[name] = pc;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await pc.setLocalDescription();
    await new Promise((done) => {
      const look = () => pc.iceGatheringState === "complete" && done();
      pc.addEventListener("icegatheringstatechange", look);
      look();
    });
    return pc.localDescription.sdp;
  }, call);
  mock.instead["call.answer"] = async (answer) => {
    mock.callAnswered(answer.call);
    await page.evaluate(([name, text]) => globalThis.callers[name].setRemoteDescription({ type: "answer", sdp: text }), [answer.call, answer.sdp]);
    return { ok: {} };
  };
  mock.instead["call.update"] = async (asks) => {
    const answer = await page.evaluate(async ([name, text]) => {
      const pc = globalThis.callers[name];
      await pc.setRemoteDescription({ type: "offer", sdp: text });
      await pc.setLocalDescription();
      return pc.localDescription.sdp;
    }, [asks.call, asks.sdp]);
    return { ok: { sdp: answer } };
  };
  mock.call("incoming", { call, with: `${user}@example.test`, sdp });
}

story("two calls wait and are taken in turn, without a pointer", {}, async ({ page, mock }) => {
  await signIn(page);
  await page.keyboard.press("F8");
  await page.getByRole("heading", { name: "Switchboard" }).waitFor();
  await until(() => field(page).evaluate((f) => f === document.activeElement), "the field has the focus");
  await rings(page, mock, "call-8", "kwame");
  await rings(page, mock, "call-9", "fatima");
  const waiting = page.getByRole("list", { name: "Calls that wait" }).getByRole("listitem");
  await until(async () => (await waiting.count()) === 2, "both wait");
  assert.match(await waiting.first().innerText(), /Kwame Mensah/);
  // The page itself lists them: nothing lies over it.
  assert.equal(await page.getByRole("alertdialog").count(), 0);
  await page.keyboard.press("Enter");
  await page.locator('.call[data-phase="up"]').waitFor();
  await page.getByRole("region", { name: "Call with Kwame Mensah" }).waitFor();
  await page.getByRole("button", { name: "Answer Fatima El-Amin" }).and(page.locator(":disabled")).waitFor();
  await page.getByText("Transfer or end the call first.").waitFor();
  // A key too many does no harm.
  await page.keyboard.press("Enter");
  await page.keyboard.type("che");
  await tile(page, "Chen Wei").and(page.locator("[aria-selected=true]")).waitFor();
  await page.keyboard.press("Enter");
  await until(() => asked(mock, "call.transfer").length === 1, "the first is transferred");
  assert.deepEqual(asked(mock, "call.transfer")[0], { op: "call.transfer", call: "call-8", to: CHEN });
  await page.getByText("Transferring to Chen Wei…").first().waitFor();
  mock.call("ended", { call: "call-8", with: "kwame@example.test", reason: "transferred" });
  await page.getByRole("button", { name: "Answer Fatima El-Amin" }).and(page.locator(":enabled")).waitFor();
  assert.equal(await field(page).inputValue(), "");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Call with Fatima El-Amin" }).waitFor();
  await page.locator('.call[data-phase="up"]').waitFor();
  assert.deepEqual(asked(mock, "call.answer").map((a) => a.call), ["call-8", "call-9"]);
  assert.equal(asked(mock, "call.end").length, 0);
});

story("a call waits, is declined by its button, and a transfer that fails gives the call back", {}, async ({ page, mock }) => {
  await signIn(page, "#/calls");
  await page.getByRole("link", { name: "Switchboard" }).click();
  await page.getByText("No call waits.").waitFor();
  await rings(page, mock, "call-8", "kwame");
  await rings(page, mock, "call-9", "fatima");
  await page.getByRole("button", { name: "Decline Fatima El-Amin" }).click();
  await until(() => asked(mock, "call.end").some((a) => a.call === "call-9"), "it is declined");
  await page.getByRole("button", { name: "Answer Kwame Mensah" }).click();
  await page.locator('.call[data-phase="up"]').waitFor();
  await tile(page, "Chen Wei").hover();
  await tile(page, "Chen Wei").getByRole("button", { name: "Transfer to Chen Wei" }).click();
  await until(() => asked(mock, "call.transfer").length === 1, "it is transferred");
  mock.call("not_transferred", { call: "call-8", with: "kwame@example.test", reason: "no_answer" });
  await page.getByRole("alert").getByText("Chen Wei does not answer. You are in the call with Kwame Mensah again.").waitFor();
  // The one who is in the call cannot have it.
  await tile(page, "Kwame Mensah").getByRole("button").and(page.locator(":disabled")).waitFor({ state: "attached" });
});

story("somebody is found, chosen with the arrows, and called", {}, async ({ page, mock }) => {
  await signIn(page, BOARD);
  await tile(page, "Chen Wei").waitFor();
  await page.getByRole("link", { name: "Calls", exact: true }).first().focus();
  await page.keyboard.press("/");
  await page.keyboard.type("mar");
  // Of the directory, with what they are doing.
  await tile(page, "Martin Okonkwo").getByText("Offline").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  const chosen = page.locator("[aria-selected=true]");
  await chosen.and(tile(page, "Martin Okonkwo")).waitFor();
  assert.equal(await field(page).getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
  await page.keyboard.press("ArrowLeft");
  await chosen.and(tile(page, "Marta Lindqvist")).waitFor();
  await page.keyboard.press("Enter");
  await answerCall(page, mock, true, { with: "marta@example.test" });
  assert.equal(asked(mock, "call.start")[0].to, "marta@example.test");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Hang up" }).click();
});

story("those who are free are shown alone, as they become it", {}, async ({ page, mock }) => {
  await signIn(page, BOARD);
  await tile(page, "Bob Marchetti").getByText("In a call").waitFor();
  await page.getByLabel("Available only").check();
  await tile(page, "Bob Marchetti").waitFor({ state: "detached" });
  await tile(page, "Chen Wei").waitFor();
  mock.presence("bob", { state: "available", activity: "" });
  await tile(page, "Bob Marchetti").waitFor();
  mock.presence("chen", { state: "busy", activity: "on-the-phone" });
  await tile(page, "Chen Wei").waitFor({ state: "detached" });
});

const many = crowd(2000);

story("two thousand people are drawn as far as they are in sight", { prepare: (m) => Object.assign(m, { contacts: many.list, groups: many.groups }) }, async ({ page, mock }) => {
  await signIn(page, BOARD);
  await page.getByText("2000 people").waitFor();
  assert.ok((await page.getByRole("gridcell").count()) < 150);
  await field(page).fill("1234");
  await tile(page, "Person 1234").waitFor();
  assert.equal(await page.getByRole("gridcell").count(), 1);
  await page.keyboard.press("Escape");
  await page.getByText("2000 people").waitFor();
  for (let i = 0; i < 40; i++) await page.keyboard.press("ArrowDown");
  const chosen = page.locator("[aria-selected=true]");
  await until(() => chosen.evaluate((e) => {
    const [a, b] = [e.getBoundingClientRect(), document.getElementById("board").getBoundingClientRect()];
    return a.top >= b.top && a.bottom <= b.bottom;
  }), "what is chosen is in sight");
  await go(page, "#/chats");
  await page.getByRole("heading", { name: "Chats" }).waitFor();
  assert.equal(asked(mock, "call.start").length, 0);
});
