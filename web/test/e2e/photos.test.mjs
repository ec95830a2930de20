// Photos of people: in place of their initials, and the own one in the settings.

import assert from "node:assert/strict";

import { picture } from "../mock/picture.mjs";
import { go, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const story = stories();

const photo = (where) => where.locator(".avatar img.photo");
const drawn = (where) => until(async () => (await photo(where).count()) > 0 && photo(where).first().evaluate((i) => i.naturalWidth > 0), "a photo is drawn");
const png = (width = 640, height = 480) => ({ name: "me.png", mimeType: "image/png", buffer: picture(width, height) });

story("a photo is in the list, the chat and the card, and goes when it is taken away", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats/bob%40example.test");
  const row = page.getByRole("option", { name: /Bob Marchetti/ });
  await row.waitFor();
  assert.equal(await photo(row).count(), 0, "there are initials");
  const name = mock.setPhoto("bob", picture(96, 96));
  await drawn(row);
  await drawn(page.locator(".chat-head, .view-head").filter({ hasText: "Bob" }).first());
  assert.ok((await photo(row).getAttribute("src")).endsWith(`/photos/${name}`));
  mock.setPhoto("bob", null);
  await until(async () => (await photo(page).count()) === 0, "the initials are back");
});

story("a photo that does not come leaves the initials, and another address is none", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats/bob%40example.test");
  mock.presence("bob", { photo: "0".repeat(32) });
  const row = page.getByRole("option", { name: /Bob Marchetti/ });
  await until(async () => (await photo(row).count()) === 1, "it is asked for");
  await until(() => photo(row).evaluate((i) => i.complete), "it did not come");
  assert.equal(await photo(row).evaluate((i) => i.naturalWidth), 0);
  assert.equal(await row.locator(".initials").getAttribute("data-initials"), "BM");
  mock.presence("bob", { photo: "../api/v1/logout" });
  await until(async () => (await photo(row).count()) === 0, "that is no photo");
});

story("the own photo is chosen, made small, shown, and removed", {}, async ({ page, mock }) => {
  await signIn(page, "#/settings");
  const own = page.locator(".own-photo");
  await own.getByRole("button", { name: "Choose a photo…" }).waitFor();
  await own.locator("input[type=file]").setInputFiles({ name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await own.getByRole("alert").getByText("This file is no picture").waitFor();
  assert.equal(mock.photo, "");
  await own.locator("input[type=file]").setInputFiles(png());
  await drawn(own);
  const content = mock.photos.get(mock.photo);
  assert.ok(content.length < 30 * 1024, "it is small");
  assert.deepEqual(await photo(own).evaluate((i) => [i.naturalWidth, i.naturalHeight]), [256, 256]);
  await drawn(page.getByRole("navigation"));
  await page.reload();
  await drawn(page.getByRole("navigation"));
  await go(page, "#/settings");
  await own.getByRole("button", { name: "Remove photo" }).click();
  await until(async () => (await photo(page).count()) === 0, "it is gone");
  assert.equal(mock.photo, "");
});
