/**
 * The depositor's own copy of a deposit's file key, under their own identity, in their own browser: a
 * lost broker costs a re-grant, not a dossier. Deleted at withdrawal and at closing.
 */
import { checkCommitment, decryptWith, encryptTo } from "./age.ts";
import type { Bytes } from "./bytes.ts";
import type { Desk } from "./desk.ts";
import { decodeBase64 } from "./encoding.ts";
import { isClosed, isWithdrawn, latestSitting } from "./registry.ts";
import type { StatementOf } from "./statements.ts";

export async function keepFileKey(desk: Desk, deposit: string, fileKey: Bytes): Promise<void> {
  const sealed = await encryptTo(fileKey, desk.identity.recipient);
  await desk.browser.profile.store.put("filekeys", deposit, sealed);
}

/** The kept file key, checked against the manifest's commitment; null when absent. */
export async function localFileKey(
  desk: Desk,
  manifest: StatementOf<"manifest">,
): Promise<Bytes | null> {
  const sealed = await desk.browser.profile.store.get<Bytes>("filekeys", manifest.deposit);
  if (sealed === null) return null;
  const fileKey = await decryptWith(sealed, desk.identity.revealAgeIdentity());
  checkCommitment(fileKey, decodeBase64(manifest.nonce), decodeBase64(manifest.commitment));
  return fileKey;
}

export const forgetFileKey = (desk: Desk, deposit: string): Promise<void> =>
  desk.browser.profile.store.delete("filekeys", deposit);

/** Deletes the local file keys of dossiers withdrawn and sittings closed. */
export async function forgetEnded(desk: Desk): Promise<void> {
  const kept = new Set(await desk.browser.profile.store.keys("filekeys"));
  const index = desk.view.ledger;
  for (const { statement } of index.find("manifest")) {
    if (!kept.has(statement.deposit)) continue;
    const sitting = latestSitting(index, statement.sitting);
    const over = sitting !== null && isClosed(index, sitting.statement, desk.now);
    if (over || isWithdrawn(index, statement.dossier)) await forgetFileKey(desk, statement.deposit);
  }
}
