// Telling the other side that something is being written: at the begin, again while it goes on, and when
// it stops. docs/protocols/web-api.md, `chat.typing`.

/** The protocol's repetition, and after how long without a key it is over. */
const REPEAT_MS = 10_000;
const OVER_MS = 5_000;
/** Somebody else's typing ends after that, even if nobody says so. */
export const TYPING_LIFE_MS = 15_000;

export class TypingTeller {
  private to: string | null = null;
  private told = 0;
  private over: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly tell: (to: string, on: boolean) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** A key was pressed in the chat with `to`; `empty` if nothing is left of the text. */
  key(to: string, empty: boolean): void {
    if (this.to !== null && (this.to !== to || empty)) this.stop();
    if (empty) return;
    if (this.to === null || this.now() - this.told >= REPEAT_MS) {
      this.to = to;
      this.told = this.now();
      this.tell(to, true);
    }
    clearTimeout(this.over);
    this.over = setTimeout(() => this.stop(), OVER_MS);
  }

  /** Nothing is written any more. A sent message says so by itself: then `silent`. */
  stop(silent = false): void {
    clearTimeout(this.over);
    if (this.to !== null && !silent) this.tell(this.to, false);
    this.to = null;
  }
}
