import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { SCREEN_MS, within } from "../../src/model/media";
import { ApiError } from "../../src/net/wire";
import { FakeStream, FakeTrack, FakeTransceiver, says, settle, talking, world } from "./calling";

describe("calls", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("MediaStream", FakeStream);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("makes a call with the relay's servers, and it comes up", async () => {
    const w = world();
    await w.calls.start("bob@example.test", false);
    const call = w.calls.current.value;
    expect(w.asked[1]).toEqual(["call.start", { to: "bob@example.test", sdp: "offer 1 a=sendrecv a=candidate" }]);
    expect(w.peers[0]?.config.iceServers?.[0]?.username).toBe("u");
    w.calls.event(says("ringing"));
    expect(call?.phase.value).toBe("ringing");
    w.calls.event(says("answered", { sdp: "their answer" }));
    await settle();
    expect(w.peers[0]?.remoteDescription?.sdp).toBe("their answer");
    expect(call?.phase.value).toBe("connecting");
    w.peers[0]?.becomes("connected");
    expect(call?.phase.value).toBe("up");
    expect(call?.since.value).not.toBeNull();
  });

  it("goes on without a relay", async () => {
    const w = world();
    w.answers["relay.get"] = () => {
      throw new ApiError({ code: "no_relay" });
    };
    await w.calls.start("bob@example.test", false);
    expect(w.peers[0]?.config.iceServers).toEqual([]);
    expect(w.ops()).toContain("call.start");
  });

  it("rings, and answers", async () => {
    const w = world();
    w.calls.event(says("incoming", { sdp: "their offer" }));
    const [call] = w.calls.incoming.value;
    expect(w.rings).toEqual([true]);
    if (!call) throw new Error("nothing rings");
    await w.calls.answer(call, true);
    expect(w.rings).toEqual([true, false]);
    expect(w.calls.incoming.value).toEqual([]);
    expect(w.asked[w.asked.length - 1]).toEqual(["call.answer", { call: "c1", sdp: "our answer a=candidate" }]);
    expect(w.open).toHaveBeenCalledWith({ audio: true, video: true });
  });

  it("declines, and forgets what the caller gave up", async () => {
    const w = world();
    w.calls.event(says("incoming", { sdp: "their offer" }));
    w.calls.event(says("incoming", { call: "c2", sdp: "their offer" }));
    const [one] = w.calls.incoming.value;
    if (one) w.calls.decline(one);
    expect(w.asked).toEqual([["call.end", { call: "c1" }]]);
    w.calls.event(says("ended", { call: "c2", reason: "cancelled" }));
    expect(w.calls.incoming.value).toEqual([]);
    expect(w.rings[w.rings.length - 1]).toBe(false);
  });

  it("hangs up, and lets the microphone go", async () => {
    const { calls, ops, peer, tracks } = await talking();
    calls.hangUp();
    expect(ops()).toContain("call.end");
    expect(peer.closed).toBe(true);
    expect(tracks.every((t) => t.stopped)).toBe(true);
    expect(calls.current.value).toBeNull();
  });

  it("says for a while why a call came to nothing", async () => {
    const w = world();
    await w.calls.start("bob@example.test", false);
    w.calls.event(says("ended", { reason: "busy" }));
    expect(w.calls.current.value?.reason.value).toBe("busy");
    vi.advanceTimersByTime(10_000);
    expect(w.calls.current.value).toBeNull();
  });

  it("says why there is no microphone, and does not ring", async () => {
    const w = world();
    w.open.mockRejectedValueOnce(new DOMException("", "NotAllowedError"));
    await w.calls.start("bob@example.test", false);
    expect(w.calls.current.value?.reason.value).toBe("no_permission");
    expect(w.ops()).not.toContain("call.start");
  });

  it("is muted and held, which the other side is told", async () => {
    const { calls, call, peer, asked, tracks } = await talking();
    call.setMuted(true);
    expect(tracks[0]?.enabled).toBe(false);
    call.setMuted(false);
    await calls.toggleHold();
    expect(asked[asked.length - 1]).toEqual(["call.update", { call: "c1", sdp: "offer 2 a=inactive a=candidate" }]);
    expect(tracks[0]?.enabled).toBe(false);
    await calls.toggleHold();
    expect(peer.transceivers[0]?.direction).toBe("sendrecv");
    expect(tracks[0]?.enabled).toBe(true);
  });

  it("takes what the other side changes", async () => {
    const { calls, call, asked } = await talking();
    calls.event(says("update", { sdp: "a=inactive" }));
    await settle();
    expect(asked[asked.length - 1]).toEqual(["call.accept", { call: "c1", sdp: "our answer a=candidate" }]);
    expect(call.heldThere.value).toBe(true);
  });

  it("tries a change again when both sides make one", async () => {
    const { calls, answers, ops } = await talking();
    let first = true;
    answers["call.update"] = () => {
      if (!first) return { sdp: "their answer" };
      first = false;
      throw new ApiError({ code: "busy" });
    };
    void calls.toggleHold();
    await settle();
    expect(ops().filter((op) => op === "call.update").length).toBe(1);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(ops().filter((op) => op === "call.update").length).toBe(2);
  });

  it("looks for another way when the network has changed", async () => {
    const { peer, ops, nudge } = await talking();
    peer.becomes("disconnected");
    expect(nudge).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(peer.restarts).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(peer.restarts).toBe(1);
    expect(ops()).toContain("call.update");
    peer.becomes("failed");
    await vi.advanceTimersByTimeAsync(6_000);
    expect(peer.restarts).toBe(2);
    peer.becomes("connected");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(peer.restarts).toBe(2);
    expect(nudge).toHaveBeenCalledTimes(1);
  });

  it("tells candidates that came late, while there is no way", async () => {
    const w = world();
    await w.calls.start("bob@example.test", false);
    const [peer] = w.peers;
    w.calls.event(says("answered", { sdp: "their answer" }));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(w.ops()).not.toContain("call.update");
    if (peer) peer.localDescription = { type: "offer", sdp: "offer a=candidate a=candidate" };
    if (peer) peer.createOffer = async () => ({ type: "offer", sdp: "again a=candidate a=candidate" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(w.asked.filter(([op]) => op === "call.update")).toEqual([["call.update", { call: "c1", sdp: "again a=candidate a=candidate" }]]);
    expect(peer?.restarts).toBe(0);
  });

  it("tells no candidates that came late once there is a way", async () => {
    const { peer, ops } = await talking();
    peer.localDescription = { type: "offer", sdp: "offer a=candidate a=candidate" };
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ops()).not.toContain("call.update");
  });

  it("leaves a way that comes back by itself as it is", async () => {
    const { peer, ops } = await talking();
    peer.becomes("disconnected");
    peer.becomes("connected");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([peer.restarts, ops().includes("call.update")]).toEqual([0, false]);
  });

  it("looks for another way in the place of a caller who does not", async () => {
    const w = world();
    w.calls.event(says("incoming", { sdp: "their offer" }));
    const [call] = w.calls.incoming.value;
    if (!call) throw new Error("nothing rings");
    await w.calls.answer(call, false);
    const [peer] = w.peers;
    peer?.becomes("connected");
    peer?.becomes("failed");
    w.calls.linked();
    await vi.advanceTimersByTimeAsync(14_000);
    expect(peer?.restarts).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(peer?.restarts).toBe(1);
  });

  it("sends no description of a restart before it has a candidate", async () => {
    const { peer, ops } = await talking();
    const first = peer.createOffer;
    peer.createOffer = async () => ({ type: "offer", sdp: "no way yet" });
    peer.becomes("failed");
    await settle();
    expect(ops()).not.toContain("call.update");
    peer.localDescription = await first();
    peer.dispatchEvent(new Event("icegatheringstatechange"));
    await settle();
    expect(ops()).toContain("call.update");
  });

  it("looks again when the link is back, if it was away at first", async () => {
    const { calls, peer, ops, answers } = await talking();
    answers["call.update"] = () => {
      throw new ApiError({ code: "offline" });
    };
    peer.becomes("failed");
    await settle();
    answers["call.update"] = () => ({ sdp: "their answer" });
    calls.linked();
    await settle();
    expect(peer.restarts).toBe(2);
    expect(peer.remoteDescription?.sdp).toBe("their answer");
    peer.becomes("connected");
    calls.linked();
    await settle();
    expect(ops().filter((op) => op === "call.update").length).toBe(2);
  });

  it("goes on with the calls that the server takes up again", async () => {
    const { calls, call } = await talking();
    expect(calls.kept()).toEqual([]);
    calls.event({ ev: "kept", call: call.id, kept: "sealed-1" });
    calls.event({ ev: "kept", call: call.id, kept: "sealed-2" });
    expect(calls.kept()).toEqual(["sealed-2"]);
    calls.lost([call.id]);
    expect(call.phase.value).toBe("up");
    calls.lost(["another"]);
    expect([call.phase.value, call.reason.value, calls.kept()]).toEqual(["ended", "lost", []]);
  });

  it("takes an end that is faster than the answer to its request", async () => {
    const w = world();
    w.answers["call.start"] = () => {
      w.calls.event(says("ended", { call: "c0", reason: "hung_up" }));
      w.calls.event(says("ended", { reason: "not_found" }));
      return { call: "c1" };
    };
    await w.calls.start("bob@example.test", false);
    expect(w.calls.current.value?.reason.value).toBe("not_found");
  });

  it("lets a device go that is given after the end", async () => {
    const { calls, call, open } = await talking();
    for (const use of [() => calls.toggleCamera(), () => calls.useDevice(call, "audio", "other")]) {
      const track = new FakeTrack("video");
      let give: (s: MediaStream) => void = () => undefined;
      open.mockImplementationOnce(() => new Promise<MediaStream>((done) => (give = done)));
      const done = use();
      if (!call.over) calls.hangUp();
      give(new FakeStream([track]) as unknown as MediaStream);
      await done;
      expect(track.stopped).toBe(true);
    }
  });

  it("keeps another microphone as mute as the one before", async () => {
    const { calls, call, peer, tracks } = await talking();
    call.setMuted(true);
    await calls.useDevice(call, "audio", "other");
    expect(peer.audio?.sender.track).toBe(tracks[1]);
    expect(tracks[1]?.enabled).toBe(false);
    expect(tracks[0]?.stopped).toBe(true);
  });

  it("says why there is no camera, and goes on", async () => {
    const { calls, call, open } = await talking();
    open.mockRejectedValueOnce(new DOMException("", "NotAllowedError"));
    await calls.toggleCamera();
    expect(call.trouble.value).toBe("no_permission");
    expect(call.phase.value).toBe("up");
  });

  it("takes a hold back that nobody was told", async () => {
    const { calls, call, answers, tracks } = await talking();
    answers["call.update"] = () => {
      throw new ApiError({ code: "offline" });
    };
    await calls.toggleHold();
    expect(call.held.value).toBe(false);
    expect(tracks[0]?.enabled).toBe(true);
  });

  it("ends a hold that is still being told", async () => {
    const { calls, call, answers, asked, tracks } = await talking();
    const waiting: ((ok: unknown) => void)[] = [];
    answers["call.update"] = () => new Promise((done) => waiting.push(done));
    const both = [calls.toggleHold(), calls.toggleHold()];
    await settle();
    expect(waiting.length).toBe(1);
    waiting[0]?.({ sdp: "their answer" });
    await settle();
    waiting[1]?.({ sdp: "their answer" });
    await Promise.all(both);
    expect(asked[asked.length - 1]).toEqual(["call.update", { call: "c1", sdp: "offer 3 a=sendrecv a=candidate" }]);
    expect(call.held.value).toBe(false);
    expect(tracks[0]?.enabled).toBe(true);
  });

  it("answers what comes while an own change waits for its turn", async () => {
    const { calls, answers, ops } = await talking();
    let tries = 0;
    answers["call.update"] = () => {
      if (tries++) return { sdp: "their answer" };
      calls.event(says("update", { sdp: "their offer" }));
      throw new ApiError({ code: "busy" });
    };
    const done = calls.toggleHold();
    await settle();
    expect(ops().slice(-2)).toEqual(["call.update", "call.accept"]);
    await vi.advanceTimersByTimeAsync(1_200);
    await done;
    expect(ops().slice(-1)).toEqual(["call.update"]);
  });

  it("does not offer a picture that there is not when a held call goes on", async () => {
    const { calls, peer } = await talking();
    peer.transceivers.push(new FakeTransceiver("video", null));
    await calls.toggleHold();
    await calls.toggleHold();
    expect(peer.transceivers.map((t) => t.direction)).toEqual(["sendrecv", "recvonly"]);
  });

  it("lets the camera go when it is off, and takes it anew", async () => {
    const { calls, call, peer, asked, tracks, open } = await talking();
    await calls.toggleCamera();
    expect(asked[asked.length - 1]?.[1].sdp).toContain("m=video 9 x\r\na=sendrecv");
    await calls.toggleCamera();
    expect(tracks[1]?.stopped).toBe(true);
    expect(peer.video?.sender.track).toBeNull();
    expect(call.local.value?.getVideoTracks()).toEqual([]);
    // Told, or the other side would keep the last picture.
    expect(asked[asked.length - 1]?.[1].sdp).toContain("m=video 9 x\r\na=recvonly");
    await calls.toggleCamera();
    expect(open).toHaveBeenLastCalledWith({ video: true });
    expect(peer.video?.sender.track).toBe(tracks[2]);
    expect(peer.transceivers.length).toBe(2);
    expect(asked[asked.length - 1]?.[1].sdp).toContain("m=video 9 x\r\na=sendrecv");
  });

  it("asks nobody for a camera that is expected", async () => {
    const { calls, peer, answers, ops, tracks } = await talking();
    await calls.toggleCamera();
    answers["call.update"] = () => {
      throw new ApiError({ code: "offline" });
    };
    await calls.toggleCamera();
    const before = ops().length;
    await calls.toggleCamera();
    expect(peer.video?.sender.track).toBe(tracks[2]);
    expect(ops().length).toBe(before);
  });

  it("sends no picture that the other side cannot be told of", async () => {
    const { calls, call, answers, tracks } = await talking();
    answers["call.update"] = () => {
      throw new ApiError({ code: "offline" });
    };
    await calls.toggleCamera();
    expect(tracks[1]?.stopped).toBe(true);
    expect(call.camera.value).toBe(false);
    expect(call.trouble.value).toBe("not_told");
  });

  it("shares the screen in place of the camera, and says so", async () => {
    const { calls, call, peer, asked, tracks } = await talking();
    await calls.toggleCamera();
    await calls.toggleShare();
    expect(tracks[1]?.stopped).toBe(true);
    expect(peer.video?.sender.track).toBe(tracks[2]);
    expect(tracks[2]?.contentHint).toBe("detail");
    expect([call.sharing.value, call.camera.value]).toEqual([true, false]);
    expect(asked[asked.length - 1]?.[1].sdp).toContain("a=content:slides");
    // The browser's own button ends it.
    tracks[2]?.dispatchEvent(new Event("ended"));
    await settle();
    expect([call.sharing.value, call.camera.value]).toEqual([false, true]);
    expect(peer.video?.sender.track).toBe(tracks[3]);
    expect(asked[asked.length - 1]?.[1].sdp).not.toContain("a=content:slides");
  });

  it("shows a screen only as long as the other side says that it is one", async () => {
    const { calls, call, peer } = await talking();
    peer.transceivers.push(new FakeTransceiver("video", null));
    calls.event(says("update", { sdp: "a=sendrecv\r\nm=video 9 x\r\na=content:slides\r\n" }));
    await settle();
    expect([call.remoteVideo.value, call.remoteScreen.value]).toEqual([true, true]);
    calls.event(says("update", { sdp: "a=sendrecv\r\nm=video 9 x\r\na=mid:1\r\n" }));
    await settle();
    expect([call.remoteVideo.value, call.remoteScreen.value]).toEqual([true, false]);
  });

  it("shares nothing when no screen is chosen", async () => {
    const { calls, call, screen, ops } = await talking();
    screen.mockRejectedValueOnce(new DOMException("", "NotAllowedError"));
    const before = ops().length;
    await calls.toggleShare();
    expect(call.trouble.value).toBe("no_screen");
    expect(call.sharing.value).toBe(false);
    expect(ops().length).toBe(before);
  });

  it("lets a screen go that was chosen too late", async () => {
    const track = new FakeTrack("video");
    let give: (s: MediaStream) => void = () => undefined;
    const asked = within(new Promise((done) => (give = done)), SCREEN_MS);
    const failed = expect(asked).rejects.toThrow(DOMException);
    await vi.advanceTimersByTimeAsync(SCREEN_MS);
    await failed;
    give(new FakeStream([track]) as unknown as MediaStream);
    await settle();
    expect(track.stopped).toBe(true);
  });

  it("shows nothing of an offer that was taken back, and agrees anew", async () => {
    const { calls, call, answers, asked, ops } = await talking();
    answers["call.accept"] = () => {
      calls.event(says("withdrawn"));
      throw new ApiError({ code: "bad_request" });
    };
    calls.event(says("update", { sdp: "a=inactive" }));
    await settle();
    expect(ops().slice(-2)).toEqual(["call.accept", "call.update"]);
    expect(asked[asked.length - 1]?.[1].sdp).toContain("a=sendrecv");
    expect(call.heldThere.value).toBe(false);
  });

  it("does not answer what was taken back before its turn", async () => {
    const { calls, call, answers, ops } = await talking();
    let done: (ok: unknown) => void = () => undefined;
    answers["call.update"] = () => new Promise((ok) => (done = ok));
    void calls.toggleHold();
    await settle();
    calls.event(says("update", { sdp: "a=inactive" }));
    calls.event(says("withdrawn"));
    done({ sdp: "their answer" });
    await settle();
    expect(ops().filter((op) => op !== "call.update")).not.toContain("call.accept");
    expect(ops().filter((op) => op === "call.update").length).toBe(1);
    expect(call.heldThere.value).toBe(false);
  });

  it("keeps what was accepted, whatever is taken back later", async () => {
    const { calls, call, ops } = await talking();
    calls.event(says("update", { sdp: "a=inactive" }));
    await settle();
    calls.event(says("withdrawn"));
    await settle();
    expect(call.heldThere.value).toBe(true);
    expect(ops()).not.toContain("call.update");
  });

  it("does not call while another tab is in a call", async () => {
    const w = world();
    w.claim.mockResolvedValueOnce(null);
    await w.calls.start("bob@example.test", false);
    expect(w.calls.current.value?.reason.value).toBe("other_tab");
    expect(w.open).not.toHaveBeenCalled();
  });

  it("gives its call up for one that another tab answers", async () => {
    const { call, claim, ops, peer } = await talking();
    expect(claim.mock.calls[0]?.[0]).toBe(false);
    claim.mock.calls[0]?.[1]();
    expect(call.reason.value).toBe("other_call");
    expect(peer.closed).toBe(true);
    expect(ops()).toContain("call.end");
  });

  it("lets another tab have a call when its own is over", async () => {
    const w = world();
    const release = vi.fn();
    w.claim.mockResolvedValueOnce(release);
    w.calls.event(says("incoming", { sdp: "their offer" }));
    const [call] = w.calls.incoming.value;
    if (call) await w.calls.answer(call, false);
    expect(w.claim.mock.calls[0]?.[0]).toBe(true);
    expect(release).not.toHaveBeenCalled();
    w.calls.event(says("ended", { reason: "hung_up" }));
    expect(release).toHaveBeenCalled();
    expect(w.over).toEqual([call]);
  });

  it("does not call a bad answer a missing permission", async () => {
    const w = world();
    await w.calls.start("bob@example.test", false);
    const call = w.calls.current.value;
    if (w.peers[0]) w.peers[0].setRemoteDescription = () => Promise.reject(new DOMException("", "OperationError"));
    w.calls.event(says("answered", { sdp: "x" }));
    await settle();
    expect(call?.reason.value).toBe("failed");
  });

  it("ends what never had a way", async () => {
    const w = world();
    await w.calls.start("bob@example.test", false);
    w.calls.event(says("answered", { sdp: "their answer" }));
    await settle();
    w.peers[0]?.becomes("failed");
    expect(w.calls.current.value?.reason.value).toBe("no_way");
    expect(w.ops()).toContain("call.end");
  });

  it("hangs up before it answers another", async () => {
    const { calls, ops } = await talking();
    calls.event(says("incoming", { call: "c2", with: "carol@example.test", sdp: "their offer" }));
    const [second] = calls.incoming.value;
    if (second) await calls.answer(second, false);
    expect(calls.current.value).toBe(second);
    expect(ops().filter((op) => op === "call.end").length).toBe(1);
  });

  describe("when the server's process has gone", () => {
    async function ringsHere() {
      const w = world();
      w.calls.event(says("incoming", { sdp: "their offer" }));
      const [call] = w.calls.incoming.value;
      if (!call) throw new Error("nothing rings");
      return { ...w, call };
    }
    const cannot = (code: string) => () => {
      throw new ApiError({ code });
    };

    it("goes on ringing until the call comes again", async () => {
      const { calls, call, over, rings } = await ringsHere();
      calls.lost([]);
      calls.event(says("incoming", { sdp: "their offer" }));
      vi.advanceTimersByTime(60_000);
      expect([calls.incoming.value, over, rings]).toEqual([[call], [], [true]]);
      calls.lost();
      expect(over).toEqual([call]);
    });

    it("rings no more when it does not come again", async () => {
      const { calls, call, over, rings } = await ringsHere();
      calls.lost([]);
      vi.advanceTimersByTime(60_000);
      expect([calls.incoming.value, over, call.reason.value, rings]).toEqual([[], [call], "lost", [true, false]]);
    });

    it("answers when the call is there again", async () => {
      const { calls, call, asked, answers } = await ringsHere();
      answers["call.answer"] = cannot("offline");
      void calls.answer(call, false);
      await settle();
      calls.lost([]);
      calls.linked();
      await settle();
      answers["call.answer"] = () => ({});
      const before = asked.length;
      calls.event(says("incoming", { sdp: "their offer" }));
      await settle();
      expect(asked.slice(before)).toEqual([["call.answer", { call: "c1", sdp: "our answer a=candidate" }]]);
      expect(call.phase.value).toBe("connecting");
    });

    it("answers once, though the answer's answer was lost", async () => {
      const { calls, call, answers } = await ringsHere();
      answers["call.answer"] = cannot("lost");
      void calls.answer(call, false);
      await settle();
      answers["call.answer"] = cannot("bad_request");
      calls.linked();
      await settle();
      expect(call.phase.value).toBe("connecting");
    });

    it("does not take what is offered otherwise the second time", async () => {
      const { calls, call, answers } = await ringsHere();
      answers["call.answer"] = cannot("lost");
      void calls.answer(call, false);
      await settle();
      calls.lost([]);
      calls.event(says("incoming", { sdp: "another offer" }));
      await settle();
      expect([call.phase.value, call.reason.value]).toEqual(["ended", "lost"]);
    });

    it("does not ring again when it was declined meanwhile", async () => {
      const { calls, call, ops, answers } = await ringsHere();
      answers["call.end"] = cannot("offline");
      calls.decline(call);
      await settle();
      answers["call.end"] = () => ({});
      calls.lost([]);
      calls.event(says("incoming", { sdp: "their offer" }));
      expect(calls.incoming.value).toEqual([]);
      expect(ops()).toEqual(["call.end", "call.end"]);
    });

    it("offers again what rings at the other side", async () => {
      const { calls, asked } = await (async () => {
        const w = world();
        await w.calls.start("bob@example.test", false);
        w.calls.event({ ev: "kept", call: "c1", kept: "sealed" });
        return w;
      })();
      expect(calls.kept()).toEqual(["sealed"]);
      calls.lost(["c1"]);
      const before = asked.length;
      calls.linked();
      calls.linked();
      await settle();
      expect(asked.slice(before)).toEqual([["call.start", { call: "c1", sdp: "offer 1 a=sendrecv a=candidate" }]]);
      calls.event(says("answered", { sdp: "their answer" }));
      await settle();
      calls.lost(["c1"]);
      calls.linked();
      await settle();
      expect(asked.length).toBe(before + 1);
    });

    it("tells an end that could not be told", async () => {
      const { calls, ops, answers } = await talking();
      calls.event({ ev: "kept", call: "c1", kept: "sealed" });
      answers["call.end"] = cannot("offline");
      calls.hangUp();
      await settle();
      expect(calls.kept()).toEqual(["sealed"]);
      answers["call.end"] = () => ({});
      const before = ops().length;
      calls.lost(["c1"]);
      calls.linked();
      calls.linked();
      await settle();
      expect(ops().slice(before)).toEqual(["call.end"]);
      expect(calls.kept()).toEqual([]);
    });
  });
});
