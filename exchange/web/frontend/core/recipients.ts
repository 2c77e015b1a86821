/** For whom a deposit is sealed: computed from the verified ledger, never from the service's word. */
import { envelopeFor, headerFor } from "./age.ts";
import type { Bytes } from "./bytes.ts";
import { sha256 } from "./digests.ts";
import { hostile } from "./errors.ts";
import { spokenFingerprint } from "./keys.ts";
import { type Accepted, type StatementIndex, ofType } from "./ledger.ts";
import { certificatesWith, impossible, rosterOf, seatOf, usable } from "./registry.ts";
import type { EnvelopeEntry, Purpose, RosterSeat, StatementOf } from "./statements.ts";

/** One device that may read or pass on a deposit. */
export interface Addressee {
  readonly certificate: string;
  readonly purpose: Purpose;
  readonly recipient: string;
  readonly name: string;
  readonly organisation: string;
  readonly seat: string | null;
  readonly seatLabel: string | null;
  /** `1234 5678 …`, to compare by phone when the key is new. */
  readonly fingerprint: string;
}

const addressee = (
  { digest, statement }: Accepted<"certificate">,
  purpose: Purpose,
  seat: RosterSeat | null,
): Addressee => ({
  certificate: digest,
  purpose,
  recipient: statement.recipient,
  name: statement.name,
  organisation: statement.organisation,
  seat: seat?.seat ?? null,
  seatLabel: seat?.label ?? null,
  fingerprint: spokenFingerprint(statement.recipient, statement.signing_key),
});

/**
 * Every usable device of every sitting seat in the audience that is not recused. A seat of the depositing
 * association is recused from its dossiers (CRPA R133-12), a guest's never sits in the restricted formation.
 */
export function readers(
  index: StatementIndex,
  sitting: StatementOf<"sitting">,
  association: string,
  audience: readonly string[] | null,
  now: number,
  notThese: ReadonlySet<string> = new Set(),
): readonly Addressee[] {
  const roster = rosterOf(index).statement;
  if (audience !== null) checkAudience(sitting, audience);
  const found: Addressee[] = [];
  for (const taken of sitting.seats) {
    const seat = seatOf(roster, taken.seat);
    if (seat === null || seat.kind === "guest" || notThese.has(taken.person)) continue;
    if (audience !== null && !audience.includes(taken.seat)) continue;
    for (const digest of taken.certificates) {
      if (index.get(digest) === null) {
        // By withholding a certificate the service would choose who cannot read.
        throw hostile(
          "Le service ne montre pas le certificat d'une personne qui siège ({seat}) : le dossier ne serait " +
            "pas scellé pour elle. Rien n'a été envoyé. Recommencez ; si cela se répète, prévenez le " +
            "secrétariat.",
          { seat: taken.label },
        );
      }
      const certificate = usable(index, digest, now);
      if (certificate === null || certificate.person !== taken.person) continue;
      const recused = seat.organisation === association || certificate.organisation === association;
      if (!certificate.roles.includes("member") || recused) continue;
      found.push(addressee(ofType(index, "certificate", digest) as Accepted<"certificate">, "read", seat));
    }
  }
  return found;
}

/** Every usable device of the association's depositors: they may pass the dossier on (grant). */
export const colleagues = (
  index: StatementIndex,
  association: string,
  now: number,
): readonly Addressee[] =>
  certificatesWith(index, "depositor", now)
    .filter((each) => each.statement.organisation === association)
    .map((each) => addressee(each, "grant", null));

function checkAudience(sitting: StatementOf<"sitting">, audience: readonly string[]): void {
  const taken = new Set(sitting.seats.map((seat) => seat.seat));
  const unknown = [...audience].sort().find((seat) => !taken.has(seat));
  if (unknown !== undefined) {
    throw impossible("Le siège « {seat} » ne siège pas à cette séance.", { seat: unknown });
  }
}

/** An entry of the manifest and the envelope that it describes. */
export interface SealedEnvelope {
  readonly entry: EnvelopeEntry;
  readonly envelope: Bytes;
}

/** One header for each addressee, each sealed to the release key. */
export async function sealEnvelopes(
  fileKey: Bytes,
  releaseRecipient: string,
  addressees: readonly Addressee[],
): Promise<readonly SealedEnvelope[]> {
  const sealed: SealedEnvelope[] = [];
  for (const { certificate, purpose, recipient } of addressees) {
    const header = headerFor(fileKey, recipient);
    const envelope = await envelopeFor(header, releaseRecipient);
    const hashes = { header_sha256: sha256(header), envelope_sha256: sha256(envelope) };
    sealed.push({ entry: { certificate, purpose, ...hashes }, envelope });
  }
  return sealed;
}

/** Whether the envelope of an addressee is already there. */
export const hasEnvelope = (entries: readonly EnvelopeEntry[], wanted: Addressee): boolean =>
  entries.some(
    (entry) => entry.certificate === wanted.certificate && entry.purpose === wanted.purpose,
  );
