// One call as this side has it: its connection, its tracks, and what is shown of it.

import { signal } from "@preact/signals";

import { GATHER_SOON_MS, gathered, mediaError, type Media } from "./media";
import { hasSlides, withSlides } from "./sdp";

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
  /** The own screen goes out in place of the camera. */
  readonly sharing = signal(false);
  /** What did not work in the running call, as a reason of an ended one. */
  readonly trouble = signal("");
  /** To whom the other side is being sent on; empty: to nobody. */
  readonly transfer = signal("");
  /** Who was to have the other side, or to be called in its place, and why that came to nothing. */
  readonly untransferred = signal<{ to: string; reason: string } | null>(null);
  /** Since when both sides hear each other. */
  readonly since = signal<Date | null>(null);
  readonly local = signal<MediaStream | null>(null);
  readonly remote = signal<MediaStream | null>(null);
  readonly remoteVideo = signal(false);
  /** The picture of the other side is a screen. */
  readonly remoteScreen = signal(false);
  /** With which the server takes it up again. */
  kept = "";
  /** What was offered to begin with, by whoever calls. */
  offer = "";
  /** The server does not know of it at the moment. */
  away = false;
  /** Another way is looked for. */
  recovers = false;
  /** It is on hold for its transfer alone. */
  waits = false;
  /** What becomes of its transfer is not told any more: the server that knew has gone. */
  unsure = false;
  /** Who has sent the user on to this call, which is not answered yet. */
  by = "";
  /** What the caller says to be called. */
  said = "";
  /** It was answered here, whatever became of it. */
  taken = false;
  video = false;
  /** The change that the other side has offered and not taken back. */
  theirs: { sdp: string } | null = null;
  /** Lets another tab have a call. */
  release: (() => void) | null = null;
  pc: RTCPeerConnection | null = null;
  /** What of `held` is in the last own offer, and in the last one that was answered. */
  private heldOffered = false;
  private heldAgreed = false;
  /** The same of `sharing`. */
  private slidesOffered = false;
  private slidesAgreed = false;
  /** Counts what was wanted as a picture: what the browser gives after something else was wanted is let go. */
  private wish = 0;
  /** What was shown before an answer that the other side has not got yet. */
  private before: { held: boolean; screen: boolean; video: boolean } | null = null;
  private cameraBefore = false;
  /** How many candidates the last own description had. */
  private told = 0;
  private aside = false;
  private line: Promise<unknown> = Promise.resolve();

  constructor(
    readonly uri: string,
    readonly ours: boolean,
    private readonly media: Media,
    readonly begun: Date,
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
    this.hear();
    this.pc = this.media.connect({ iceServers, bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) this.pc.addTrack(track, stream);
    this.pc.addEventListener("track", () => this.heard());
    this.pc.addEventListener("connectionstatechange", changed);
  }

  async makeOffer(): Promise<string> {
    const pc = this.connection();
    this.heldOffered = this.held.peek();
    this.slidesOffered = this.sharing.peek();
    await pc.setLocalDescription(await pc.createOffer());
    return this.described(pc);
  }

  async makeAnswer(offer: string): Promise<string> {
    const pc = this.connection();
    await pc.setRemoteDescription({ type: "offer", sdp: offer });
    await pc.setLocalDescription(await pc.createAnswer());
    this.before ??= { held: this.heldThere.peek(), screen: this.remoteScreen.peek(), video: this.remoteVideo.peek() };
    this.look(offer);
    this.slidesAgreed = this.sharing.peek();
    return this.described(pc);
  }

  async takeAnswer(sdp: string): Promise<void> {
    await this.connection().setRemoteDescription({ type: "answer", sdp });
    this.heldAgreed = this.heldOffered;
    this.slidesAgreed = this.slidesOffered;
    this.look(sdp);
  }

  /** The other side has our answer. */
  agreed(): void {
    this.theirs = this.before = null;
  }

  /** The other side took its offer back. True: it had been answered here, and only another exchange mends that. */
  async takeBack(): Promise<boolean> {
    if (this.pc?.signalingState === "have-remote-offer") await this.pc.setRemoteDescription({ type: "rollback" });
    if (!this.before || this.over) return false;
    this.heldThere.value = this.before.held;
    this.remoteScreen.value = this.before.screen;
    this.remoteVideo.value = this.before.video;
    this.before = null;
    return true;
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
    this.direct();
    this.hear();
  }

  /** While another call has the user, this one hears nothing of it. */
  setAside(aside: boolean): void {
    this.aside = aside;
    this.hear();
  }

  /** Nobody could be asked for this hold, or this end of one: what was agreed holds on. */
  takeBackHeld(held: boolean): void {
    if (!this.over && this.held.peek() === held) this.setHeld(this.heldAgreed);
  }

  /** Takes the camera, or lets it go: its light is off then. */
  async setCamera(on: boolean): Promise<void> {
    const wish = ++this.wish;
    this.camera.value = on;
    try {
      const track = on ? await this.track({ video: true }) : null;
      if (wish !== this.wish) track?.stop();
      if (wish !== this.wish || (on && !track)) return;
      this.sharing.value = false;
      await this.send(track);
    } catch (error) {
      if (wish === this.wish) this.camera.value = false;
      throw error;
    }
  }

  /** Sends the screen in place of the camera, unless the call is over or something else wanted by the time it is chosen. */
  async share(ended: () => void): Promise<void> {
    const wish = ++this.wish;
    const [track] = (await this.media.screen()).getTracks();
    if (!track || this.over || wish !== this.wish) return track?.stop();
    // Letters have to stay sharp; that fewer pictures come in a second does not matter.
    track.contentHint = "detail";
    track.addEventListener("ended", ended);
    this.cameraBefore = this.camera.peek();
    this.camera.value = false;
    this.sharing.value = true;
    await this.send(track);
  }

  /** The screen is sent no more, and the camera is again if it was before. */
  async unshare(): Promise<void> {
    if (!this.sharing.peek()) return;
    const again = this.cameraBefore;
    await this.setCamera(false);
    if (again) await this.setCamera(true).catch((error: unknown) => (this.trouble.value = mediaError(error)));
  }

  /** Whether the picture that goes out is not what the two sides have agreed on. */
  get untold(): boolean {
    // While nothing goes out at all there is nothing to tell: the end of the hold tells it.
    if (this.over || this.held.peek()) return false;
    const [known] = this.pictures();
    return sends(known) !== !!known?.sender.track || this.slidesAgreed !== this.sharing.peek();
  }

  /** Whether there are candidates that came too late for the last description. */
  get hasMore(): boolean {
    return !this.over && candidates(this.pc?.localDescription?.sdp ?? "") > this.told;
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
    this.release?.();
    this.pc?.close();
    this.local.peek()?.getTracks().forEach((track) => track.stop());
    this.local.value = this.remote.value = null;
    this.remoteVideo.value = this.sharing.value = false;
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

  private heard(): void {
    // All that comes, in one: a camera that is added later brings a stream of its own.
    this.remote.value = new MediaStream(this.pc?.getReceivers().map((r) => r.track) ?? []);
  }

  /** A picture, or none, in place of what was sent. */
  private async send(track: MediaStreamTrack | null): Promise<void> {
    const pc = this.connection();
    const known = this.pictures()[0];
    const before = this.local.peek()?.getVideoTracks() ?? [];
    const stream = new MediaStream([...(this.local.peek()?.getAudioTracks() ?? []), ...(track ? [track] : [])]);
    before.forEach((old) => old.stop());
    this.local.value = stream;
    if (known) await known.sender.replaceTrack(track);
    else if (track) pc.addTrack(track, stream);
    if (this.over) track?.stop();
    else this.direct();
  }

  /** Who sends no picture does not begin to when the call goes on: the other side would wait for it. */
  private direct(): void {
    const held = this.held.peek();
    for (const t of this.pc?.getTransceivers() ?? []) t.direction = held ? "inactive" : t.sender.track ? "sendrecv" : "recvonly";
  }

  private pictures(): RTCRtpTransceiver[] {
    return (this.pc?.getTransceivers() ?? []).filter((t) => t.receiver.track.kind === "video" && t.direction !== "stopped");
  }

  /** The own description, once its candidates are gathered. */
  private async described(pc: RTCPeerConnection): Promise<string> {
    const sdp = await gathered(pc, this.since.peek() ? undefined : GATHER_SOON_MS);
    this.told = candidates(sdp);
    return this.sharing.peek() ? withSlides(sdp) : sdp;
  }

  /** What the other side's description says: whether it takes and sends nothing, and what picture it sends. */
  private look(sdp: string): void {
    this.heldThere.value = !this.held.peek() && /a=inactive/.test(sdp) && !/a=sendrecv/.test(sdp);
    this.remoteScreen.value = hasSlides(sdp);
    this.remoteVideo.value = this.pictures().some((t) => t.currentDirection === "sendrecv" || t.currentDirection === "recvonly");
  }

  private hear(): void {
    const on = !this.muted.peek() && !this.held.peek() && !this.aside;
    this.local.peek()?.getAudioTracks().forEach((track) => (track.enabled = on));
  }
}

function candidates(sdp: string): number {
  return sdp.split("a=candidate").length;
}

function sends(t: RTCRtpTransceiver | undefined): boolean {
  return t?.currentDirection === "sendrecv" || t?.currentDirection === "sendonly";
}
