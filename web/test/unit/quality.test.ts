import { signal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";

import { loadDevices, preferring } from "../../src/model/devices";
import { browserMedia } from "../../src/model/media";
import { levelOf, Quality, type Figures } from "../../src/model/quality";
import { FakeStore } from "./fakes";

const inbound = (kind: string, packetsReceived: number, packetsLost: number, jitter = 0.005) => ({ type: "inbound-rtp", kind, packetsReceived, packetsLost, jitter });

describe("quality of a call", () => {
  it("compares with the report before", () => {
    const quality = new Quality();
    expect(quality.take([inbound("audio", 100, 50)])).toBeNull();
    const f = quality.take([
      inbound("audio", 180, 60, 0.012),
      inbound("video", 10, 10, 0.9),
      { type: "remote-inbound-rtp", fractionLost: 0.05, roundTripTime: 0.08 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.5 },
    ]);
    expect(f).toEqual({ lossIn: 20 / 110, lossOut: 0.05, roundTripMs: 80, jitterMs: 12, silent: false });
  });

  it("takes the way's own time where the other side tells none, and what is no number for nothing", () => {
    const quality = new Quality();
    quality.take([inbound("audio", 1, 0)]);
    const f = quality.take([
      { type: "inbound-rtp", kind: "audio", packetsReceived: "x", packetsLost: -5, jitter: null },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.03 },
    ]);
    expect(f).toEqual({ lossIn: 0, lossOut: 0, roundTripMs: 30, jitterMs: null, silent: true });
  });

  it("has three levels", () => {
    const fine: Figures = { lossIn: 0.01, lossOut: 0, roundTripMs: 40, jitterMs: 5, silent: false };
    expect(levelOf(fine, true)).toBe("good");
    expect(levelOf({ ...fine, lossOut: 0.03 }, true)).toBe("fair");
    expect(levelOf({ ...fine, roundTripMs: 300 }, true)).toBe("fair");
    expect(levelOf({ ...fine, jitterMs: 80 }, true)).toBe("poor");
    expect(levelOf({ ...fine, lossIn: 0.2 }, true)).toBe("poor");
    expect(levelOf({ ...fine, silent: true }, true)).toBe("poor");
    expect(levelOf({ ...fine, silent: true }, false)).toBe("good");
  });
});

describe("devices", () => {
  it("are kept, and asked for", () => {
    const store = new FakeStore() as unknown as Storage;
    const devices = loadDevices(store);
    expect(preferring({ audio: true, video: false }, devices.value)).toEqual({ audio: true, video: false });
    devices.value = { ...devices.value, audio: "m2", video: "c2" };
    const again = loadDevices(store).value;
    expect(preferring({ audio: true, video: true }, again)).toEqual({ audio: { deviceId: { exact: "m2" } }, video: { deviceId: { exact: "c2" } } });
    expect(preferring({ video: { deviceId: { exact: "c1" } } }, again).video).toEqual({ deviceId: { exact: "c1" } });
  });

  it("are replaced when they are not there any more", async () => {
    const getUserMedia = vi.fn(async (wanted: MediaStreamConstraints) => {
      if (typeof wanted.audio === "object") throw new DOMException("", "OverconstrainedError");
      return {} as MediaStream;
    });
    vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
    await browserMedia(signal({ audio: "gone", video: "", speaker: "" })).open({ audio: true });
    expect(getUserMedia.mock.calls.map(([wanted]) => wanted.audio)).toEqual([{ deviceId: { exact: "gone" } }, true]);
    vi.unstubAllGlobals();
  });

  it("are what a store says only if it says ids", () => {
    const store = new FakeStore() as unknown as Storage;
    store.setItem("dialtone.devices", JSON.stringify({ audio: 7, video: "x".repeat(1000), speaker: "s" }));
    expect(loadDevices(store).value).toEqual({ audio: "", video: "", speaker: "s" });
  });
});
