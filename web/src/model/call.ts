// One call as this side has it: its connection, its tracks, and what is shown of it.

import { signal } from "@preact/signals";

import { gathered, type Media } from "./media";

export type Phase = "starting" | "ringing" | "incoming" | "connecting" | "up" | "ended";

export class Call {
  /** The server's name for it; empty until it has one. */
  id = "";
  readonly phase = signal<Phase>("starting");
  readonly reason = signal("");
  readonly muted = signal(false);
  readonly held = signal(false);
  readonly heldThere = signal(false);
  readonly camera = signal(false);
  /** What did not work in the running call, as a reason of an ended one. */
  readonly trouble = signal("");
  /** Since when both sides hear each other. */
  readonly since = signal<Date | null>(null);
  readonly local = signal<MediaStream | null>(null);
  readonly remote = signal<MediaStream | null>(null);
  readonly remoteVideo = signal(false);
  /** What an incoming call offers. */
  offer = "";
  pc: RTCPeerConnection | null = null;
  /** What of `held` is in the last own offer, and in the last one that was answered. */
  private heldOffered = false;
  private heldAgreed = false;
  private line: Promise<unknown> = Promise.resolve();

  constructor(
    readonly uri: string,
    readonly ours: boolean,
    private readonly media: Media,
  ) {
    if (!ours) this.phase.value = "incoming";
  }

  get over(): boolean {
    return this.phase.peek() === "ended";
  }

  /** An exchange of descriptions has the connection to itself: another one begins when it is over. */
  turn<T>(exchange: () => Promise<T>): Promise<T> {
    const done = this.line.then(exchange);
    this.line = done.catch(() => undefined);
    return done;
  }

  /** Asks for microphone and camera, and makes the connection. Throws DOMException. */
  async open(video: boolean, iceServers: RTCIceServer[], changed: () => void): Promise<void> {
    const stream = await this.media.open({ audio: true, video });
    if (this.over) return stream.getTracks().forEach((track) => track.stop());
    this.local.value = stream;
    this.camera.value = video;
    this.pc = this.media.connect({ iceServers, bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) this.pc.addTrack(track, stream);
    this.pc.addEventListener("track", (e) => this.heard(e));
    this.pc.addEventListener("connectionstatechange", changed);
  }

  async makeOffer(): Promise<string> {
    const pc = this.connection();
    this.heldOffered = this.held.peek();
    await pc.setLocalDescription(await pc.createOffer());
    return gathered(pc);
  }

  async makeAnswer(offer: string): Promise<string> {
    const pc = this.connection();
    await pc.setRemoteDescription({ type: "offer", sdp: offer });
    await pc.setLocalDescription(await pc.createAnswer());
    this.look(offer);
    return gathered(pc);
  }

  async takeAnswer(sdp: string): Promise<void> {
    await this.connection().setRemoteDescription({ type: "answer", sdp });
    this.heldAgreed = this.heldOffered;
    this.look(sdp);
  }

  async rollback(): Promise<void> {
    if (this.pc?.signalingState === "have-local-offer") await this.pc.setLocalDescription({ type: "rollback" });
  }

  setMuted(muted: boolean): void {
    this.muted.value = muted;
    this.hear();
  }

  /** The next offer says that nothing is wanted, or everything again. */
  setHeld(held: boolean): void {
    this.held.value = held;
    // Who sends no picture does not begin to when the call goes on.
    for (const t of this.pc?.getTransceivers() ?? []) t.direction = held ? "inactive" : t.sender.track ? "sendrecv" : "recvonly";
    this.hear();
  }

  /** Nobody could be asked for this hold, or this end of one: what was agreed holds on. */
  takeBackHeld(held: boolean): void {
    if (!this.over && this.held.peek() === held) this.setHeld(this.heldAgreed);
  }

  /** Adds a camera, or takes it away; true: the other side has to be asked. */
  async setCamera(on: boolean): Promise<boolean> {
    const pc = this.connection();
    const known = this.local.peek()?.getVideoTracks()[0];
    this.camera.value = on;
    if (known) {
      known.enabled = on;
      return false;
    }
    const track = await this.track({ video: true });
    if (!track) return false;
    const all = new MediaStream([...(this.local.peek()?.getTracks() ?? []), track]);
    pc.addTrack(track, all);
    this.local.value = all;
    return true;
  }

  /** Another microphone or camera, without asking the other side. */
  async useDevice(kind: "audio" | "video", deviceId: string): Promise<void> {
    const sender = this.pc?.getSenders().find((s) => s.track?.kind === kind);
    const track = sender && (await this.track({ [kind]: { deviceId: { exact: deviceId } } }));
    if (!track) return;
    // What was muted or off stays so before anything of the new device goes out.
    track.enabled = sender.track?.enabled ?? false;
    sender.track?.stop();
    await sender.replaceTrack(track);
    const others = (this.local.peek()?.getTracks() ?? []).filter((t) => t.kind !== kind);
    this.local.value = new MediaStream([...others, track]);
  }

  end(reason: string): void {
    if (this.over) return;
    this.reason.value = reason;
    this.phase.value = "ended";
    this.pc?.close();
    this.local.peek()?.getTracks().forEach((track) => track.stop());
    this.local.value = this.remote.value = null;
    this.remoteVideo.value = false;
  }

  /** A track of a device; null, and the device let go, if the call ended while the browser asked the user. */
  private async track(wanted: MediaStreamConstraints): Promise<MediaStreamTrack | null> {
    const [track] = (await this.media.open(wanted)).getTracks();
    if (track && !this.over) return track;
    track?.stop();
    return null;
  }

  private connection(): RTCPeerConnection {
    if (!this.pc) throw new DOMException("", "InvalidStateError");
    return this.pc;
  }

  private heard(e: RTCTrackEvent): void {
    // All that comes, in one: a camera that is added later brings a stream of its own.
    this.remote.value = new MediaStream(this.pc?.getReceivers().map((r) => r.track) ?? []);
    if (e.track.kind === "video") this.remoteVideo.value = true;
  }

  /** Whether the other side takes and sends nothing. */
  private look(sdp: string): void {
    this.heldThere.value = !this.held.peek() && /a=inactive/.test(sdp) && !/a=sendrecv/.test(sdp);
  }

  private hear(): void {
    const on = !this.muted.peek() && !this.held.peek();
    this.local.peek()?.getAudioTracks().forEach((track) => (track.enabled = on));
  }
}
