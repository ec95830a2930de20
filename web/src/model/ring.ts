// The sound of a call that rings: two tones, made here, so that there is nothing to load.

const TONES = [440, 480];
const EVERY_MS = 3_000;
const LONG_S = 1.2;

export class Ringer {
  private timer: ReturnType<typeof setInterval> | undefined;
  private context: AudioContext | null = null;

  set(on: boolean): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (!on || typeof AudioContext === "undefined") return;
    this.ring();
    this.timer = setInterval(() => this.ring(), EVERY_MS);
  }

  private ring(): void {
    this.context ??= new AudioContext();
    const context = this.context;
    // Before the first click on a page browsers play nothing; the window that rings is there all the same.
    void context.resume().catch(() => undefined);
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
