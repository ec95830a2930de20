import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Call } from "../../src/model/call";
import { checkEvent } from "../../src/net/check";
import { ApiError } from "../../src/net/wire";
import { FakeStream, says, settle, talking, world } from "./calling";

const CAROL = "carol@example.test";

function refuses(code: string): () => never {
  return () => {
    throw new ApiError({ code });
  };
}

/** Bob is being sent on to Carol. */
async function transferring() {
  const w = await talking();
  await w.calls.transfer(CAROL);
  return w;
}

/** Bob sends the user on to Carol, whose device rings as the call c2. */
async function referred() {
  const w = await talking();
  w.answers["call.start"] = () => ({ call: "c2" });
  w.calls.event(says("refer", { to: CAROL }));
  await settle();
  const next = w.calls.current.value;
  if (!next || next === w.call) throw new Error("nobody is called");
  return { ...w, next };
}

const of2 = (state: "answered" | "ended" | "ringing", more = {}) => says(state, { call: "c2", with: CAROL, ...more });
const shown = (call: Call | null) => call?.untransferred.value ?? null;

describe("a transfer", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("MediaStream", FakeStream);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  describe("of the other side", () => {
    it("puts it on hold and asks; when it is done the call is over", async () => {
      const { calls, call, asked, peer } = await transferring();
      expect(asked.slice(-2).map(([op]) => op)).toEqual(["call.update", "call.transfer"]);
      expect(asked[asked.length - 1]?.[1]).toEqual({ call: "c1", to: CAROL });
      expect([call.held.value, call.transfer.value]).toEqual([true, CAROL]);
      calls.event(says("ended", { reason: "transferred" }));
      expect([call.reason.value, calls.current.value, peer.closed]).toEqual(["transferred", call, true]);
      vi.advanceTimersByTime(10_000);
      expect(calls.current.value).toBeNull();
    });

    it("goes on with the call, and says why, where it comes to nothing", async () => {
      const { calls, call, ops } = await transferring();
      calls.event(says("not_transferred", { reason: "busy" }));
      await settle();
      expect([call.phase.value, call.held.value, call.transfer.value]).toEqual(["up", false, ""]);
      expect(shown(call)).toEqual({ to: CAROL, reason: "busy" });
      expect(ops()[ops().length - 1]).toBe("call.update");
      vi.advanceTimersByTime(70_000);
      expect(shown(call)).toBeNull();
    });

    it("leaves a call on hold that was so before", async () => {
      const { calls, call } = await talking();
      await calls.toggleHold();
      await calls.transfer(CAROL);
      calls.event(says("not_transferred", { reason: "declined" }));
      await settle();
      expect(call.held.value).toBe(true);
    });

    it.each([["busy", "under_way"], ["not_possible", "not_possible"], ["lost", "unsure"]])("that is refused with %s is none", async (code, reason) => {
      const { calls, call, answers } = await talking();
      answers["call.transfer"] = refuses(code);
      await calls.transfer(CAROL);
      expect([call.held.value, call.transfer.value, shown(call)?.reason]).toEqual([false, "", reason]);
    });

    it("goes ahead without a hold that the other side does not take", async () => {
      const { calls, call, answers, ops } = await talking();
      answers["call.update"] = refuses("no_media");
      await calls.transfer(CAROL);
      expect([call.held.value, ops()[ops().length - 1]]).toEqual([false, "call.transfer"]);
    });

    it("is asked once, of a call that is up", async () => {
      const w = world();
      await w.calls.start("bob@example.test", false);
      await w.calls.transfer(CAROL);
      expect(w.ops()).not.toContain("call.transfer");
      const { calls, ops } = await transferring();
      await calls.transfer("dana@example.test");
      expect(ops().filter((op) => op === "call.transfer").length).toBe(1);
    });

    it("is not asked of a call that ended while it was put on hold", async () => {
      const { calls, answers, ops } = await talking();
      answers["call.update"] = () => (calls.event(says("ended", { reason: "hung_up" })), { sdp: "their answer" });
      await calls.transfer(CAROL);
      expect(ops()).not.toContain("call.transfer");
    });

    it("is not known of any more where the server is another one", async () => {
      const { calls, call } = await transferring();
      calls.lost([call.id]);
      expect(call.transfer.value).toBe(CAROL);
      calls.linked();
      await settle();
      expect([call.phase.value, call.held.value, shown(call)?.reason]).toEqual(["up", false, "unsure"]);
    });

    it("goes on with a hold that the user ends meanwhile", async () => {
      const { calls, call } = await transferring();
      await calls.toggleHold();
      expect([call.held.value, call.transfer.value]).toEqual([false, CAROL]);
      calls.event(says("not_transferred", { reason: "no_answer" }));
      await settle();
      expect(call.held.value).toBe(false);
    });
  });

  describe("of the user", () => {
    it("begins a call beside the old one, without a picture and as mute as that", async () => {
      const w = await talking();
      w.answers["call.start"] = () => ({ call: "c2" });
      w.call.setMuted(true);
      await w.calls.toggleCamera();
      w.calls.event(says("refer", { to: CAROL }));
      await settle();
      expect(w.asked[w.asked.length - 1]).toEqual(["call.start", { to: CAROL, sdp: "offer 1 a=sendrecv a=candidate", refer: "c1" }]);
      const next = w.calls.current.value;
      expect([next?.uri, next?.by, next?.muted.value, next?.camera.value]).toEqual([CAROL, "bob@example.test", true, false]);
      expect(w.claim).toHaveBeenCalledTimes(1);
      expect(w.tracks.filter((t) => t.kind === "audio").every((t) => !t.enabled)).toBe(true);
      expect(w.call.phase.value).toBe("up");
    });

    it("ends the old call when the new one is answered", async () => {
      const { calls, call, next, asked } = await referred();
      calls.event(of2("ringing"));
      calls.event(of2("answered", { sdp: "her answer" }));
      await settle();
      calls.event(says("ended", { reason: "hung_up" }));
      expect([call.phase.value, calls.current.value]).toEqual(["ended", next]);
      vi.advanceTimersByTime(10_000);
      expect(asked.filter(([op]) => op === "call.end")).toEqual([]);
    });

    it("hangs the old one up where nobody else does", async () => {
      const { calls, call, next, asked } = await referred();
      calls.event(of2("answered", { sdp: "her answer" }));
      await settle();
      vi.advanceTimersByTime(6_000);
      expect(asked.filter(([op]) => op === "call.end")).toEqual([["call.end", { call: "c1" }]]);
      expect([call.phase.value, calls.current.value]).toEqual(["ended", next]);
    });

    it("goes back to the old call where the new one comes to nothing", async () => {
      const { calls, call, next, tracks } = await referred();
      expect(tracks[0]?.enabled).toBe(false);
      calls.event(of2("ended", { reason: "busy" }));
      expect([calls.current.value, next.phase.value, call.phase.value]).toEqual([call, "ended", "up"]);
      expect([shown(call), tracks[0]?.enabled]).toEqual([{ to: CAROL, reason: "busy" }, true]);
      // Everything is as before: it can be sent on again.
      calls.event(says("refer", { to: CAROL }));
      await settle();
      expect(calls.current.value?.by).toBe("bob@example.test");
    });

    it("keeps the browser's one call through all of it, and lets it go at the end", async () => {
      const w = world();
      const release = vi.fn();
      w.claim.mockResolvedValue(release);
      await w.calls.start("bob@example.test", false);
      w.calls.event(says("answered", { sdp: "their answer" }));
      await settle();
      w.peers[0]?.becomes("connected");
      w.answers["call.start"] = () => ({ call: "c2" });
      w.calls.event(says("refer", { to: CAROL }));
      await settle();
      w.calls.event(of2("ended", { reason: "declined" }));
      expect(release).not.toHaveBeenCalled();
      w.calls.hangUp();
      expect(release).toHaveBeenCalledTimes(1);
      expect(w.claim).toHaveBeenCalledTimes(1);
    });

    it("goes back where there is no microphone for the new call", async () => {
      const w = await talking();
      w.open.mockRejectedValueOnce(new DOMException("", "NotReadableError"));
      w.calls.event(says("refer", { to: CAROL }));
      await settle();
      expect(w.calls.current.value).toBe(w.call);
      expect(shown(w.call)).toEqual({ to: CAROL, reason: "device_busy" });
      expect(w.ops().filter((op) => op === "call.start").length).toBe(1);
    });

    it("leaves the new call alone where the old one ends first", async () => {
      const { calls, call, next } = await referred();
      calls.event(says("ended", { reason: "hung_up" }));
      expect([call.phase.value, calls.current.value]).toEqual(["ended", next]);
      calls.event(of2("ended", { reason: "no_answer" }));
      expect([calls.current.value, next.reason.value]).toEqual([next, "no_answer"]);
    });

    it("does not go back to the old call once the new one was answered", async () => {
      const { calls, next, peers } = await referred();
      calls.event(of2("answered", { sdp: "her answer" }));
      await settle();
      peers[1]?.becomes("failed");
      expect([calls.current.value, next.reason.value]).toEqual([next, "no_way"]);
    });

    it("is over with both calls when the user hangs up", async () => {
      const { calls, call, next, asked, tracks } = await referred();
      calls.hangUp();
      expect(asked.filter(([op]) => op === "call.end").map(([, f]) => f.call).sort()).toEqual(["c1", "c2"]);
      expect([call.phase.value, next.phase.value, calls.current.value]).toEqual(["ended", "ended", null]);
      expect(tracks.every((t) => t.stopped)).toBe(true);
    });

    it("is over with both calls when another tab takes one", async () => {
      const { calls, call, next, asked, claim } = await referred();
      claim.mock.calls[0]?.[1]();
      expect(asked.filter(([op]) => op === "call.end").map(([, f]) => f.call).sort()).toEqual(["c1", "c2"]);
      expect([call.phase.value, next.phase.value, next.reason.value, calls.current.value]).toEqual(["ended", "ended", "other_call", next]);
    });

    it("goes on with both calls on another server", async () => {
      const { calls, call, next, asked } = await referred();
      calls.event({ ev: "kept", call: "c1", kept: "one" });
      calls.event({ ev: "kept", call: "c2", kept: "two" });
      expect(calls.kept().sort()).toEqual(["one", "two"]);
      calls.lost(["c1", "c2"]);
      calls.linked();
      await settle();
      expect(asked[asked.length - 1]).toEqual(["call.start", { call: "c2", sdp: next.offer }]);
      expect([call.phase.value, next.phase.value]).toEqual(["up", "starting"]);
      calls.lost(["c1"]);
      expect([calls.current.value, shown(call)?.reason]).toEqual([call, "lost"]);
      calls.lost();
      expect(call.reason.value).toBe("lost");
    });

    it("ends with the old call alone where the server knows of the new one only", async () => {
      const { calls, call, next } = await referred();
      calls.lost(["c2"]);
      expect([call.phase.value, calls.current.value]).toEqual(["ended", next]);
    });

    it("is nothing of a call that rings, is over, is sent on itself, or is another's", async () => {
      const w = world();
      w.calls.event(says("incoming", { sdp: "their offer" }));
      w.calls.event(says("refer", { to: CAROL }));
      await w.calls.start("bob@example.test", false);
      w.calls.event(says("refer", { to: CAROL }));
      await settle();
      expect(w.ops().filter((op) => op === "call.start").length).toBe(1);
      const { calls, call, ops } = await transferring();
      calls.event(says("refer", { to: CAROL }));
      calls.event(says("refer", { call: "c9", to: CAROL }));
      await settle();
      expect(calls.current.value).toBe(call);
      calls.event(says("ended", { reason: "lost" }));
      calls.event(says("refer", { to: CAROL }));
      await settle();
      expect(ops().filter((op) => op === "call.start").length).toBe(1);
    });

    it("begins once, however often it is said", async () => {
      const { calls, next, ops } = await referred();
      calls.event(says("refer", { to: "dana@example.test" }));
      await settle();
      expect(calls.current.value).toBe(next);
      expect(ops().filter((op) => op === "call.start").length).toBe(2);
    });
  });

  it("is told with an address that can be shown as it is, or not at all", () => {
    const told = (to: unknown) => checkEvent({ ev: "call", call: "c1", with: "bob@example.test", state: "refer", to });
    expect(told(CAROL)).toMatchObject({ state: "refer", to: CAROL });
    for (const to of [undefined, 7, "", "carol", "a b@x", "carol@x\n", `carol@\u202ex`, `${"c".repeat(300)}@x`]) expect(told(to)).toBeNull();
    expect(checkEvent({ ev: "call", call: "c1", with: "bob@example.test", state: "not_transferred", reason: "busy" })).toMatchObject({ reason: "busy", to: "" });
  });
});
