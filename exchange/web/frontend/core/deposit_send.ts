/** Sending a sealed deposit by parts, and its commit; both can be repeated without harm. */
import type { Browser } from "./browser.ts";
import type { Bytes } from "./bytes.ts";
import { RefusedError, unreachable } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { parse } from "./dsse.ts";
import { forgetFileKey } from "./filekeys.ts";
import type { Accepted } from "./ledger.ts";
import { type Addressee, colleagues, hasEnvelope, readers } from "./recipients.ts";
import { impossible, sittingOf } from "./registry.ts";
import type { Advance } from "./workshop.ts";

const MAX_PART_BYTES = 64 * 1_048_576;
const PARALLEL_PARTS = 3; // fills a line whose answers take their time; more only takes memory

/** A deposit on its way, as it waits in this browser: ciphertext and public things only. */
export interface Pending {
  /** Its idempotency key. */
  readonly key: string;
  readonly deposit: string;
  readonly sitting: string;
  readonly reference: string;
  readonly partBytes: number;
  readonly manifest: string;
  readonly envelopes: readonly Bytes[];
  readonly payload: Blob;
}

/** A committed deposit. */
export interface Done {
  readonly deposit: string;
  readonly reference: string;
  readonly pathway: string;
  readonly manifest: Accepted<"manifest">;
  /** The receipt to keep and print (C2SP tlog-proof). */
  readonly receipt: string;
}

export const savePending = (browser: Browser, pending: Pending): Promise<void> =>
  browser.profile.store.put("deposits", pending.key, pending);

/** Deposits that were sealed and not committed. */
export async function pendingDeposits(browser: Browser): Promise<readonly Pending[]> {
  const { store } = browser.profile;
  const found = await Promise.all(
    (await store.keys("deposits")).map((key) => store.get<Pending>("deposits", key)),
  );
  return found.filter((each) => each !== null);
}

const sentName = (key: string): string => `sent-${key}`;

async function removePending(browser: Browser, key: string): Promise<void> {
  await browser.profile.store.delete("deposits", key);
  await browser.profile.store.delete("profile", sentName(key));
}

/** Uploads what is missing, commits, verifies the receipt and keeps it. */
export async function send(desk: Desk, pending: Pending, advance: Advance): Promise<Done> {
  if (!(pending.partBytes >= 1 && pending.partBytes <= MAX_PART_BYTES)) {
    throw unreachable("Le service demande des morceaux d'une taille déraisonnable.");
  }
  await upload(desk.browser, pending, advance);
  const given = parse("manifest", pending.manifest);
  await desk.source.begin();
  const receipt = await commit(desk, pending, advance);
  const { statement } = given;
  await desk.view.checkReceipt(
    receipt,
    ["deposit.committed"],
    {
      manifest: given.digest,
      certificate: statement.signer,
      release_key: statement.release_key_sha256,
    },
    { deposit: statement.deposit },
  );
  const manifest = await desk.view.takeAs("manifest", { envelope: pending.manifest, receipt });
  await desk.keep(given, receipt, `deposit-${statement.deposit}`);
  await desk.browser.profile.rememberDevices(statement.envelopes.map((each) => each.certificate));
  await removePending(desk.browser, pending.key);
  const { deposit, dossier: reference, pathway } = statement;
  return { deposit, reference, pathway, manifest, receipt };
}

async function commit(desk: Desk, pending: Pending, advance: Advance): Promise<string> {
  const { deposit, manifest, envelopes, key } = pending;
  try {
    return await desk.browser.api.commitDeposit(deposit, manifest, envelopes, key);
  } catch (error) {
    const lost = error instanceof RefusedError && /^object-(conflict|missing)$/.test(error.code);
    if (!lost) throw error;
    // The service lost parts that it had acknowledged (restored from a backup): send all again.
    await desk.browser.profile.store.delete("profile", sentName(key));
    await upload(desk.browser, pending, advance);
    return desk.browser.api.commitDeposit(deposit, manifest, envelopes, key);
  }
}

async function upload(browser: Browser, pending: Pending, advance: Advance): Promise<void> {
  const { payload, partBytes, key, deposit } = pending;
  const { store } = browser.profile;
  const sent = new Set((await store.get<readonly number[]>("profile", sentName(key))) ?? []);
  const total = Math.ceil(payload.size / partBytes);
  const missing = Array.from({ length: total }, (_, at) => at + 1).filter((each) => !sent.has(each));
  const sizeOf = (number: number): number => Math.min(partBytes, payload.size - (number - 1) * partBytes);
  let done = [...sent].reduce((sum, number) => sum + sizeOf(number), 0);
  advance(done);
  const work = async (): Promise<void> => {
    for (let number = missing.shift(); number !== undefined; number = missing.shift()) {
      const from = (number - 1) * partBytes;
      const part = new Uint8Array(await payload.slice(from, from + partBytes).arrayBuffer());
      await browser.api.putPart(deposit, number, part).catch((error: unknown) => {
        missing.length = 0; // the others finish the part in hand and begin no other
        throw error;
      });
      sent.add(number);
      await store.put("profile", sentName(key), [...sent]);
      done += part.length;
      advance(done);
    }
  };
  // All come to rest before this ends: none goes on sending behind a failure that was reported.
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL_PARTS }, work));
  const failed = ended.find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Finishes a deposit after a lost connection, if what was sealed may still be sent. */
export async function resume(desk: Desk, key: string, advance: Advance): Promise<Done> {
  const pending = await desk.browser.profile.store.get<Pending>("deposits", key);
  if (pending === null) throw impossible("Ce dépôt n'attend plus dans ce navigateur.");
  await desk.loadSitting(pending.sitting);
  await desk.status(pending.sitting);
  requireStillRight(desk, pending);
  return send(desk, pending, advance);
}

/** What was sealed yesterday must not go to somebody revoked or unseated since. */
function requireStillRight(desk: Desk, pending: Pending): void {
  const { statement: manifest } = parse("manifest", pending.manifest);
  const index = desk.view.ledger;
  const { organisation } = desk.certificate.statement;
  const sitting = sittingOf(index, pending.sitting).statement;
  const allowed: readonly Addressee[] = [
    ...readers(index, sitting, organisation, manifest.audience, desk.now),
    ...colleagues(index, organisation, desk.now),
  ];
  if (manifest.envelopes.some((entry) => !allowed.some((each) => hasEnvelope([entry], each)))) {
    throw impossible(
      "Depuis que ce dépôt a été préparé, une personne ne siège plus ou sa clé a été révoquée : il " +
        "ne sera pas envoyé. Supprimez-le, puis déposez à nouveau.",
    );
  }
}

/** Forgets a deposit that was not committed. */
export async function discard(desk: Desk, key: string): Promise<void> {
  const pending = await desk.browser.profile.store.get<Pending>("deposits", key);
  if (pending !== null) await forgetFileKey(desk, pending.deposit);
  await removePending(desk.browser, key);
}
