/** Late envelopes: for a member named after the deposit, or for a colleague's new device. */
import type { Bytes } from "./bytes.ts";
import { refusedFor } from "./complaint.ts";
import type { Desk } from "./desk.ts";
import { forgetEnded, keepFileKey, localFileKey } from "./filekeys.ts";
import { hostile } from "./errors.ts";
import type { Accepted } from "./ledger.ts";
import { type Addressee, colleagues, hasEnvelope, readers, sealEnvelopes } from "./recipients.ts";
import { type Deposited, allDepositsOf, grantsOf, impossible, recusedPersons, sittingOf } from "./registry.ts"; // prettier-ignore
import { requestRelease } from "./releases.ts";
import type { StatementOf } from "./statements.ts";

/** A deposit that lacks envelopes, and for whom. */
export interface Missing {
  readonly deposited: Deposited;
  readonly addressees: readonly Addressee[];
}

/** What this association's deposits of a sitting lack; loads and confirms the sitting first. */
export async function missingGrants(desk: Desk, sitting: string): Promise<readonly Missing[]> {
  await desk.loadSitting(sitting);
  await desk.status(sitting);
  await forgetEnded(desk);
  const association = desk.certificate.statement.organisation;
  return allDepositsOf(desk.view.ledger, sitting)
    .filter((each) => each.association === association && !each.withdrawn)
    .map((deposited) => ({ deposited, addressees: missingOf(desk, sitting, association, deposited) }))
    .filter((each) => each.addressees.length > 0);
}

function missingOf(
  desk: Desk,
  sitting: string,
  association: string,
  deposited: Deposited,
): readonly Addressee[] {
  const index = desk.view.ledger;
  const { manifest } = deposited;
  const found = sittingOf(index, sitting).statement;
  const aside = recusedPersons(index, sitting, deposited.reference);
  const due = [
    ...readers(index, found, association, manifest.statement.audience, desk.now, aside),
    ...colleagues(index, association, desk.now),
  ];
  // What is sealed to the key of a broker that was lost serves nobody any more.
  const key = releaseKeyInCharge(desk, manifest.statement.deposit)?.digest;
  const sealed = [manifest, ...grantsOf(index, manifest.digest)];
  const have = sealed
    .filter((each) => each.statement.release_key_sha256 === key)
    .flatMap((each) => each.statement.envelopes);
  return due.filter((each) => !hasEnvelope(have, each));
}

/** The deposit's newest release key, if the trust policy still names the broker that made it. */
function releaseKeyInCharge(desk: Desk, deposit: string): Accepted<"release-key"> | null {
  const newest = desk.view.ledger.find("release-key", { deposit }).at(-1);
  if (newest === undefined) return null;
  return desk.view.policy.brokerKey(newest.statement.signer) === null ? null : newest;
}

/** The key to seal to: the broker's in charge, made by it now if its predecessor was lost. */
async function releaseKeyFor(
  desk: Desk,
  { deposit, sitting_sha256: seen }: StatementOf<"manifest">,
): Promise<Accepted<"release-key">> {
  const known = releaseKeyInCharge(desk, deposit);
  if (known !== null) return known;
  await desk.source.begin();
  const answer = await desk.browser.api.renewReleaseKey(deposit, seen);
  const made = await desk.view.takeAs("release-key", answer);
  if (made.statement.deposit !== deposit || releaseKeyInCharge(desk, deposit)?.digest !== made.digest) {
    throw hostile("La clé de dépôt de ce dossier n'est pas celle de son manifeste.");
  }
  return made;
}

/** Seals the missing envelopes of one deposit; returns the grant's digest. */
export async function grantMissing(
  desk: Desk,
  sitting: string,
  missing: Missing,
  reason: string,
): Promise<string> {
  const { manifest } = missing.deposited;
  const { deposit } = manifest.statement;
  const releaseKey = await releaseKeyFor(desk, manifest.statement);
  const fileKey = await fileKeyOf(desk, sittingOf(desk.view.ledger, sitting), missing.deposited);
  const sealed = await sealEnvelopes(fileKey, releaseKey.statement.recipient, missing.addressees);
  const given = desk.draft("grant", {
    manifest: manifest.digest,
    release_key_sha256: releaseKey.digest,
    envelopes: sealed.map((each) => each.entry),
    reason,
  });
  await desk.source.begin();
  const envelopes = sealed.map((each) => each.envelope);
  const receipt = await desk.browser.api.addGrant(deposit, given.envelope, envelopes);
  await desk.view.takeAs("grant", { envelope: given.envelope, receipt });
  await desk.keep(given, receipt);
  return given.digest;
}

/** The local copy, or an authorised release for this purpose (logged, without declaration). */
async function fileKeyOf(
  desk: Desk,
  sitting: Accepted<"sitting">,
  deposited: Deposited,
): Promise<Bytes> {
  const kept = await localFileKey(desk, deposited.manifest.statement);
  if (kept !== null) return kept;
  const answer = await requestRelease(desk, sitting, [deposited], "grant");
  const [faulty] = answer.faulty;
  if (faulty !== undefined) throw refusedFor(faulty);
  const opened = answer.opened[0];
  if (opened === undefined) {
    throw impossible(
      "La clé du dossier « {reference} » n'est pas dans ce navigateur, et le service refuse de la " +
        "remettre : {message}",
      { reference: deposited.reference, message: answer.refused[0]?.message ?? "" },
    );
  }
  await keepFileKey(desk, deposited.manifest.statement.deposit, opened.fileKey);
  return opened.fileKey;
}
