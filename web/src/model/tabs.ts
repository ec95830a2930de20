// Several tabs of one browser. Each is an endpoint of its own with an identity that survives a reload;
// one of them, the leader, shows the notifications of the system. One rings, and one has a call.

type Store = Pick<Storage, "getItem" | "setItem">;

const TAB_KEY = "dialtone.tab";
const LEADER = "dialtone.leader";
const WATCHED = "dialtone.watched";
const RING = "dialtone.ring";
const CALL = "dialtone.call";

export function randomMark(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return Array.from(bytes, (b) => b.toString(36).padStart(2, "0")).join("");
}

/** Holds a lock for the life of the page; false if another tab has it. */
function hold(locks: LockManager, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    void locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise<void>(() => undefined) : undefined;
    });
  });
}

/**
 * This tab's identity: the one it had before a reload. A tab that was duplicated has a copy of the
 * other's memory; the lock tells them apart, and the copy gets an identity of its own.
 */
export async function tabIdentity(store: Store, locks: LockManager | undefined): Promise<string> {
  const old = store.getItem(TAB_KEY);
  if (old && /^[a-z0-9]{1,64}$/.test(old) && (!locks || (await hold(locks, `dialtone.tab.${old}`)))) return old;
  const tab = randomMark();
  store.setItem(TAB_KEY, tab);
  if (locks) await hold(locks, `dialtone.tab.${tab}`);
  return tab;
}

/** Rings when no other tab does, until what is returned is called; a tab that is closed leaves it to the next. */
export function ringAlone(locks: LockManager | undefined, ring: () => void): () => void {
  if (!locks) return ring(), () => undefined;
  const waiting = new AbortController();
  let release = () => {};
  locks
    .request(RING, { signal: waiting.signal }, () => (ring(), new Promise<void>((done) => (release = done))))
    .catch(() => undefined);
  return () => {
    waiting.abort();
    release();
  };
}

/** Whoever talks has one microphone: this tab's call is the only one. As of `CallsWorld.claim`. */
export function claimCall(locks: LockManager | undefined, force: boolean, lost: () => void): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    if (!locks) return resolve(() => undefined);
    locks
      .request(CALL, force ? { steal: true } : { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise<void>((done) => resolve(done));
      })
      .catch(lost);
  });
}

export class Leader {
  private leads = false;

  /** Whether it is this tab that speaks for all. */
  get first(): boolean {
    return this.leads;
  }

  constructor(private readonly locks: LockManager | undefined) {
    if (!locks) this.leads = true;
    else void locks.request(LEADER, () => ((this.leads = true), new Promise<void>(() => undefined)));
  }

  /** Held by the tab that the user looks at, as long as it is so. */
  watch(doc: Document): void {
    let release: (() => void) | null = null;
    const update = () => {
      const watched = doc.visibilityState === "visible" && doc.hasFocus();
      if (!watched) {
        release?.();
        release = null;
      } else if (!release && this.locks) {
        const held = new Promise<void>((r) => (release = r));
        void this.locks.request(WATCHED, { mode: "shared" }, () => held);
      }
    };
    for (const e of ["focus", "blur"]) doc.defaultView?.addEventListener(e, update);
    doc.addEventListener("visibilitychange", update);
    update();
  }

  /** Whether it is this tab's to tell the system: it leads, and nobody looks at any tab. */
  async mine(): Promise<boolean> {
    if (!this.leads) return false;
    const held = (await this.locks?.query())?.held ?? [];
    return !held.some((l) => l.name === WATCHED);
  }
}
