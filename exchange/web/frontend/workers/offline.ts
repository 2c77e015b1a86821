/**
 * Lets the space open without a network, so that dossiers already taken can be read at the meeting.
 *
 * Keeps the page and its scripts, which are the same for everybody; never an answer of the API. The
 * network comes first: what is kept serves only when nobody answers, and a script that does not match
 * the page's integrity attribute is not run.
 */
const SHELF = "dossier-exchange-shell";
/** The space's scripts, a member's and the worker's, filled in by the build: their names change with them. */
declare const SCRIPTS: readonly string[];
const KEPT = ["/espace", "/static/pages.css", "/static/seal.svg", "/textes/en.json", ...SCRIPTS];

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

const scope = self as unknown as {
  addEventListener(kind: "install" | "activate", hear: (event: Lasting) => void): void;
  addEventListener(kind: "fetch", hear: (event: Fetching) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
};

async function keepAll(): Promise<void> {
  const shelf = await caches.open(SHELF);
  await shelf.addAll(KEPT.map((path) => new Request(path, { cache: "reload" })));
  for (const { url } of await shelf.keys()) {
    if (!KEPT.includes(new URL(url).pathname)) await shelf.delete(url); // of an earlier version
  }
  await scope.skipWaiting();
}

async function answered(request: Request, path: string): Promise<Response> {
  const shelf = await caches.open(SHELF);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await shelf.put(path, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await shelf.match(path);
    if (kept === undefined) throw error;
    return kept;
  }
}

scope.addEventListener("install", (event) => event.waitUntil(keepAll()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const ours = origin === scope.location.origin && event.request.method === "GET";
  if (ours && KEPT.includes(pathname)) event.respondWith(answered(event.request, pathname));
});
