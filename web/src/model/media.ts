// What calls need of the browser: microphone, camera, and a connection; tests bring their own.

import type { Signal } from "@preact/signals";

import { preferring, type Devices } from "./devices";

const GATHER_MS = 5_000;
/** After each candidate the next gets that long: a server that does not answer holds nobody up. */
const GATHER_MORE_MS = 1_000;
/** The same while the other side waits to ring or to hear: what comes later is told afterwards (decision 11). */
export const GATHER_SOON_MS = 300;
/** So long a user has to choose a screen; browsers are known that never answer. */
export const SCREEN_MS = 120_000;

export interface Media {
  open(wanted: MediaStreamConstraints): Promise<MediaStream>;
  /** Asks the user for a screen, a window or a tab. */
  screen(): Promise<MediaStream>;
  connect(config: RTCConfiguration): RTCPeerConnection;
}

export const browserMedia = (devices: Signal<Devices>): Media => ({
  open: (wanted) => openPreferring(wanted, devices.peek()),
  screen: () =>
    canShare() ? within(navigator.mediaDevices.getDisplayMedia({ video: true }), SCREEN_MS) : Promise.reject(new DOMException("", "NotSupportedError")),
  connect: (config) => new RTCPeerConnection(config),
});

/** A device that is not there any more hinders no call: another takes its place. */
async function openPreferring(wanted: MediaStreamConstraints, devices: Devices): Promise<MediaStream> {
  const media = navigator.mediaDevices;
  if (!media) throw new DOMException("", "NotSupportedError");
  try {
    return await media.getUserMedia(preferring(wanted, devices));
  } catch (error) {
    if (mediaError(error) !== "no_device") throw error;
    return media.getUserMedia(wanted);
  }
}

/** Phones have no screens to share. */
export function canShare(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/** The stream, if it comes in time; one that comes later is let go. */
export function within(asked: Promise<MediaStream>, ms: number): Promise<MediaStream> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => ((late = true), reject(new DOMException("", "TimeoutError"))), ms);
    asked.then(
      (stream) => (late ? stream.getTracks().forEach((track) => track.stop()) : resolve(stream)),
      reject,
    ).finally(() => clearTimeout(timer));
  });
}

/** The own description with its candidates, as far as they come in time. */
export function gathered(pc: RTCPeerConnection, moreMs = GATHER_MORE_MS): Promise<string> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      pc.removeEventListener("icegatheringstatechange", state);
      pc.removeEventListener("icecandidate", candidate);
      resolve(pc.localDescription?.sdp ?? "");
    };
    // After an ICE restart the state is still that of the gathering before: without a candidate nothing is complete.
    const any = () => !!pc.localDescription?.sdp.includes("a=candidate");
    const state = () => pc.iceGatheringState === "complete" && any() && done();
    const candidate = (e: RTCPeerConnectionIceEvent) => {
      if (!e.candidate) return;
      clearTimeout(timer);
      timer = setTimeout(done, moreMs);
    };
    let timer = setTimeout(done, any() ? moreMs : GATHER_MS);
    pc.addEventListener("icegatheringstatechange", state);
    pc.addEventListener("icecandidate", candidate);
    state();
  });
}

/** Why there is no microphone or camera, as a key of the texts. */
export function mediaError(error: unknown): "no_permission" | "no_device" | "no_secure" | "device_busy" | "failed" {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no_device";
  if (name === "NotReadableError" || name === "AbortError") return "device_busy";
  if (name === "NotSupportedError") return "no_secure";
  return name === "NotAllowedError" || name === "SecurityError" ? "no_permission" : "failed";
}
