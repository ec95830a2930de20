// A browser for one file of tests, and pages in it that are signed in.

import { chromium } from "playwright-core";

import { Mock } from "../mock/server.mjs";

export const BOUND_MS = 60_000;
/** So long a test may take in all: one that waits for ever fails, and does not keep the others. */
export const LIMIT = { timeout: 10 * BOUND_MS };
const OFFERS = 20;
/** How many times slower pages are to run than the tests: what only a quick page bears is found so. */
const SLOWER = Number(process.env.PAGE_SLOWER ?? 1);

/** Nothing but loopback can be reached, and nothing is asked of anybody else. */
const FLAGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  // A microphone and a camera that the browser makes up.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
  "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Servers that listen: a test that fails leaves its own, which would keep the process for ever. */
const mocks = new Set();

/** Its close() ends whatever tests have left, too. */
export async function launch() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
  const close = browser.close.bind(browser);
  browser.close = async () => {
    await close();
    for (const mock of mocks) await mock.close();
  };
  return browser;
}

/**
 * A mock, a page of a new context at its address, and how to end both. Errors of the page are kept. There is a
 * service worker only where a test says so: what it loads by itself is nothing that the others should wait for.
 */
export async function open(browser, { prepare = () => undefined, ...options } = {}) {
  const mock = new Mock();
  prepare(mock);
  const address = await mock.listen();
  mocks.add(mock);
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", serviceWorkers: "block", ...options,
  });
  if (SLOWER > 1) context.on("page", slow);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: address }).catch(() => undefined);
  const page = await context.newPage();
  page.setDefaultTimeout(BOUND_MS);
  const errors = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  page.on("console", (m) => {
    // A refused connection and a refused log-in are what the tests do; the browser logs both as errors.
    if (m.type() === "error" && !/Failed to load resource|WebSocket connection/.test(m.text())) errors.push(m.text());
  });
  await page.goto(address);
  const close = async () => {
    await context.close();
    mocks.delete(mock);
    await mock.close();
  };
  return { mock, page, context, errors, address, close };
}

async function slow(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
}

export async function signIn(page, route = "") {
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
  if (route) await go(page, route);
}

/**
 * The other side of the call that the page has just begun: a connection in the same page answers it. `drawn`: its
 * picture is waited for, and not only its place. `of`: the call and who answers it, if it is not the one with Bob.
 */
export async function answerCall(page, mock, drawn = true, of = {}) {
  await until(() => mock.asked.some((a) => a.op === "call.start"), "a call begins");
  const { sdp: offer } = mock.asked.findLast((a) => a.op === "call.start");
  mock.call("ringing", of);
  const sdp = await page.evaluate(async (text) => {
    const pc = new RTCPeerConnection();
    globalThis.otherSide = pc;
    await pc.setRemoteDescription({ type: "offer", sdp: text });
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: text.includes("m=video") });
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await pc.setLocalDescription();
    await new Promise((done) => {
      const look = () => pc.iceGatheringState === "complete" && done();
      pc.addEventListener("icegatheringstatechange", look);
      look();
    });
    return pc.localDescription.sdp;
  }, offer);
  const open = new Set();
  mock.openUpdates = open;
  mock.instead["call.update"] = async (asked) => {
    open.add(asked);
    const answer = await otherAnswers(page, asked.sdp);
    open.delete(asked);
    return { ok: { sdp: answer } };
  };
  mock.call("answered", { sdp, ...of });
  await page.locator('.call[data-phase="up"]').waitFor();
  if (!offer.includes("m=video")) return;
  await page.locator(".call-other").waitFor();
  if (drawn) await page.waitForFunction(() => document.querySelector(".call-other")?.videoWidth > 0);
}

function otherAnswers(page, offer) {
  return page.evaluate(async (sdp) => {
    const pc = globalThis.otherSide;
    await pc.setRemoteDescription({ type: "offer", sdp });
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  }, offer);
}

/** The other side of a video call shares a screen: a page of text, larger than there is room for. */
export async function otherShares(page, mock, drawn = true) {
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1600, height: 1000 });
    const paint = canvas.getContext("2d");
    setInterval(() => {
      paint.fillStyle = "#fff";
      paint.fillRect(0, 0, 1600, 1000);
      paint.fillStyle = "#111";
      paint.font = "32px sans-serif";
      for (let i = 0; i < 22; i++) paint.fillText(`${i + 1}. What is read on a shared screen has to be large enough`, 60, 70 + i * 42);
    }, 100);
    const pc = globalThis.otherSide;
    await pc.getSenders().find((s) => s.track?.kind === "video").replaceTrack(canvas.captureStream(10).getTracks()[0]);
  });
  // What the page has offered itself is answered first; where it offers something just now, its offer wins.
  let agreed = false;
  for (let i = 0; i < OFFERS && !agreed; i++) {
    await until(() => mock.openUpdates.size === 0, "the page's own change is answered");
    agreed = await otherOffers(page, mock);
  }
  if (!agreed) throw new Error("the two sides did not agree on the screen");
  await page.locator('.call-other[data-screen="true"]').waitFor();
  if (drawn) await page.waitForFunction(() => document.querySelector('.call-other[data-screen="true"]')?.videoWidth > 1000);
}

async function otherOffers(page, mock) {
  const accepts = () => mock.asked.filter((a) => a.op === "call.accept");
  const before = accepts().length;
  const sdp = await page.evaluate(async () => {
    const pc = globalThis.otherSide;
    for (;;) {
      while (pc.signalingState !== "stable") await new Promise((done) => pc.addEventListener("signalingstatechange", done, { once: true }));
      try {
        await pc.setLocalDescription(await pc.createOffer());
        return pc.localDescription.sdp;
      } catch (e) {
        // An offer of the page came in between; it is answered first.
        if (e.name !== "InvalidStateError") throw e;
      }
    }
  });
  // The video is the last part of it.
  mock.call("update", { sdp: `${sdp}a=content:slides\r\n` });
  await until(() => accepts().length > before, "the screen is accepted");
  return page.evaluate(
    (text) => globalThis.otherSide.setRemoteDescription({ type: "answer", sdp: text }).then(() => true, () => false),
    accepts().at(-1).sdp,
  );
}

/** Attaches files by the button. */
export async function choose(page, ...files) {
  const asked = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  await (await asked).setFiles(files);
}

/** Lets the page see files as if they came by `type` ("paste", "drop"). */
export function brought(page, type, files) {
  return page.evaluate(
    ([kind, list]) => {
      const data = new DataTransfer();
      for (const { name, mime, text } of list) data.items.add(new File([text], name, { type: mime }));
      const target = document.querySelector(kind === "paste" ? ".composer textarea" : ".timeline");
      const init = { bubbles: true, cancelable: true };
      if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: data }));
      else target.dispatchEvent(new DragEvent(kind, { ...init, dataTransfer: data }));
    },
    [type, files],
  );
}

export async function go(page, route) {
  await page.evaluate((r) => (location.hash = r), route);
}

/** Waits until `what` is true; never looks at a clock but for the bound. */
export async function until(what, why) {
  const end = Date.now() + BOUND_MS;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within the bound: ${why}`);
    await new Promise((r) => setTimeout(r, 20));
  }
}
