// Which microphone, camera and loudspeaker this browser uses for calls: chosen once, kept for the next.

import { effect, signal, type Signal } from "@preact/signals";

import { readJson, writeJson } from "./prefs";

/** Ids of the browser; an empty one leaves the choice to it. */
export interface Devices {
  audio: string;
  video: string;
  speaker: string;
}

export type Kind = keyof Devices;

const KEY = "dialtone.devices";
const ID_MAX = 256;

export function loadDevices(store: Storage): Signal<Devices> {
  const v = readJson(store, KEY);
  const id = (x: unknown) => (typeof x === "string" && x.length <= ID_MAX ? x : "");
  const devices = signal<Devices>({ audio: id(v.audio), video: id(v.video), speaker: id(v.speaker) });
  effect(() => writeJson(store, KEY, devices.value));
  return devices;
}

/** What is asked of the browser. Demanded, not preferred: Chromium takes another one else. */
export function preferring(wanted: MediaStreamConstraints, devices: Devices): MediaStreamConstraints {
  const one = (asked: boolean | MediaTrackConstraints | undefined, id: string) =>
    asked === true && id ? { deviceId: { exact: id } } : asked;
  return { ...wanted, audio: one(wanted.audio, devices.audio), video: one(wanted.video, devices.video) };
}

/** Lets an element sound where the user wants it; browsers that cannot choose play as they do. */
export function soundAt(element: HTMLAudioElement, speaker: string): void {
  if (typeof element.setSinkId === "function" && element.sinkId !== speaker) element.setSinkId(speaker).catch(() => undefined);
}
