/**
 * Asking for envelopes and believing nothing of the answer until it is checked, in this order
 * (exchange/client/releases.py): (1) the receipt proves that `release.authorised` is in the log, citing my
 * request, my certificate and this manifest; (2) the reply opens with the key drawn for this request only;
 * (3) the header is the one whose hash the depositor signed for my certificate; (4) the file key in it is
 * the one that the manifest commits to.
 */
import { checkCommitment, decryptWith, newHybridIdentity, recipientOf } from "./age.ts";
import { attested, field, many, octets, optional, record, text } from "./api.ts";
import type { Bytes } from "./bytes.ts";
import { type Faulty, judged, noteFault } from "./complaint.ts";
import type { Desk } from "./desk.ts";
import { sha256 } from "./digests.ts";
import type { Unverified } from "./dsse.ts";
import { decodeBase64, encodeBase64, newOpaqueId } from "./encoding.ts";
import { hostile } from "./errors.ts";
import type { Accepted, StatementIndex } from "./ledger.ts";
import { type Deposited, grantsOf } from "./registry.ts";
import type { EnvelopeEntry, Purpose, StatementOf } from "./statements.ts";

const NONCE_BYTES = 32;

/** A deposit whose file key this browser now holds, verified. */
export interface Opened {
  readonly deposited: Deposited;
  readonly header: Bytes;
  readonly fileKey: Bytes;
  readonly receipt: string;
}

/** A deposit that the service refused, and its reason. */
export interface Refusal {
  readonly reference: string;
  readonly deposit: string;
  readonly reason: string;
  readonly message: string;
}

export interface Answer {
  readonly opened: readonly Opened[];
  readonly refused: readonly Refusal[];
  /** Deposits whose header, as their depositor signed it, gives nothing of use. */
  readonly faulty: readonly Faulty[];
}

interface Asked {
  readonly desk: Desk;
  readonly request: Unverified<"access-request">;
  readonly wanted: ReadonlyMap<string, Deposited>;
  readonly reply: Bytes;
}

/** Asks for the envelopes of `wanted` deposits and checks each answer. */
export async function requestRelease(
  desk: Desk,
  sitting: Accepted<"sitting">,
  wanted: readonly Deposited[],
  purpose: Purpose,
): Promise<Answer> {
  const reply = newHybridIdentity(desk.browser.entropy);
  const request = desk.draft("access-request", {
    sitting: sitting.statement.sitting,
    sitting_sha256: sitting.digest,
    deposits: wanted.map((each) => each.manifest.statement.deposit),
    purpose,
    nonce: encodeBase64(desk.browser.entropy(NONCE_BYTES)),
    reply_key: recipientOf(reply),
    checkpoint: (await desk.source.keeper.last()) ?? "",
  });
  await desk.source.begin();
  const answer = await desk.browser.api.release(request.envelope, newOpaqueId(desk.browser.entropy));
  await desk.browser.profile.keepStatement(request.digest, request.envelope);
  const byDeposit = new Map(wanted.map((each) => [each.manifest.statement.deposit, each]));
  const asked: Asked = { desk, request, wanted: byDeposit, reply };
  const opened: Opened[] = [];
  const faulty: Faulty[] = [];
  const answered: string[] = [];
  for (const release of field(answer, "releases", many(record))) {
    const found = await openOne(asked, release);
    answered.push(askedFor(asked, release).manifest.statement.deposit);
    if ("fault" in found) faulty.push(found);
    else opened.push(found);
  }
  const refused: Refusal[] = [];
  for (const refusal of field(answer, "refusals", many(record))) {
    refused.push(await refusalOf(asked, refusal));
  }
  requireAllAnswered(byDeposit, [...answered, ...refused.map((each) => each.deposit)]);
  for (const each of faulty) await noteFault(desk.browser.profile, each);
  return { opened, refused, faulty };
}

function askedFor(asked: Asked, answer: unknown): Deposited {
  const found = asked.wanted.get(field(answer, "deposit", text));
  if (found === undefined) {
    throw hostile("Le service a répondu pour un dépôt qui n'était pas demandé.");
  }
  return found;
}

function requireAllAnswered(
  wanted: ReadonlyMap<string, Deposited>,
  answered: readonly string[],
): void {
  if ([...answered].sort().join() !== [...wanted.keys()].sort().join()) {
    throw hostile(
      "Le service n'a pas répondu exactement une fois pour chaque dépôt demandé : rien n'a été " +
        "utilisé. Recommencez ; si cela se répète, prévenez le secrétariat.",
    );
  }
}

async function openOne(asked: Asked, release: unknown): Promise<Opened | Faulty> {
  const { desk, request, reply } = asked;
  const deposited = askedFor(asked, release);
  const manifest = await desk.view.takeAs("manifest", field(release, "manifest", attested));
  if (manifest.digest !== deposited.manifest.digest) {
    throw hostile(
      "Le service a remis un autre manifeste que celui de l'ordre du jour : rien n'a été utilisé.",
    );
  }
  const grant = field(release, "grant", optional(attested));
  if (grant !== null) await desk.view.takeAs("grant", grant);
  const receipt = field(release, "receipt", text);
  await checkReleaseReceipt(desk, request, manifest, receipt);
  const header = await decryptWith(field(release, "header", octets), reply);
  requireSignedHeader(desk.view.ledger, desk.signer, manifest, header, request.statement.purpose);
  const fileKey = await judged(deposited, header, desk.identity.revealAgeIdentity());
  return "fault" in fileKey ? fileKey : { deposited, header, fileKey, receipt };
}

export const requireCommitted = (fileKey: Bytes, manifest: StatementOf<"manifest">): void =>
  checkCommitment(fileKey, decodeBase64(manifest.nonce), decodeBase64(manifest.commitment));

async function checkReleaseReceipt(
  desk: Desk,
  request: Unverified<"access-request">,
  manifest: Accepted<"manifest">,
  receipt: string,
): Promise<void> {
  const verified = await desk.view.checkReceipt(
    receipt,
    ["release.authorised"],
    { access_request: request.digest, certificate: desk.signer, manifest: manifest.digest },
    { deposit: manifest.statement.deposit, purpose: request.statement.purpose },
  );
  const cited = verified.details.cites["sitting"];
  const known = cited === undefined ? null : desk.view.ledger.get(cited);
  const named = (known?.statement as Partial<StatementOf<"sitting">> | undefined)?.sitting;
  if (named !== request.statement.sitting) {
    throw hostile("L'autorisation enregistrée est celle d'une autre séance : rien n'a été utilisé.");
  }
}

/** The envelopes that depositors signed for a device, in the manifest and in grants. */
export function entriesFor(
  index: StatementIndex,
  certificate: string,
  manifest: Accepted<"manifest">,
  purpose: Purpose,
): readonly EnvelopeEntry[] {
  const granted = grantsOf(index, manifest.digest).flatMap((grant) => grant.statement.envelopes);
  return [...manifest.statement.envelopes, ...granted].filter(
    (entry) => entry.certificate === certificate && entry.purpose === purpose,
  );
}

/** Throws kind "hostile" unless the depositor signed the hash of this header for this device. */
export function requireSignedHeader(
  index: StatementIndex,
  certificate: string,
  manifest: Accepted<"manifest">,
  header: Bytes,
  purpose: Purpose,
): void {
  const hash = sha256(header);
  const signed = entriesFor(index, certificate, manifest, purpose);
  if (!signed.some((entry) => entry.header_sha256 === hash)) {
    throw hostile(
      "L'en-tête reçu n'est pas celui que l'association a signé pour cet appareil : il a été " +
        "échangé. Rien n'a été utilisé ; prévenez le secrétariat.",
    );
  }
}

async function refusalOf(asked: Asked, refusal: unknown): Promise<Refusal> {
  const { desk, request } = asked;
  const deposited = askedFor(asked, refusal);
  const { deposit } = deposited.manifest.statement;
  const verified = await desk.view.checkReceipt(
    field(refusal, "receipt", text),
    ["release.refused", "release.failed"],
    { access_request: request.digest },
    { deposit },
  );
  const reason = verified.details.facts["reason"] ?? field(refusal, "reason", text);
  const message = field(refusal, "message", text);
  return { reference: deposited.reference, deposit, reason, message };
}
