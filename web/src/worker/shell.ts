// The program's own files, so that it opens without a network. Their names change with their content, but for
// index.html: that one is asked of the server first, so that a new version comes with the next load. The cache
// of one version is filled at once and never changed; it goes with the last page of that version.

declare const self: ServiceWorkerGlobalScope;

/** Both from the build (scripts/worker.mjs): every file of it, and a name that changes with any of them. */
declare const __SHELL__: readonly string[];
declare const __SHELL_ID__: string;

const PREFIX = "shell-";
const CACHE = PREFIX + __SHELL_ID__;
const PAGE = "/index.html";
/** A network that is there and does not answer is none. */
const PATIENCE_MS = 5_000;

/** What an older version has as well is not loaded again. */
async function keep(cache: Cache, path: string): Promise<void> {
  const known = path.startsWith("/assets/") ? await caches.match(path) : undefined;
  const answer = known ?? (await fetch(path, { cache: "no-cache" }));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  await cache.put(path, answer);
}

export async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(__SHELL__.map((path) => keep(cache, path)));
}

export async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function kept(path: string): Promise<Response> {
  return (await (await caches.open(CACHE)).match(path)) ?? Response.error();
}

async function page(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    // What stands in front of a server that is being restarted says 502.
    return answer.status < 500 ? answer : await kept(PAGE);
  } catch {
    return kept(PAGE);
  }
}

/** What is none of the program's files, and so all of /api/, goes its way. */
export function answer(event: FetchEvent): void {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === "/" || url.pathname === PAGE) event.respondWith(page(request));
  } else if (__SHELL__.includes(url.pathname) && url.pathname !== PAGE) {
    event.respondWith(kept(url.pathname).then((file) => (file.ok ? file : fetch(request))));
  }
}
