/**
 * The page's one Trusted Types policy: lets through the addresses of our own scripts and no other, so
 * that no text that came from elsewhere can ever become a script (CSP `trusted-types dossier`).
 */
const OURS = /^\/(static\/dist\/(workshop|reader|pdf)|hors-ligne)\.js$/;

interface PolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): { toString(): string } };
}

function check(url: string): string {
  if (!OURS.test(url)) throw new TypeError("not a script of this service");
  return url;
}

const { trustedTypes } = globalThis as unknown as { trustedTypes?: PolicyFactory };
const policy = trustedTypes?.createPolicy("dossier", { createScriptURL: check });

/** Where a script of ours is, in the form that this browser asks for. */
export const scriptUrl = (name: "workshop" | "reader" | "pdf"): { toString(): string } => {
  const url = `/static/dist/${name}.js`;
  return policy === undefined ? check(url) : policy.createScriptURL(url);
};

/** Lets this page open without a network; a browser that refuses loses nothing else. */
export async function keepForOffline(): Promise<void> {
  const url = policy === undefined ? check("/hors-ligne.js") : policy.createScriptURL("/hors-ligne.js");
  await navigator.serviceWorker?.register(url as string, { type: "module", updateViaCache: "none" }).catch(() => undefined);
}
