// What people do, in a real browser against the mock.

import assert from "node:assert/strict";

import { crowd, talk, TEAM } from "../mock/data.mjs";
import { go, signIn, until } from "./browser.mjs";
import { stories } from "./story.mjs";

const BOB = "#/chats/bob%40example.test";

const story = stories();

const composer = (page) => page.getByRole("textbox", { name: /Message to/ });
const sends = (mock) => mock.asked.filter((a) => a.op === "chat.send");
const bubble = (page, text) => page.locator(".bubble").getByText(text, { exact: true });

async function write(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Whether a field has room for all the words that stand in it while it is empty. */
const showsItsWords = (field) =>
  field.evaluate((input) => {
    const style = getComputedStyle(input);
    const paint = document.createElement("canvas").getContext("2d");
    paint.font = style.font;
    const room = input.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
    return input.placeholder !== "" && paint.measureText(input.placeholder).width <= room;
  });

story("the field of the search shows what it is for, and has a button once something is written", {}, async ({ page }) => {
  await signIn(page, "#/chats");
  const field = page.getByLabel("Search people and messages");
  await until(() => showsItsWords(field), "the words have room");
  await field.fill("a name that is much longer than any field could ever be, and does not end here");
  const [text, button] = await Promise.all([field.boundingBox(), page.getByRole("button", { name: "Clear the search" }).boundingBox()]);
  const end = await field.evaluate((input) => parseFloat(getComputedStyle(input).paddingInlineEnd));
  assert.ok(text.x + text.width - end <= button.x, "what is written ends before the button");
});

story("sign in, stay signed in over a reload, sign out", {}, async ({ page, mock }) => {
  await signIn(page);
  await page.reload();
  await page.getByRole("navigation").waitFor();
  const hellos = mock.asked.filter((a) => a.op === "hello");
  assert.equal(hellos[0].tab, hellos[1].tab, "a reload is the same endpoint");
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User name").waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((k) => k.includes("alice"))), []);
});

story("a lock-out counts down and then lets one try", {}, async ({ page, mock }) => {
  mock.locked = 2;
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Too many attempts").waitFor();
  assert.equal(await page.getByRole("button", { name: "Sign in" }).isDisabled(), true);
  mock.locked = 0;
  await page.getByText("You can try again now.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
});

story("presence changes where it is seen, by colour and by shape", {}, async ({ page, mock }) => {
  await signIn(page, "#/people");
  const row = page.getByRole("treeitem", { name: /Bob Marchetti/ });
  await row.getByText("In a call").waitFor();
  mock.presence("bob", { state: "away", activity: undefined });
  await row.locator("[data-state=away]").waitFor();
  await row.getByText("Away").waitFor();
});

story("a chat both ways, typing, unread, and the new line", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await write(page, "On it.");
  await page.getByText("Delivered", { exact: true }).waitFor();
  assert.equal(mock.asked.some((a) => a.op === "chat.typing" && a.on), true);
  mock.typing("bob");
  await page.getByText("Bob Marchetti writes").waitFor();
  mock.say("bob", "Perfect");
  await bubble(page, "Perfect").waitFor();
  mock.say("fatima", "Ping");
  mock.say("fatima", "Pong");
  await until(async () => (await page.title()) === "(2) Dialtone", "the title counts");
  await page.getByRole("option", { name: /Fatima/ }).click();
  await page.getByText("New", { exact: true }).waitFor();
  await until(async () => (await page.title()) === "Dialtone", "the title is clear");
});

story("what is written without a connection is sent once, in order", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".msg").first().waitFor();
  mock.cut(true);
  await page.getByRole("button", { name: "Try now" }).waitFor();
  for (const text of ["first", "second", "third"]) await write(page, text);
  assert.equal(sends(mock).length, 0);
  mock.refuseSockets = false;
  await until(() => sends(mock).length === 3, "three are sent");
  assert.deepEqual(sends(mock).map((s) => s.text), ["first", "second", "third"]);
  await page.getByText("Delivered", { exact: true }).waitFor();
  assert.equal(await page.locator(".bubble").getByText("second", { exact: true }).count(), 1);
});

story("the button tries at once", {}, async ({ page, mock }) => {
  await page.clock.install();
  await page.reload();
  await signIn(page);
  mock.cut(true);
  const button = page.getByRole("button", { name: "Try now" });
  await button.waitFor();
  // The page's clock stands still: no attempt is made but by the button.
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await until(() => mock.refused > 0, "the attempts that were due are made");
  const before = mock.refused;
  await button.click();
  await until(() => mock.refused > before, "it was tried");
});

story("a resumed session gets what it missed, once", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".msg").first().waitFor();
  mock.cut(true);
  mock.say("bob", "while you were away");
  mock.refuseSockets = false;
  await bubble(page, "while you were away").waitFor();
  const again = mock.asked.filter((a) => a.op === "hello").at(-1);
  assert.ok(again.resume, "it asked to resume");
  assert.equal(await bubble(page, "while you were away").count(), 1);
});

story("a lost answer is asked for again under the same mark", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  await page.locator(".msg").first().waitFor();
  mock.instead["chat.send"] = () => {
    delete mock.instead["chat.send"];
    mock.cut();
    return null;
  };
  await write(page, "did you get this");
  await until(() => sends(mock).length === 2, "it is sent again");
  assert.equal(sends(mock)[0].ref, sends(mock)[1].ref);
  assert.equal(await bubble(page, "did you get this").count(), 1);
});

story("a refused message can be tried again", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  mock.instead["chat.send"] = () => ({ error: { code: "blocked", text: "", remedy: "" } });
  await write(page, "hello");
  await page.getByText("does not take messages from you").waitFor();
  delete mock.instead["chat.send"];
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Delivered", { exact: true }).waitFor();
  assert.equal(await page.getByText("Not sent").count(), 0);
});

story("somebody who is not signed in gets it later", {}, async ({ page }) => {
  await signIn(page, "#/chats/gustav%40example.test");
  await write(page, "When are you back?");
  await page.getByText("Delivered when Gustav Bauer signs in").waitFor();
});

story("a draft stays with its chat", {}, async ({ page }) => {
  await signIn(page, BOB);
  await composer(page).fill("half a thou");
  await page.getByRole("option", { name: /Chen Wei/ }).click();
  await page.getByText("Draft: half a thou").waitFor();
  await page.reload();
  await page.getByRole("option", { name: /Bob/ }).click();
  await until(async () => (await composer(page).inputValue()) === "half a thou", "the draft is there");
});

story("nothing that somebody else wrote becomes markup", {}, async ({ page, mock }) => {
  const evil = '<img src=x onerror="window.bad=1"><script>window.bad=1</script>';
  await signIn(page, BOB);
  mock.presence("bob", { name: evil, note: evil, title: evil, activity: evil });
  mock.contacts = mock.contacts.map((c) => (c.uri === "bob@example.test" ? { ...c, name: evil } : c));
  mock.groups = mock.groups.map((g) => ({ ...g, name: g.id === 1 ? "~" : evil }));
  mock.tellContacts();
  mock.say("bob", `${evil} **${evil}** \`${evil}\` javascript:alert(1) https://example.test/"onclick="x`);
  await page.locator(".bubble strong").last().getByText("<img").waitFor();
  await page.getByRole("button", { name: /Details of/ }).click();
  await go(page, "#/people/bob%40example.test");
  await page.getByRole("article").waitFor();
  assert.equal(await page.locator("img, main script").count(), 0);
  assert.equal(await page.evaluate(() => window.bad), undefined);
  await go(page, BOB);
  const hrefs = await page.locator(".bubble a").evaluateAll((all) => all.map((a) => a.protocol));
  assert.deepEqual([...new Set(hrefs)], ["https:"]);
});

story("the directory is searched as one types, and somebody is added, moved, removed", {}, async ({ page, mock }) => {
  await signIn(page, "#/people");
  await page.getByLabel("Search people").first().fill("marta");
  await page.getByRole("option", { name: /Marta Lindqvist/ }).click();
  await page.getByRole("button", { name: "Add to contacts" }).click();
  await page.getByRole("button", { name: "Product" }).click();
  await until(() => mock.contacts.some((c) => c.uri === "marta@example.test" && c.groups.includes(3)), "she is in the group");
  await page.getByRole("button", { name: "Remove from contacts" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Add to contacts" }).waitFor();
  assert.equal(mock.contacts.some((c) => c.uri === "marta@example.test"), false);
});

story("own state and note", {}, async ({ page, mock }) => {
  await signIn(page);
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("radio", { name: "Appear offline" }).check();
  await page.getByLabel("Note").fill("At home today");
  await page.getByRole("button", { name: "Save" }).click();
  await until(() => mock.self.chosen === "offline" && mock.self.note === "At home today", "both are told");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /Alice Example, Offline/ }).waitFor();
});

story("all by keyboard", {}, async ({ page, mock }) => {
  await signIn(page);
  await page.getByRole("option").first().waitFor();
  const focused = (what) => until(() => page.evaluate((w) => !!document.activeElement?.matches(w), what), `the focus is on ${what}`);
  const row = (uri) => focused(`[data-key="${uri}"]`);
  await page.keyboard.press("Control+k");
  await focused("[role=combobox]");
  await page.keyboard.type("chen");
  await page.getByRole("dialog").getByRole("option", { name: /Chen Wei/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Chen Wei" }).waitFor();
  await focused(".composer textarea");
  await page.keyboard.type("typed without a mouse");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await until(() => sends(mock).at(-1)?.text === "typed without a mouse\nsecond line", "two lines are sent");
  await page.keyboard.press("Alt+ArrowDown");
  await page.getByRole("heading", { name: "Bob Marchetti" }).waitFor();
  await page.keyboard.press("Escape");
  await row("bob@example.test");
  await page.keyboard.press("ArrowDown");
  await row("fatima@example.test");
  await page.keyboard.press("k");
  await row("kwame@example.test");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Kwame Mensah" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
});

const many = (m) => {
  const { groups, list } = crowd(2000);
  Object.assign(m, { groups, contacts: list });
};

story("two thousand contacts are a short list in the page", { prepare: many }, async ({ page, mock }) => {
  await signIn(page, "#/people");
  await page.getByRole("treeitem").first().waitFor();
  const drawn = () => page.getByRole("treeitem").count();
  assert.ok((await drawn()) < 40, `${await drawn()} rows are drawn`);
  await page.getByRole("treeitem").first().focus();
  await page.keyboard.press("End");
  await page.getByRole("treeitem", { name: /Person 1960/ }).waitFor();
  assert.ok((await drawn()) < 60);
  mock.event("presence", { people: mock.contacts.map((c) => ({ uri: c.uri, state: "available" })) });
  await page.getByRole("treeitem", { name: /Person 1960 Available/ }).waitFor();
  await page.getByLabel("Search people").first().fill("Person 17");
  await page.getByRole("option", { name: /Person 1700/ }).waitFor();
});

story("an ended log-in leads to the sign-in page", {}, async ({ page, mock }) => {
  await signIn(page);
  mock.forget(true);
  mock.end(4001);
  await page.getByText("Your sign-in has ended").waitFor();
  await page.getByLabel("User name").waitFor();
});

story("a log-in that ended while there was no connection is noticed too", {}, async ({ page, mock }) => {
  await signIn(page);
  mock.forget(true);
  mock.cut();
  await page.getByText("Your sign-in has ended").waitFor();
});

story("two tabs are two endpoints, a duplicated one too", {}, async ({ page, mock, context, address }) => {
  await signIn(page, "#/people");
  const first = mock.asked.find((a) => a.op === "hello").tab;
  const copy = await context.newPage();
  await copy.addInitScript((tab) => sessionStorage.getItem("dialtone.tab") ?? sessionStorage.setItem("dialtone.tab", tab), first);
  await copy.goto(address);
  await copy.getByRole("navigation").waitFor();
  await until(() => mock.asked.filter((a) => a.op === "hello").length === 2, "both said hello");
  assert.notEqual(mock.asked.filter((a) => a.op === "hello")[1].tab, first, "a duplicated tab is not the same endpoint");
});

story("German, and the language from right to left", { locale: "de-DE" }, async ({ page }) => {
  await page.getByLabel("Benutzername").fill("alice");
  await page.getByLabel("Passwort", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await until(() => showsItsWords(page.getByLabel("Personen, Nachrichten suchen")), "the German words have room");
  await go(page, "#/settings");
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de-DE");
  assert.deepEqual(await page.getByLabel("Sprache").locator("option").allTextContents(), ["Wie der Browser", "English", "Deutsch"]);
  await page.evaluate(() => localStorage.setItem("dialtone.prefs", JSON.stringify({ language: "rtl" })));
  await page.reload();
  await until(() => page.evaluate(() => document.documentElement.dir === "rtl"), "it is turned");
  const rail = await page.getByRole("navigation").boundingBox();
  assert.ok(rail.x > 600, "the rail stands on the right");
});

story("the address of a distribution group stands for its members", {}, async ({ page, mock }) => {
  await signIn(page);
  await page.getByRole("button", { name: "New group chat" }).click();
  await page.getByLabel("Name of the group").fill("Sales");
  const find = page.getByRole("textbox", { name: "Find people to add" });
  for (const address of ["chen@example.test", "sales@example.test", "new@example.test"]) {
    await find.fill(address);
    await page.getByRole("list", { name: "Search people" }).getByRole("button").first().waitFor();
    await page.keyboard.press("Enter");
    await until(async () => (await find.inputValue()) === "", "it is taken");
    if (address.startsWith("sales")) await page.getByText("sales@example.test has more members").waitFor();
  }
  const chosen = page.getByRole("list", { name: "Chosen people" });
  await chosen.getByText("new", { exact: true }).waitFor();
  assert.equal(await chosen.getByRole("listitem").count(), 4);
  await page.getByText("sales@example.test has more members").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Create group" }).click();
  await until(() => mock.asked.filter((a) => a.op === "conference.add").length === 4, "they are added");
});

story("a group chat is made, people come and go, and it is left", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats");
  await page.getByRole("button", { name: "New group chat" }).click();
  await page.getByLabel("Name of the group").fill("Summer party");
  assert.equal(await page.getByRole("button", { name: "Create group" }).isDisabled(), true, "nobody is chosen");
  for (const [letters, name] of [["chen", "Chen Wei"], ["marta", "Marta Lindqvist"]]) {
    await page.getByLabel("Find people to add").fill(letters);
    await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  }
  await page.getByRole("button", { name: "Create group" }).click();
  await page.getByRole("heading", { name: "Summer party", level: 1 }).waitFor();
  await page.getByText("3 members").waitFor();
  const [sent] = sends(mock);
  assert.match(sent.to, /^conf-[0-9a-f]{32}\.alice@/);
  assert.match(sent.text, /Summer party/);
  mock.sayIn(sent.to, "marta", "With cake?");
  await bubble(page, "With cake?").waitFor();
  await page.locator(".msg-name").getByText("Marta Lindqvist").waitFor();
  await page.getByRole("button", { name: "Details of Summer party" }).click();
  await page.getByRole("button", { name: "Remove Chen Wei from the group" }).click();
  await page.locator("header").getByText("2 members").waitFor();
  await page.getByRole("button", { name: "Rename" }).click();
  await page.locator(".contact").getByLabel("Name of the group").fill("Winter party");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Winter party", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Leave group" }).click();
  await page.locator(".sure").getByRole("button", { name: "Leave group" }).click();
  await page.locator(".chat-out").waitFor();
  assert.equal(await composer(page).count(), 0, "nothing can be written any more");
});

story("who leads a group lets another member lead it", {}, async ({ page, mock }) => {
  await signIn(page, `#/chats/${encodeURIComponent(TEAM)}`);
  await page.getByRole("button", { name: "Details of Hamburg roll-out" }).click();
  const of = (name) => page.locator(".member", { hasText: name });
  await of("Alice Example").getByText("Leads the group").waitFor();
  await page.getByRole("button", { name: "Leave group" }).click();
  await page.getByText("Who has been in it for longest leads it then").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Let Bob Marchetti lead the group" }).click();
  assert.equal(mock.asked.some((a) => a.op === "conference.lead"), false, "it is asked first");
  await page.locator(".sure").getByRole("button", { name: "Let Bob Marchetti lead the group" }).click();
  await of("Bob Marchetti").getByText("Leads the group").waitFor();
  await until(async () => (await page.getByRole("button", { name: /^(Rename|Remove .* from the group|Let .* lead .*)$/ }).count()) === 0, "nothing of it is left to Alice");
  await page.getByRole("button", { name: "Leave group" }).click();
  await page.getByText("You will read nothing more").waitFor();
  assert.equal(await page.getByText("Who has been in it for longest").count(), 0, "Bob leads it on");
});

story("a group chat shows who speaks, and a muted one is quiet", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats");
  await page.getByRole("option", { name: /Hamburg roll-out/ }).getByText("You: Twelve").waitFor();
  mock.sayIn(TEAM, "bob", "Settled then");
  await page.getByRole("option", { name: /Hamburg roll-out/ }).getByText("Bob Marchetti: Settled then").waitFor();
  await page.locator(".toast").getByText("Bob Marchetti: Settled then").waitFor();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("option", { name: /Hamburg roll-out/ }).click();
  await page.getByRole("button", { name: "Details of Hamburg roll-out" }).click();
  await page.getByLabel("No notifications of this group").check();
  await go(page, BOB);
  mock.sayIn(TEAM, "bob", "One more thing");
  await page.getByRole("option", { name: /Hamburg roll-out/ }).getByText("Bob Marchetti: One more thing").waitFor();
  assert.equal(await page.locator(".toast").count(), 0, "no toast");
});

story("who cannot be added is told, and the group is there without them", {}, async ({ page, mock }) => {
  await signIn(page, "#/chats");
  mock.instead["conference.add"] = () => ({ error: { code: "not_found", text: "", remedy: "" } });
  await page.getByRole("button", { name: "New group chat" }).click();
  await page.getByLabel("Name of the group").fill("Nobody");
  await page.getByLabel("Find people to add").fill("chen");
  await page.getByRole("button", { name: /^Chen Wei/ }).click();
  await page.getByRole("button", { name: "Create group" }).click();
  await page.getByText("Chen Wei could not be added").waitFor();
  await page.getByRole("button", { name: "Open it without them" }).click();
  await page.getByRole("heading", { name: "Nobody", level: 1 }).waitFor();
});

story("log-ins elsewhere are seen and ended, one and all", {}, async ({ page, mock }) => {
  await signIn(page, "#/settings");
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByText("Chrome, Linux").waitFor();
  await page.getByRole("button", { name: "Sign out Safari, iPhone" }).click();
  await page.getByText("Safari, iPhone").waitFor({ state: "detached" });
  assert.deepEqual(mock.logins.map((l) => l.number), [12, 4]);
  mock.logins.push({ ...mock.logins[1], number: 30 });
  await page.reload();
  await page.getByRole("button", { name: "Sign out all others" }).click();
  await page.getByText("Unknown browser").first().waitFor({ state: "detached" });
  assert.deepEqual(mock.logins.map((l) => l.number), [12]);
});

story("who must have a second factor sets it up, and signs in with a code from then on", { prepare: (m) => Object.assign(m, { required: true, proved: true }) }, async ({ page, mock }) => {
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("The code that it shows now").fill("654321");
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("That is not right.").waitFor();
  await page.getByLabel("The code that it shows now").fill("123456");
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByRole("button", { name: "I have kept them" }).click();
  await page.getByRole("navigation").waitFor();
  await page.getByRole("button", { name: /change your state/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Code").fill("123456");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation").waitFor();
  assert.equal(mock.factor, true);
});

story("the own password is changed, and nobody else is signed in then", {}, async ({ page, mock }) => {
  await signIn(page, "#/settings/security");
  await page.getByText("Safari, iPhone").waitFor();
  await page.getByRole("button", { name: "Change password" }).click();
  const [current, next, again] = ["Current password", "New password", "New password again"].map((name) => page.getByLabel(name, { exact: true }));
  const types = async (...words) => {
    for (const [i, field] of [current, next, again].entries()) await field.fill(words[i]);
    await page.keyboard.press("Enter");
  };
  await until(() => current.evaluate((el) => el === document.activeElement), "the first field has the focus");
  await types("wrong", "a better one", "a bitter one");
  await page.getByText("This is not the same as above.").waitFor();
  await until(() => again.evaluate((el) => el === document.activeElement && el.getAttribute("aria-invalid") === "true"), "that field is shown");
  await types("secret", "short", "short");
  await page.getByText("This one is too easy to guess").waitFor();
  await until(() => next.evaluate((el) => el === document.activeElement), "the new one is asked for again");
  await types("wrong", "a better one", "a better one");
  await page.getByText("This is not your password of today.").waitFor();
  await until(() => current.evaluate((el) => el === document.activeElement), "and the current one");
  assert.equal(mock.password, "secret");
  await types("secret", "a better one", "a better one");
  await page.getByText("Your password is changed.").first().waitFor();
  assert.equal(mock.password, "a better one");
  await page.getByText("Safari, iPhone").waitFor({ state: "detached" });
  await page.getByText("This browser", { exact: true }).waitFor();
});

story("with a second factor, a new password wants its code", { prepare: (m) => Object.assign(m, { oidc: "Company" }) }, async ({ page, mock }) => {
  await signIn(page, "#/settings/security");
  mock.factor = true;
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("You always sign in with Company?").waitFor();
  await page.getByLabel("Current password").fill("secret");
  await page.getByLabel("New password", { exact: true }).fill("a better one");
  await page.getByLabel("New password again").fill("a better one");
  await page.getByRole("button", { name: "Change it" }).click();
  const code = page.getByLabel("Code", { exact: true });
  await until(() => code.evaluate((el) => el === document.activeElement), "the code's field has the focus");
  await code.fill("654321");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByText("The current password or the code is not right").waitFor();
  await code.fill("123456");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByText("Your password is changed.").first().waitFor();
  assert.equal(mock.password, "a better one");
});

story("a phone gets a password and loses it again", {}, async ({ page, mock }) => {
  await signIn(page, "#/settings/security");
  await page.getByLabel("Name of a new phone").fill("Kitchen");
  await page.getByRole("button", { name: "Make a password" }).click();
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("That is not right.").waitFor();
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("k7m2p9qrs4tuvwxy3zab").waitFor();
  await page.getByRole("button", { name: "Revoke Kitchen" }).click();
  await page.getByRole("button", { name: "Revoke Kitchen" }).waitFor({ state: "detached" });
  assert.deepEqual(mock.devices.map((d) => d.name), ["Desk phone"]);
});

story("a program gets a token and loses it again", {}, async ({ page, mock }) => {
  await signIn(page, "#/settings/security");
  await page.getByLabel("Name of a new program").fill("Alarm");
  await page.getByLabel("The token ends").selectOption({ label: "never" });
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("dtk_AAAA").waitFor();
  assert.deepEqual(mock.tokens.map((d) => [d.name, d.ends_at === null]), [["Build bot", false], ["Alarm", true]]);
  await page.getByRole("button", { name: "Revoke Alarm" }).click();
  await page.getByRole("button", { name: "Revoke Alarm" }).waitFor({ state: "detached" });
  assert.deepEqual(mock.tokens.map((d) => d.name), ["Build bot"]);
});

story("the company's own sign-on signs in, and what goes wrong there is said", { prepare: (m) => Object.assign(m, { oidc: "Company <b>", oidcTrouble: "unknown" }) }, async ({ page, mock }) => {
  const link = page.getByRole("link", { name: "Sign in with Company <b>" });
  await page.getByText("That of your account, not that of a phone.").waitFor();
  await page.getByText("The password of Company <b> is typed there, not here.").waitFor();
  await link.click();
  await page.getByText("You are known there, but have no account here.").waitFor();
  await until(() => page.evaluate(() => location.hash === "#/"), "the address is as before");
  mock.oidcTrouble = "";
  await link.click();
  await page.getByRole("navigation").waitFor();
  await page.getByRole("heading", { name: "Chats", level: 1 }).waitFor();
});

story("no other sign-on is shown where there is none", {}, async ({ page, mock }) => {
  await page.getByLabel("User name").waitFor();
  await until(() => mock.ways > 0, "the page has asked");
  assert.equal(await page.getByRole("link").count(), 0);
});

story("who signed in by the company's sign-on proves it there in place of a password", { prepare: (m) => Object.assign(m, { oidc: "Company", oidcTrouble: "unproved" }) }, async ({ page, mock }) => {
  await signIn(page, "#/settings/security");
  const make = async () => {
    await page.getByLabel("Name of a new phone").fill("Kitchen");
    await page.getByRole("button", { name: "Make a password" }).click();
  };
  await make();
  await page.getByRole("link", { name: "Sign in with Company" }).click();
  await page.getByText("You were not asked there who you are").waitFor();
  mock.oidcTrouble = "";
  await make();
  await page.getByRole("link", { name: "Sign in with Company" }).click();
  await until(() => mock.proved, "it is proved");
  await page.getByRole("button", { name: "Revoke Desk phone" }).waitFor();
  await until(() => page.evaluate(() => document.querySelectorAll("[role=dialog]").length === 0), "the page is there anew");
  await make();
  await page.getByText("k7m2p9qrs4tuvwxy3zab").waitFor();
});

story("a page that found no server goes on by itself when there is one", {}, async ({ page }) => {
  await page.route("**/session", (route) => route.abort());
  await page.reload();
  await page.getByText("The server does not answer").waitFor();
  await page.unroute("**/session");
  await page.getByLabel("User name").waitFor();
});

story("messages are searched back and back, and the chat opens at the one that was found", { prepare: (m) => m.messages.push(...talk(150)) }, async ({ page, mock }) => {
  await signIn(page, "#/chats");
  const field = page.getByLabel("Search people and messages");
  await field.fill("NEEDLE");
  await page.getByRole("radio", { name: "Messages" }).check();
  const hit = page.getByRole("list", { name: "Messages that were found" }).getByRole("button", { name: /Bob Marchetti/ });
  await hit.getByText("needle", { exact: true }).waitFor();
  assert.ok(mock.asked.filter((a) => a.op === "chat.search").length > 2, "part by part");
  await hit.click();
  const found = page.locator(".bubble").getByText("the needle in it");
  await found.waitFor();
  await until(() => found.evaluate((e) => {
    const { top, bottom } = e.getBoundingClientRect();
    return top > 0 && bottom < innerHeight;
  }), "the message is seen");
  await field.fill("no such words");
  await page.getByText("No message with").waitFor();
  await field.fill("Saturday");
  await page.getByRole("list", { name: "Messages that were found" }).getByRole("button").first().waitFor();
  mock.instead["chat.search"] = () => ({ error: { code: "too_many", text: "", remedy: "" } });
  await field.fill("Saturdays");
  await page.getByText("That was too much at once").waitFor();
  delete mock.instead["chat.search"];
  await page.getByText("Try again").click();
  await page.getByText("No message with").waitFor();
});

story("a message is answered by its button, and by the keyboard alone", {}, async ({ page, mock }) => {
  await signIn(page, BOB);
  const last = page.locator(".msg.theirs").last();
  const said = await last.locator(".bubble").innerText();
  await last.hover();
  await last.getByRole("button", { name: "Reply" }).click();
  await until(async () => (await composer(page).inputValue()) === `> Bob Marchetti: ${said}\n\n`, "the quote is there");
  await page.keyboard.type("yes");
  await page.keyboard.press("Enter");
  await until(() => sends(mock).length === 1, "it is sent");
  assert.equal(sends(mock)[0].text, `> Bob Marchetti: ${said}\n\nyes`);
  await page.locator(".bubble blockquote").last().getByText(said).waitFor();
  await page.getByRole("option", { name: /Bob Marchetti/ }).getByText("You: yes").waitFor();
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("r");
  await until(async () => (await composer(page).inputValue()).endsWith(": yes\n\n"), "the last one is answered, without what it answers");
  await page.keyboard.type("and again");
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("r");
  await until(async () => /^> [^>]*\n\nand again$/.test(await composer(page).inputValue()), "another takes its place, and what was written stays");
});

story("members of a group are mentioned, and one is told of it though the group is muted", {}, async ({ page, mock }) => {
  await signIn(page, `#/chats/${encodeURIComponent(TEAM)}`);
  await page.getByText("5 members").waitFor();
  await composer(page).pressSequentially("Ask @bo");
  await page.getByRole("listbox", { name: "Who is meant" }).getByRole("option", { name: "Bob Marchetti" }).waitFor();
  await page.keyboard.press("Enter");
  await page.keyboard.type("about it");
  await page.keyboard.press("Enter");
  await until(() => sends(mock).length === 1, "it is sent");
  assert.equal(sends(mock)[0].text, "Ask @Bob Marchetti about it");
  await page.locator(".mention").getByText("@Bob Marchetti").waitFor();
  await composer(page).pressSequentially("@");
  await page.getByRole("listbox", { name: "Who is meant" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("listbox", { name: "Who is meant" }).waitFor({ state: "detached" });
  await composer(page).fill("");
  await page.getByRole("button", { name: "Details of Hamburg roll-out" }).click();
  await page.getByLabel("No notifications of this group").check();
  await go(page, BOB);
  mock.sayIn(TEAM, "bob", "Nothing of importance");
  await page.getByRole("option", { name: /Hamburg roll-out/ }).getByText("Nothing of importance").waitFor();
  assert.equal(await page.locator(".toast").count(), 0, "no toast");
  mock.sayIn(TEAM, "bob", "But @Alice Example, you");
  await page.locator(".toast").getByText("But @Alice Example, you").waitFor();
  await page.getByRole("option", { name: /Hamburg roll-out/ }).getByRole("img", { name: "You are mentioned" }).waitFor();
});

story("quiet hours are set and kept", {}, async ({ page }) => {
  await signIn(page, "#/settings");
  await page.getByLabel(/Quiet hours/).check();
  await page.getByLabel("From").fill("20:30");
  await page.reload();
  await page.getByLabel(/Quiet hours/).waitFor();
  assert.equal(await page.getByLabel("From").inputValue(), "20:30");
  assert.equal(await page.getByLabel("To", { exact: true }).inputValue(), "07:00");
});
