/**
 * Depositing a dossier: seal it here, for exactly those who may read it, then send the ciphertext
 * (exchange/client/deposit.py).
 */
import { commitmentOf, FILE_KEY_BYTES } from "./age.ts";
import { attested, field, integer, text } from "./api.ts";
import { type CardPiece, type DossierCard, checkCard } from "./container.ts";
import { checkDepositTime } from "./deposit_window.ts";
import type { Desk } from "./desk.ts";
import { encodeBase64, newDossierReference, newOpaqueId } from "./encoding.ts";
import { type Pending, savePending } from "./deposit_send.ts";
import { hostile } from "./errors.ts";
import { forgetEnded, keepFileKey } from "./filekeys.ts";
import type { Accepted } from "./ledger.ts";
import { normalisePath } from "./paths.ts";
import { NONCE_BYTES } from "./payload.ts";
import { type Addressee, colleagues, readers, sealEnvelopes } from "./recipients.ts";
import { type Deposited, depositsOf, impossible, isClosed, recusedPersons, sittingOf } from "./registry.ts"; // prettier-ignore
import { type Cleaned, cleaned } from "./scrub.ts";
import type { Kind } from "./statements.ts";
import type { Advance } from "./workshop.ts";

const DEFAULT_MEDIA_TYPE = "application/octet-stream";
const MEDIA_TYPE = /^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,99}$/;

/** Instead of an identifier: a renewal whose pathway this service does not know yet. */
export const NEW_PATHWAY = "new";

/** One file to deposit, under the name that its readers will see. */
export interface DepositFile {
  readonly path: string;
  readonly content: Blob;
}

/** What the depositor asks for. */
export interface Wanted {
  readonly sitting: string;
  readonly kind: Kind;
  readonly files: readonly DepositFile[];
  readonly complementOf?: string | null;
  readonly audience?: readonly string[] | null;
  readonly pathway?: string | null;
  /** What such a request usually holds, and whether it is there. */
  readonly checklist?: DossierCard["checklist"];
  readonly note?: string;
  /** After the limit, while the dossiers are not open: the secretariat decides on it. */
  readonly urgent?: boolean;
  /** Leave metadata in the files; the default is to take them out. */
  readonly keepMetadata?: boolean;
}

/** A device that will be able to read, and whether its key is new to this browser. */
export interface Reader extends Addressee {
  /** Never sealed for before: worth a phone call. False at a first deposit, when all are new. */
  readonly isNew: boolean;
}

/** A deposit that may be made now: for whom, under which reference. */
export interface Plan {
  readonly wanted: Wanted;
  readonly sitting: Accepted<"sitting">;
  readonly association: string;
  readonly reference: string;
  readonly pathway: string;
  readonly completes: Accepted<"manifest"> | null;
  readonly readers: readonly Reader[];
  readonly colleagues: readonly Addressee[];
  readonly urgent: boolean;
  readonly pieces: readonly CardPiece[];
  readonly files: readonly Blob[];
  /** What files gave away, or still do (`kept`), one entry a file where there is something to say. */
  readonly findings: readonly Cleaned[];
}

/** The pieces as the card lists them, sorted by name as the command line does; names are checked. */
export function listPieces(files: readonly DepositFile[]): { pieces: CardPiece[]; files: Blob[] } {
  if (files.length === 0) throw impossible("Aucun fichier à déposer : choisissez au moins une pièce.");
  const listed = files.map(({ path, content }) => ({
    piece: { path: normalisePath(path), type: mediaType(content), size: content.size },
    content,
  }));
  listed.sort((one, other) => (one.piece.path < other.piece.path ? -1 : 1));
  return {
    pieces: listed.map((each) => each.piece),
    files: listed.map((each) => each.content),
  };
}

/** The original, under the media type that its content showed. */
const typed = (content: Blob, paper: Cleaned): Blob =>
  content.slice(0, content.size, paper.content.type);

const mediaType = (content: Blob): string =>
  MEDIA_TYPE.test(content.type) ? content.type : DEFAULT_MEDIA_TYPE;

/**
 * Checks everything that can be checked before anything is sealed or sent. The status is fetched last:
 * readers are computed from a ledger that the broker just confirmed (DESIGN, section 5, "Freshness").
 */
export async function planDeposit(desk: Desk, wanted: Wanted): Promise<Plan> {
  const papers: Cleaned[] = [];
  for (const { path, content } of wanted.files) {
    // A conflict card is made here, of three fields: it has no metadata.
    const own = wanted.kind === "conflict-card";
    const paper = own ? { path, content, traces: [], kept: null } : await cleaned(path, content);
    papers.push(wanted.keepMetadata === true ? { ...paper, content: typed(content, paper) } : paper);
  }
  const { pieces, files } = listPieces(papers);
  await desk.loadSitting(wanted.sitting);
  await desk.status(wanted.sitting);
  await forgetEnded(desk);
  const index = desk.view.ledger;
  const sitting = sittingOf(index, wanted.sitting);
  const { organisation: association, roles } = desk.certificate.statement;
  if (!roles.includes("depositor")) {
    throw impossible(
      "Cette personne n'est pas référente d'une association : elle ne dépose pas.",
    );
  }
  if (isClosed(index, sitting.statement, desk.now)) {
    throw impossible("Cette séance est close : déposez pour une autre séance.");
  }
  const completes = completed(desk, wanted, association);
  const reference = completes?.reference ?? newDossierReference(desk.browser.entropy);
  // What completes an urgent dossier is as urgent.
  const urgent = (wanted.urgent ?? false) || (completes?.manifest.statement.urgent ?? false);
  checkDepositTime(index, sitting.statement, reference, desk.now, urgent);
  const aside = recusedPersons(index, wanted.sitting, reference);
  const audience = wanted.audience ?? null;
  const read = readers(index, sitting.statement, association, audience, desk.now, aside);
  if (read.length === 0) {
    throw impossible(
      "Aucun membre de cette séance ne pourrait lire ce dossier : aucun siège non déporté n'a " +
        "d'appareil certifié. Attendez que le secrétariat complète la séance.",
    );
  }
  const known = await desk.browser.profile.knownDevices();
  const plan: Plan = {
    wanted,
    sitting,
    association,
    reference,
    pathway: pathwayOf(desk, wanted, completes),
    completes: completes?.manifest ?? null,
    readers: read.map((each) => ({ ...each, isNew: known.size > 0 && !known.has(each.certificate) })),
    colleagues: colleagues(index, association, desk.now),
    urgent,
    pieces,
    files,
    findings: papers.filter((each) => each.traces.length > 0 || each.kept !== null),
  };
  checkCard(cardOf(desk, plan));
  return plan;
}

/** The completed dossier's, the one that is renewed, or a new one. */
function pathwayOf(desk: Desk, wanted: Wanted, completes: Deposited | null): string {
  if (completes !== null) return completes.manifest.statement.pathway;
  if (wanted.kind === "engagement") return newOpaqueId(desk.browser.entropy);
  const pathway = wanted.pathway ?? null;
  if (pathway === null) {
    throw impossible("Un renouvellement poursuit un parcours : choisissez le dossier qui l'a ouvert, ou « commencé avant ce service ».");
  }
  return pathway === NEW_PATHWAY ? newOpaqueId(desk.browser.entropy) : pathway;
}

function completed(desk: Desk, wanted: Wanted, association: string): Deposited | null {
  const reference = wanted.complementOf ?? null;
  if (reference === null) return null;
  const found = depositsOf(desk.view.ledger, wanted.sitting).find(
    (each) =>
      each.reference === reference && each.association === association && each.complement === 0,
  );
  if (found === undefined) {
    throw impossible(
      "Le dossier « {reference} » n'est pas un dossier de votre association à cette séance.",
      { reference },
    );
  }
  if (found.withdrawn) throw impossible("Ce dossier a été retiré : il ne peut plus être complété.");
  return found;
}

const cardOf = (desk: Desk, plan: Plan): DossierCard => ({
  version: 1,
  sitting: plan.sitting.statement.sitting,
  dossier: plan.reference,
  association: plan.association,
  depositor: desk.signer,
  kind: plan.wanted.kind,
  complement_of: plan.completes?.digest ?? null,
  pieces: plan.pieces,
  checklist: plan.completes === null ? (plan.wanted.checklist ?? []) : [],
  note: plan.wanted.note ?? "",
});

/** Begins, seals, signs, and keeps the result in this browser; `send` it next. */
export async function sealDeposit(desk: Desk, plan: Plan, advance: Advance): Promise<Pending> {
  const key = newOpaqueId(desk.browser.entropy);
  const { releaseKey, partBytes } = await begin(desk, plan, key);
  const fileKey = desk.browser.entropy(FILE_KEY_BYTES);
  const nonce = desk.browser.entropy(NONCE_BYTES);
  const { workshop } = desk.browser;
  const sealed = await workshop.sealContainer(cardOf(desk, plan), plan.files, fileKey, nonce, advance);
  const { statement } = releaseKey;
  const envelopes = await sealEnvelopes(fileKey, statement.recipient, [
    ...plan.readers,
    ...plan.colleagues,
  ]);
  const manifest = desk.draft("manifest", {
    origin: desk.view.policy.policy.origin,
    sitting: statement.sitting,
    sitting_sha256: plan.sitting.digest,
    release_key_sha256: releaseKey.digest,
    dossier: plan.reference,
    pathway: plan.pathway,
    deposit: statement.deposit,
    complement_of: plan.completes?.digest ?? null,
    urgent: plan.urgent,
    kind: plan.wanted.kind,
    audience: plan.wanted.audience ?? null,
    length: sealed.length,
    sha256: sealed.sha256,
    nonce: encodeBase64(nonce),
    commitment: encodeBase64(commitmentOf(fileKey, nonce)),
    envelopes: envelopes.map((each) => each.entry),
  });
  // The local copy comes before the commit: once acknowledged, a lost broker costs a re-grant only.
  await keepFileKey(desk, statement.deposit, fileKey);
  const pending: Pending = {
    key,
    deposit: statement.deposit,
    sitting: statement.sitting,
    reference: plan.reference,
    partBytes,
    manifest: manifest.envelope,
    envelopes: envelopes.map((each) => each.envelope),
    payload: sealed.payload,
  };
  await savePending(desk.browser, pending);
  return pending;
}

/** Asks for a release key and checks that it is the broker's, for this deposit and sitting. */
async function begin(
  desk: Desk,
  plan: Plan,
  key: string,
): Promise<{ releaseKey: Accepted<"release-key">; partBytes: number }> {
  const { digest, statement: sitting } = plan.sitting;
  await desk.source.begin();
  const answer = await desk.browser.api.beginDeposit(sitting.sitting, digest, key);
  const releaseKey = await desk.view.takeAs("release-key", field(answer, "release_key", attested));
  const made = releaseKey.statement;
  if (
    made.deposit !== field(answer, "deposit", text) ||
    made.sitting !== sitting.sitting ||
    made.sitting_sha256 !== digest ||
    made.opens_at !== sitting.opens_at ||
    made.closes_at !== sitting.closes_at
  ) {
    throw hostile(
      "La clé de dépôt remise n'est pas celle de cette séance : rien n'a été chiffré. Recommencez ; " +
        "si cela se répète, prévenez le secrétariat.",
    );
  }
  return { releaseKey, partBytes: field(answer, "part_bytes", integer) };
}
