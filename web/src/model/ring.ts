// The sound of a call that rings: two tones, made here, so that there is nothing to load.

import { ringAlone } from "./tabs";

const TONES = [440, 480];
const EVERY_MS = 3_000;
const LONG_S = 1.2;

export class Ringer {
  private context: AudioContext | null = null;
  private silence: (() => void) | null = null;

  constructor(private readonly locks: LockManager | undefined) {}

  set(on: boolean): void {
    if (on === (this.silence !== null) || typeof AudioContext === "undefined") return;
    this.silence?.();
    this.silence = on ? this.begin() : null;
  }

  private begin(): () => void {
    const context = (this.context ??= new AudioContext());
    let over = false;
    let timer: ReturnType<typeof setInterval> | undefined;
    let leave = () => {};
    const ring = () => {
      this.ring(context);
      timer = setInterval(() => this.ring(context), EVERY_MS);
    };
    // Before the first click on a page browsers play nothing: such a tab leaves the ringing to one that is heard.
    const heard = () => !over && (leave = ringAlone(this.locks, () => !over && ring()));
    context.resume().then(heard, () => undefined);
    return () => {
      over = true;
      clearInterval(timer);
      leave();
    };
  }

  private ring(context: AudioContext): void {
    const gain = context.createGain();
    gain.gain.value = 0.05;
    gain.connect(context.destination);
    for (const hz of TONES) {
      const tone = context.createOscillator();
      tone.frequency.value = hz;
      tone.connect(gain);
      tone.start();
      tone.stop(context.currentTime + LONG_S);
    }
  }
}
