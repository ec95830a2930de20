// Calls are sent on to somebody else, and so is the user, in a real browser against the mock.

import assert from "node:assert/strict";

import { answerCall, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const BOB = "#/chats/bob%40example.test";
const CHEN = "chen@example.test";
const ON = { call: "call-1-on", with: CHEN };

const story = stories();

async function talking({ page, mock }) {
  await signIn(page, BOB);
  await page.getByRole("button", { name: "Call Bob Marchetti" }).click();
  await answerCall(page, mock);
}

const asked = (mock, op) => mock.asked.filter((a) => a.op === op);

async function transfer(page, mock, letters) {
  await page.getByRole("button", { name: "Transfer", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Transfer Bob Marchetti to" });
  await dialog.getByRole("combobox").fill(letters);
  await dialog.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await until(() => asked(mock, "call.transfer").length > 0, "the transfer is asked for");
}

story("a call is transferred by the bar", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  await transfer(page, mock, "chen");
  assert.deepEqual(asked(mock, "call.transfer"), [{ op: "call.transfer", call: "call-1", to: CHEN }]);
  assert.match(asked(mock, "call.update").at(-1).sdp, /a=inactive/);
  const bar = page.getByRole("region", { name: "Call with Bob Marchetti" });
  await bar.getByText("Transferring to Chen Wei…").waitFor();
  await page.getByRole("button", { name: "Transfer", exact: true }).and(page.locator(":disabled")).waitFor();
  mock.call("ended", { reason: "transferred" });
  await bar.getByText("Bob Marchetti is connected to Chen Wei now.").waitFor();
  await bar.waitFor({ state: "detached" });
});

story("a transfer that fails gives the call back", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  await transfer(page, mock, "chen");
  mock.call("not_transferred", { reason: "busy" });
  const bar = page.getByRole("region", { name: "Call with Bob Marchetti" });
  await bar.getByRole("alert").getByText("Chen Wei is busy. You are in the call with Bob Marchetti again.").waitFor();
  await bar.getByText("In a call").waitFor();
  await until(() => /a=sendrecv/.test(asked(mock, "call.update").at(-1).sdp), "it is on hold no more");
  mock.instead["call.transfer"] = () => ({ error: { code: "not_possible", text: "", remedy: "" } });
  await transfer(page, mock, "fatima");
  await bar.getByRole("alert").getByText("The device of Bob Marchetti cannot be transferred.").waitFor();
  await bar.getByText("In a call").waitFor();
  await until(() => mock.openUpdates.size === 0, "nothing is under way");
});

story("nobody is offered who cannot have the call", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  await page.getByRole("button", { name: "Transfer", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("option").first().waitFor();
  assert.equal(await dialog.getByRole("option", { name: /Bob Marchetti|Hamburg roll-out/ }).count(), 0);
  await dialog.getByRole("combobox").fill("marta");
  // Of strangers it is said, too, what they are doing.
  await dialog.getByRole("option", { name: /Marta Lindqvist.*Available/ }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(asked(mock, "call.transfer").length, 0);
});

story("the user is transferred, and the old call ends", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  mock.call("refer", { to: CHEN });
  const bar = page.getByRole("region", { name: "Call with Chen Wei" });
  await bar.getByText("Bob Marchetti transfers you.").waitFor();
  await until(() => asked(mock, "call.start").length === 2, "the next one is called");
  const { to, refer, sdp } = asked(mock, "call.start")[1];
  assert.deepEqual([to, refer, sdp.includes("m=video")], [CHEN, "call-1", false]);
  await answerCall(page, mock, true, ON);
  mock.call("ended", { reason: "hung_up" });
  await bar.getByText("In a call").waitFor();
  assert.equal(asked(mock, "call.end").length, 0);
  await page.getByRole("button", { name: "Hang up" }).click();
  await bar.waitFor({ state: "detached" });
  assert.deepEqual(asked(mock, "call.end").map((a) => a.call), ["call-1-on"]);
});

story("the user is transferred to somebody who does not answer, and is back in the old call", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  mock.call("refer", { to: CHEN });
  await until(() => asked(mock, "call.start").length === 2, "the next one is called");
  mock.call("ringing", ON);
  await page.getByText("Bob Marchetti transfers you. Ringing…").first().waitFor();
  mock.call("ended", { ...ON, reason: "no_answer" });
  const bar = page.getByRole("region", { name: "Call with Bob Marchetti" });
  await bar.getByRole("alert").getByText("Chen Wei does not answer. You are in the call with Bob Marchetti again.").waitFor();
  await bar.getByText("In a call").waitFor();
  // What is heard is heard again.
  await page.waitForFunction(() => document.querySelector(".call audio")?.srcObject?.getAudioTracks()[0]?.readyState === "live");
  await page.getByRole("button", { name: "Hang up" }).click();
  await bar.waitFor({ state: "detached" });
});

story("who hangs up while being transferred is in neither call", {}, async ({ page, mock }) => {
  await talking({ page, mock });
  mock.call("refer", { to: CHEN });
  await until(() => asked(mock, "call.start").length === 2, "the next one is called");
  mock.call("ringing", ON);
  await page.getByText("Ringing…").first().waitFor();
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.locator(".call").waitFor({ state: "detached" });
  await until(() => asked(mock, "call.end").length === 2, "both are told");
});
