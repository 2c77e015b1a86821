/** What the core runs on: store, transport, clock, randomness. All that differs in a test. */
import { Api } from "./api.ts";
import { type Entropy, systemEntropy } from "./bytes.ts";
import { Connection, type Wire, fetchWire } from "./connection.ts";
import { formatInstant, newOpaqueId } from "./encoding.ts";
import { Profile } from "./profile.ts";
import { type Store, browserStore } from "./store.ts";
import type { StatementOf, StatementType } from "./statements.ts";
import type { Trust } from "./trust.ts";
import { type Workshop, inlineWorkshop, workerWorkshop } from "./workshop.ts";

export interface Browser {
  readonly profile: Profile;
  readonly api: Api;
  readonly clock: () => number; // milliseconds
  readonly entropy: Entropy;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly workshop: Workshop;
}

export interface Parts {
  readonly store: Store;
  readonly wire: Wire;
  readonly language?: string;
  readonly clock?: () => number;
  readonly entropy?: Entropy;
  readonly pause?: (milliseconds: number) => Promise<void>;
  readonly workshop?: Workshop;
}

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => void setTimeout(resolve, milliseconds));

export function makeBrowser(parts: Parts): Browser {
  const pause = parts.pause ?? sleep;
  return {
    profile: new Profile(parts.store),
    api: new Api(new Connection(parts.wire, parts.language ?? "fr", pause)),
    clock: parts.clock ?? Date.now,
    entropy: parts.entropy ?? systemEntropy,
    pause,
    workshop: parts.workshop ?? inlineWorkshop,
  };
}

/** The page's own: IndexedDB, fetch, the worker at `workerUrl`, the language of the document. */
export const inThisBrowser = (workerUrl: string | TrustedScriptURLLike, language: string): Browser =>
  makeBrowser({
    store: browserStore(),
    wire: fetchWire,
    language,
    workshop: workerWorkshop(workerUrl),
  });

/** A string, or what a Trusted Types policy made of one. */
export type TrustedScriptURLLike = { toString(): string };

/** The fields that every statement carries, for a statement of now with a fresh id. */
export const commonFields = (browser: Browser, trust: Trust, signer: string) => ({
  commission: trust.commission,
  id: newOpaqueId(browser.entropy),
  issued_at: formatInstant(browser.clock()),
  signer,
});

/** What a statement says beyond the fields that all carry. */
export type Beyond<K extends StatementType> = Omit<
  StatementOf<K>,
  "commission" | "id" | "issued_at" | "signer"
>;
