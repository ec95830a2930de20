// Whether somebody sits at this device: `presence.active`.

/** The protocol's five minutes. */
export const IDLE_MS = 5 * 60_000;

export class Activity {
  private active = true;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (active: boolean) => void) {}

  /** Sees keys and pointer of the window. */
  watch(w: Window): void {
    for (const e of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "focus"]) {
      w.addEventListener(e, () => this.used(), { passive: true });
    }
    this.used();
  }

  used(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.set(false), IDLE_MS);
    this.set(true);
  }

  isActive(): boolean {
    return this.active;
  }

  private set(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.tell(active);
  }
}
