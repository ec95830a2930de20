// What the page leaves for the service worker, which has no localStorage and no words: whose it is, and how
// that user wants to be told. It stands in a cache of its own, and is gone when the user signs out.

export interface Memory {
  user: string;
  /** For mentions. */
  name: string;
  notify: boolean;
  notifyText: boolean;
  quiet: boolean;
  quietFrom: string;
  quietTo: string;
  muted: string[];
  /** What group chats are called. */
  groups: Record<string, string>;
  /** `call` has a place for {name}. */
  words: { app: string; hidden: string; call: string; unnamed: string };
}

const CACHE = "memory";
const PLACE = "/memory.json";

export async function remember(memory: Memory): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.put(PLACE, new Response(JSON.stringify(memory), { headers: { "Content-Type": "application/json" } }));
}

/** As an older or newer page has left it, perhaps: null if it is not what this one knows. */
export async function recall(): Promise<Memory | null> {
  const m: unknown = await (await caches.match(PLACE, { cacheName: CACHE }))?.json().catch(() => null);
  if (typeof m !== "object" || m === null || !("user" in m) || !("muted" in m) || !("groups" in m) || !("words" in m)) return null;
  return m as Memory;
}

export async function forget(): Promise<void> {
  await caches.delete(CACHE);
}
