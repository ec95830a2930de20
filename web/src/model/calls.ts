// All calls of this page: those that ring, the one that is held, and the requests between it and the server.

import { computed, signal } from "@preact/signals";

import { checkRelay } from "../net/check";
import { ApiError, codeOf, type CallEvent, type KeptEvent } from "../net/wire";
import { Call } from "./call";
import { mediaError, type Media } from "./media";
import { hasVideo } from "./sdp";

const GLARE_MIN_MS = 200;
const GLARE_MS = 2_000;
const GLARE_TRIES = 5;
/** While there is no way yet, candidates that came late are told so often. */
const MORE_MS = 1_000;
/** A way that is lost is looked for anew after so long; by the one who was called much later, if nobody else does. */
const RESTART_MS = 3_000;
const RESTART_CALLED_MS = 15_000;
const RESTART_MAX_MS = 30_000;
/** An ended call says why for a while. */
const ENDED_MS = 6_000;
/** Why a transfer came to nothing is said for longer: the user talks meanwhile. */
const TOLD_MS = 60_000;
/** After a transfer who transferred hangs up; if that does not come, this side does. */
const OLD_MS = 5_000;
const EARLY_MAX = 16;
/** So long a call that rings here waits for its caller, where its server process has gone (src/role/frontend/fork.c). */
const BACK_MS = 15_000;

export interface CallsWorld {
  request(op: string, fields?: object): Promise<unknown>;
  media: Media;
  now(): Date;
  random(): number;
  rings(on: boolean): void;
  /** The network may be another one. */
  nudge(): void;
  /** For the list of calls, where the server has none. */
  ended(call: Call): void;
  /** One tab of a browser has a call. Null: another one has, and `force` did not take it away; `lost`: it was taken from here. */
  claim(force: boolean, lost: () => void): Promise<(() => void) | null>;
}

export class Calls {
  readonly current = signal<Call | null>(null);
  /** There is one that goes on, or begins: no other can. */
  readonly busy = computed(() => this.current.value !== null && this.current.value.phase.value !== "ended");
  readonly incoming = signal<readonly Call[]>([]);
  /** The call that the user is sent on from: it goes on if the new one comes to nothing. */
  private aside: Call | null = null;
  /** Events of a call that has no name yet: they can be faster than the answer to `call.start`. */
  private early: (CallEvent | KeptEvent)[] = [];
  /** Ended while the server could not be told. */
  private untold: Call[] = [];
  /** Incoming calls that were ended here: one that comes again does not ring again. */
  private readonly refused = new Set<string>();
  /** Who waits for the link, or for a call to come again. */
  private waiting: (() => void)[] = [];
  private relay: { servers: RTCIceServer[]; until: number } | null = null;

  constructor(private readonly world: CallsWorld) {}

  /** Calls somebody; nothing if there is a call already. */
  async start(uri: string, video: boolean): Promise<void> {
    if (this.busy.peek()) return;
    const call = new Call(uri, true, this.world.media, this.world.now());
    call.video = video;
    this.current.value = call;
    await this.begin(call, {});
  }

  private begin(call: Call, more: { refer?: string }): Promise<void> {
    return this.guard(call, async () => {
      if (!call.release) await this.claim(call, false);
      await this.open(call, call.video);
      const sdp = (call.offer = await call.makeOffer());
      if (call.over) return;
      this.early = [];
      const ok = (await this.world.request("call.start", { to: call.uri, sdp, ...more })) as { call?: unknown };
      call.id = typeof ok.call === "string" ? ok.call : "";
      if (call.over) return void this.tellEnd(call);
      for (const e of this.early.splice(0)) if (e.call === call.id) this.event(e);
    });
  }

  async answer(call: Call, video: boolean): Promise<void> {
    if (this.busy.peek()) this.hangUp();
    this.unring(call);
    this.current.value = call;
    call.phase.value = "connecting";
    call.taken = true;
    await this.guard(call, async () => {
      await this.claim(call, true);
      await this.open(call, video);
      const sdp = await call.makeAnswer(call.offer);
      await this.tellAnswer(call, sdp);
      call.agreed();
      void this.tellMore(call);
    });
  }

  decline(call: Call): void {
    void this.tellEnd(call);
    this.ended(call, "ended_here");
  }

  hangUp(): void {
    this.endAside();
    const call = this.current.peek();
    if (!call) return;
    if (!call.over && call.id) void this.tellEnd(call);
    this.ended(call, "ended_here");
  }

  async toggleHold(): Promise<void> {
    const call = this.running();
    if (!call) return;
    await this.hold(call, !call.held.peek());
  }

  /** Sends the other side of the running call on to somebody; it waits on hold meanwhile. */
  async transfer(to: string): Promise<void> {
    const call = this.running();
    if (!call || call.transfer.peek()) return;
    call.untransferred.value = null;
    call.transfer.value = to;
    call.waits = !call.held.peek() && (await this.hold(call, true));
    if (call.over) return;
    try {
      await this.world.request("call.transfer", { call: call.id, to });
    } catch (error) {
      const code = codeOf(error);
      await this.notTransferred(call, { busy: "under_way", lost: "unsure" }[code] ?? code);
    }
  }

  async toggleCamera(): Promise<void> {
    const call = this.running();
    if (call) await this.picture(call, () => call.setCamera(!call.camera.peek()), mediaError);
  }

  async toggleShare(): Promise<void> {
    const call = this.running();
    if (!call) return;
    if (call.sharing.peek()) return this.unshare(call);
    // No screen was chosen, or the browser has none to give: it does not say which.
    await this.picture(call, () => call.share(() => void this.unshare(call)), () => "no_screen");
  }

  async useDevice(call: Call, kind: "audio" | "video", deviceId: string): Promise<void> {
    try {
      call.trouble.value = "";
      await call.useDevice(kind, deviceId);
    } catch (error) {
      call.trouble.value = mediaError(error);
    }
  }

  event(e: CallEvent | KeptEvent): void {
    const call = this.all().find((c) => c.id === e.call);
    if (e.ev === "call" && e.state === "incoming") this.rang(e);
    else if (!call) this.before(e);
    else if (call.over) return;
    else if (e.ev === "kept") call.kept = e.kept;
    else if (e.state === "ended") this.ended(call, e.reason);
    else if (e.state === "ringing") call.phase.value = "ringing";
    else if (e.state === "refer") void this.referred(call, e.to);
    else if (e.state === "not_transferred") void this.notTransferred(call, e.reason);
    else if (e.state === "answered") void this.guard(call, () => this.answered(call, e.sdp));
    else if (e.state === "update") void this.updated(call, e.sdp);
    else if (e.state === "withdrawn") void this.withdrawn(call);
  }

  /** The page goes away, and the call with it: nobody comes back to it. */
  leave(): void {
    this.hangUp();
  }

  /** The link is back, perhaps by another network: what could not be said while it was away is said now. */
  linked(): void {
    for (const call of this.untold.splice(0)) void this.tellEnd(call);
    this.wake();
    const call = this.current.peek();
    if (call?.away && call.ours) void this.again(call);
    if (call?.unsure) void this.notTransferred(call, "unsure");
  }

  /** With which the server takes up calls that it does not know any more. */
  kept(): string[] {
    const running = this.all().filter((c) => !c.over);
    return [...running, ...this.untold].flatMap((c) => c.kept || []);
  }

  /** The session is a new one: the server knows of these calls alone, if there is one. What rings may go on. */
  lost(known?: readonly string[]): void {
    for (const call of this.all()) {
      const goesOn = known?.includes(call.id);
      if (!known || !(goesOn || (!call.ours && !call.kept))) this.ended(call, "lost");
      else call.away = !goesOn || (call.ours && ["starting", "ringing"].includes(call.phase.peek()));
      call.unsure = call.transfer.peek() !== "";
      if (call.away && !call.ours) setTimeout(() => call.away && this.ended(call, "lost"), BACK_MS);
    }
  }

  /** The server that took this call up has not got its offer yet. */
  private async again(call: Call): Promise<void> {
    call.away = false;
    try {
      await this.world.request("call.start", { call: call.id, sdp: call.offer });
    } catch (error) {
      if (!isAway(error)) this.ended(call, codeOf(error));
    }
  }

  /** Until it was heard: by whatever process has the call then. */
  private async tellAnswer(call: Call, sdp: string): Promise<void> {
    for (let tries = 0; !call.over; tries++) {
      try {
        if (!call.away) return void (await this.world.request("call.answer", { call: call.id, sdp }));
      } catch (error) {
        // It was heard the first time, if it does not ring any more.
        if (tries && codeOf(error) === "bad_request") return;
        if (!isAway(error)) throw error;
      }
      await new Promise<void>((done) => this.waiting.push(done));
    }
  }

  private wake(): void {
    for (const done of this.waiting.splice(0)) done();
  }

  private async tellEnd(call: Call): Promise<void> {
    if (!call.ours) this.refused.add(call.id);
    try {
      await this.world.request("call.end", { call: call.id });
    } catch (error) {
      if (isAway(error)) this.untold.push(call);
    }
  }

  private all(): Call[] {
    return [this.current.peek(), this.aside, ...this.incoming.peek()].filter((c) => c !== null);
  }

  /** False if the other side could not be told: it is as it was then. */
  private async hold(call: Call, held: boolean): Promise<boolean> {
    call.setHeld(held);
    const told = await this.renegotiate(call);
    if (!told) call.takeBackHeld(held);
    return told;
  }

  private async notTransferred(call: Call, reason: string): Promise<void> {
    const to = call.transfer.peek();
    if (!to || call.over) return;
    call.transfer.value = "";
    call.unsure = false;
    this.tellUntransferred(call, to, reason);
    if (call.waits && call.held.peek()) await this.hold(call, false);
  }

  private tellUntransferred(call: Call, to: string, reason: string): void {
    const told = { to, reason };
    call.untransferred.value = told;
    setTimeout(() => call.untransferred.peek() === told && (call.untransferred.value = null), TOLD_MS);
  }

  /**
   * The other side sends the user on to somebody: a new call begins beside the old one. It has no picture, whatever
   * the old one has, and is mute if that is: the user has not chosen to be seen or heard by anybody else.
   */
  private async referred(old: Call, to: string): Promise<void> {
    if (old !== this.running() || old.transfer.peek() || this.aside) return;
    const call = new Call(to, true, this.world.media, this.world.now());
    call.by = old.uri;
    call.muted.value = old.muted.peek();
    [call.release, old.release] = [old.release, null];
    old.setAside(true);
    this.aside = old;
    this.current.value = call;
    await this.begin(call, { refer: old.id });
  }

  private comeBack(old: Call, to: string, reason: string): void {
    this.aside = null;
    old.setAside(false);
    this.current.value = old;
    this.tellUntransferred(old, to, reason);
  }

  private endAside(): void {
    const old = this.aside;
    if (!old) return;
    this.aside = null;
    void this.tellEnd(old);
    this.ended(old, "ended_here");
  }

  /** The call that the user was sent on to is answered: nobody comes back to the old one. */
  private leaveAside(call: Call): void {
    if (!call.by) return;
    call.by = "";
    const old = this.aside;
    setTimeout(() => this.aside === old && this.endAside(), OLD_MS);
  }

  private unshare(call: Call): Promise<void> {
    return call.over ? Promise.resolve() : this.picture(call, () => call.unshare(), mediaError);
  }

  /** Changes the picture that goes out. One that the other side cannot be told of does not go out. */
  private async picture(call: Call, change: () => Promise<void>, reason: (error: unknown) => string): Promise<void> {
    try {
      call.trouble.value = "";
      await change();
      if ((await this.renegotiate(call, () => call.untold)) || call.over) return;
      if (!call.camera.peek() && !call.sharing.peek()) return;
      call.trouble.value = "not_told";
      await call.setCamera(false);
    } catch (error) {
      if (!call.over) call.trouble.value = reason(error);
    }
  }

  private async claim(call: Call, force: boolean): Promise<void> {
    let release: (() => void) | null = null;
    release = await this.world.claim(force, () => {
      // Another call may have it by now: the one that this call was transferred to.
      const holder = this.all().find((c) => release && c.release === release) ?? call;
      if (!holder.over) this.endAside();
      if (!holder.over) void this.tellEnd(holder);
      this.ended(holder, "other_call");
    });
    if (!release) throw new ApiError({ code: "other_tab" });
    call.release = release;
    if (call.over) release();
  }

  private running(): Call | null {
    const call = this.current.peek();
    return call && call.phase.peek() === "up" ? call : null;
  }

  private before(e: CallEvent | KeptEvent): void {
    const call = this.current.peek();
    if (call?.ours && !call.id && !call.over && this.early.length < EARLY_MAX) this.early.push(e);
  }

  private rang(e: CallEvent): void {
    const known = this.all().find((c) => c.id === e.call && !c.over);
    if (known) return this.rangAgain(known, e.sdp);
    const call = new Call(e.with, false, this.world.media, this.world.now());
    call.id = e.call;
    if (this.refused.has(e.call)) return void this.tellEnd(call);
    call.offer = e.sdp;
    call.said = e.name;
    call.video = hasVideo(e.sdp);
    this.incoming.value = [...this.incoming.peek(), call];
    this.world.rings(true);
  }

  private rangAgain(call: Call, offer: string): void {
    // What was offered first has been answered already.
    if (call.taken && call.offer !== offer) return this.ended(call, "lost");
    call.offer = offer;
    call.away = false;
    this.wake();
  }

  private unring(call: Call): void {
    this.incoming.value = this.incoming.peek().filter((c) => c !== call);
    if (!this.incoming.peek().length) this.world.rings(false);
  }

  private async answered(call: Call, sdp: string): Promise<void> {
    this.leaveAside(call);
    call.phase.value = "connecting";
    await call.turn(() => call.takeAnswer(sdp));
    this.changed(call);
    void this.tellMore(call);
  }

  /** Late candidates, until there is a way. */
  private async tellMore(call: Call): Promise<void> {
    const needed = () => call.hasMore && !call.since.peek();
    while (!call.over && !call.since.peek()) {
      await this.renegotiate(call, needed);
      await new Promise((done) => setTimeout(done, MORE_MS));
    }
  }

  private async updated(call: Call, sdp: string): Promise<void> {
    const theirs = { sdp };
    call.theirs = theirs;
    try {
      await call.turn(async () => {
        // Taken back before its turn, or while it was answered, it is nothing any more.
        const answer = call.theirs === theirs && (await call.makeAnswer(sdp));
        if (!answer || call.theirs !== theirs) return;
        await this.world.request("call.accept", { call: call.id, sdp: answer });
        call.agreed();
      });
    } catch {
      // The other side hears nothing, and takes its offer back.
    }
  }

  private async withdrawn(call: Call): Promise<void> {
    call.theirs = null;
    if (await call.turn(() => call.takeBack())) await this.renegotiate(call);
  }

  private async open(call: Call, video: boolean): Promise<void> {
    const servers = await this.servers();
    await call.open(video, servers, () => this.changed(call));
  }

  private changed(call: Call): void {
    const state = call.pc?.connectionState;
    if (call.over) return;
    if (state === "connected") {
      call.since.value ??= this.world.now();
      call.phase.value = "up";
    } else if (isBroken(call)) {
      void this.recover(call);
    } else if (state === "failed" && !call.since.peek()) {
      void this.tellEnd(call);
      this.ended(call, "no_way");
    }
  }

  /** Until there is a way again: soon, when the link is back, and then more and more seldom. */
  private async recover(call: Call): Promise<void> {
    if (call.recovers) return;
    call.recovers = true;
    this.world.nudge();
    let agreed = true;
    // An offer that did not get through leaves the two sides with different ideas of the way, whatever the browser says.
    const needed = () => !call.over && (!agreed || isBroken(call));
    const first = call.pc?.connectionState === "failed" ? 0 : RESTART_MS;
    for (let ms = call.ours ? first : RESTART_CALLED_MS; needed(); ms = Math.min(2 * ms || RESTART_MS, RESTART_MAX_MS)) {
      if (ms) await new Promise<void>((done) => {
        setTimeout(done, ms);
        if (call.ours || !agreed) this.waiting.push(done);
      });
      if (needed()) agreed = await this.restart(call, needed);
    }
    call.recovers = false;
  }

  /** Looks for another way, with words for the relay that are still good. */
  private async restart(call: Call, needed: () => boolean): Promise<boolean> {
    const iceServers = await this.servers();
    if (call.over || !call.pc) return true;
    call.pc.setConfiguration({ ...call.pc.getConfiguration(), iceServers });
    call.pc.restartIce();
    return this.renegotiate(call, needed);
  }

  /** False if the other side could not be asked. Asked is who has to know, when it is this exchange's turn. */
  private async renegotiate(call: Call, needed = () => true): Promise<boolean> {
    for (let tries = 0; tries <= GLARE_TRIES && !call.over; tries++) {
      // An exchange before it may have said it too.
      const result = await call.turn(async () => (needed() ? this.propose(call) : "agreed"));
      if (result !== "busy") return result === "agreed";
      const ms = GLARE_MIN_MS + this.world.random() * (GLARE_MS - GLARE_MIN_MS);
      await new Promise((done) => setTimeout(done, ms));
    }
    return false;
  }

  private async propose(call: Call): Promise<string> {
    try {
      const sdp = await call.makeOffer();
      const ok = (await this.world.request("call.update", { call: call.id, sdp })) as { sdp?: unknown };
      if (typeof ok.sdp === "string" && !call.over) await call.takeAnswer(ok.sdp);
      return "agreed";
    } catch (error) {
      await call.rollback().catch(() => undefined);
      return codeOf(error);
    }
  }

  private async servers(): Promise<RTCIceServer[]> {
    const now = this.world.now().getTime();
    if (this.relay && this.relay.until > now) return this.relay.servers;
    try {
      const { servers, life_s } = checkRelay(await this.world.request("relay.get"));
      this.relay = { servers, until: now + life_s * 500 };
      return servers;
    } catch {
      return [];
    }
  }

  /** What goes wrong while a call is made ends it, with the reason. */
  private async guard(call: Call, doing: () => Promise<void>): Promise<void> {
    try {
      await doing();
    } catch (error) {
      if (call.id && !call.over) void this.tellEnd(call);
      this.ended(call, error instanceof DOMException ? mediaError(error) : codeOf(error));
    }
  }

  private ended(call: Call, reason: string): void {
    this.unring(call);
    if (this.aside === call) this.aside = null;
    const back = call.by && !call.over ? this.aside : null;
    if (back) [back.release, call.release] = [call.release, null];
    if (!call.over) {
      call.end(reason);
      this.wake();
      this.world.ended(call);
    }
    if (back) return this.comeBack(back, call.uri, reason);
    if (this.current.peek() !== call) return;
    if (reason === "ended_here" || reason === "hung_up") this.current.value = null;
    else setTimeout(() => this.current.peek() === call && (this.current.value = null), ENDED_MS);
  }
}

function isBroken(call: Call): boolean {
  return !call.over && call.since.peek() !== null && ["failed", "disconnected"].includes(call.pc?.connectionState ?? "");
}

/** Nobody heard it, or perhaps nobody did. */
function isAway(error: unknown): boolean {
  return ["offline", "lost"].includes(codeOf(error));
}
