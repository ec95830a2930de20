// Calls whose browser and server the tests bring: connections, tracks, and what was asked.

import { vi } from "vitest";

import type { Call } from "../../src/model/call";
import { Calls } from "../../src/model/calls";
import type { CallEvent } from "../../src/net/wire";

export class FakeTrack extends EventTarget {
  enabled = true;
  stopped = false;
  contentHint = "";
  constructor(readonly kind: string) {
    super();
  }
  stop(): void {
    this.stopped = true;
  }
}

export class FakeStream {
  constructor(private readonly tracks: FakeTrack[] = []) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter((t) => t.kind === "audio");
  getVideoTracks = () => this.tracks.filter((t) => t.kind === "video");
}

export class FakeTransceiver {
  direction = "sendrecv";
  currentDirection: string | null = null;
  readonly receiver: { track: FakeTrack };
  readonly sender: { track: FakeTrack | null; replaceTrack(t: FakeTrack | null): Promise<void> };
  constructor(kind: string, track: FakeTrack | null) {
    this.receiver = { track: new FakeTrack(kind) };
    this.sender = { track, replaceTrack: async (t) => void (this.sender.track = t) };
  }
}

export class FakePeer extends EventTarget {
  iceGatheringState = "complete";
  connectionState = "new";
  signalingState = "stable";
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  readonly transceivers = [new FakeTransceiver("audio", new FakeTrack("audio"))];
  restarts = 0;
  closed = false;
  private made = 0;

  private parts(): string {
    return this.transceivers.map((t, i) => (i ? `\r\nm=video 9 x\r\na=${t.direction}\r\n` : ` a=${t.direction}`)).join("");
  }

  constructor(readonly config: RTCConfiguration) {
    super();
  }
  addTrack(track: FakeTrack): void {
    if (track.kind === "video") this.transceivers.push(new FakeTransceiver("video", track));
    else if (this.audio) this.audio.sender.track = track;
  }
  get audio(): FakeTransceiver | undefined {
    return this.transceivers[0];
  }
  get video(): FakeTransceiver | undefined {
    return this.transceivers[1];
  }
  getTransceivers = () => this.transceivers;
  getSenders = () => this.transceivers.map((t) => t.sender);
  getReceivers = () => this.transceivers.map((t) => t.receiver);
  getConfiguration = () => this.config;
  setConfiguration = vi.fn();
  restartIce(): void {
    this.restarts++;
  }
  createOffer = async () => ({ type: "offer", sdp: `offer ${++this.made}${this.parts()} a=candidate` });
  createAnswer = async () => ({ type: "answer", sdp: "our answer a=candidate" });
  async setLocalDescription(d: { type: string; sdp: string }): Promise<void> {
    if (d.type !== "rollback") this.localDescription = d;
    this.signalingState = d.type === "offer" ? "have-local-offer" : "stable";
    if (d.type === "answer") this.agree();
  }
  async setRemoteDescription(d: { type: string; sdp: string }): Promise<void> {
    if (d.type === "answer" && this.signalingState !== "have-local-offer") throw new DOMException("", "InvalidStateError");
    this.remoteDescription = d;
    this.signalingState = "stable";
    if (d.type === "answer") this.agree();
  }
  /** The other side agrees to what is wanted. */
  private agree(): void {
    for (const t of this.transceivers) t.currentDirection = t.direction;
  }
  close(): void {
    this.closed = true;
  }
  becomes(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

export function world() {
  const peers: FakePeer[] = [];
  const tracks: FakeTrack[] = [];
  const asked: [string, Record<string, unknown>][] = [];
  const answers: Record<string, () => unknown> = {
    "call.start": () => ({ call: "c1" }),
    "call.update": () => ({ sdp: "their answer" }),
    "relay.get": () => ({ servers: [{ urls: ["turn:r:3478?transport=udp"], username: "u", credential: "p" }], life_s: 3600 }),
  };
  const rings: boolean[] = [];
  const open = vi.fn(async (wanted: MediaStreamConstraints) => {
    const made = Object.keys(wanted).filter((k) => wanted[k as "audio"]).map((k) => new FakeTrack(k));
    tracks.push(...made);
    return new FakeStream(made) as unknown as MediaStream;
  });
  const over: Call[] = [];
  const nudge = vi.fn();
  const claim = vi.fn(async (_force: boolean, _lost: () => void): Promise<(() => void) | null> => () => undefined);
  const screen = vi.fn(async () => {
    const track = new FakeTrack("video");
    tracks.push(track);
    return new FakeStream([track]) as unknown as MediaStream;
  });
  const calls = new Calls({
    request: async (op, fields = {}) => {
      asked.push([op, fields as Record<string, unknown>]);
      return answers[op]?.() ?? {};
    },
    media: { open, screen, connect: (config) => (peers.push(new FakePeer(config)), peers[peers.length - 1] as unknown as RTCPeerConnection) },
    now: () => new Date(1_000_000),
    random: () => 0.5,
    rings: (on) => rings.push(on),
    nudge,
    claim,
    ended: (call) => over.push(call),
  });
  const ops = () => asked.map(([op]) => op);
  return { calls, nudge, peers, tracks, asked, ops, answers, open, screen, claim, over, rings };
}

export function says(state: CallEvent["state"], more: Partial<CallEvent> = {}): CallEvent {
  return { ev: "call", call: "c1", state, with: "bob@example.test", to: "", name: "", sdp: "", reason: "", ...more };
}

export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

export async function talking() {
  const w = world();
  await w.calls.start("bob@example.test", false);
  w.calls.event(says("answered", { sdp: "their answer" }));
  await settle();
  w.peers[0]?.becomes("connected");
  const call = w.calls.current.value;
  if (!call || !w.peers[0]) throw new Error("there is no call");
  return { ...w, call, peer: w.peers[0] };
}
