/**
 * Taking a sitting's dossiers and opening them in memory, also without network
 * (exchange/client/pack_get.py, pack_open.py, card_check.py).
 *
 * A pack waits sealed in this browser; opening verifies all of it again under the pinned trust.
 */
import { HEADER_BYTES, unwrapHeader } from "./age.ts";
import type { AgendaShown } from "./agenda.ts";
import type { Attested } from "./api.ts";
import type { Browser } from "./browser.ts";
import { type Bytes, hex } from "./bytes.ts";
import { type Faulty, faultyBy, noteFault, refusedFor } from "./complaint.ts";
import { brokenOff, piecesOf } from "./connection.ts";
import type { DossierCard } from "./container.ts";
import { type Declarable, look } from "./declare.ts";
import type { Desk } from "./desk.ts";
import { sha256Stream } from "./digests.ts";
import { parse, typeOf } from "./dsse.ts";
import { parseInstant } from "./encoding.ts";
import { ExplainedError, hostile } from "./errors.ts";
import type { Identity } from "./identity.ts";
import type { Accepted, StatementIndex } from "./ledger.ts";
import { type Pack, type PackedDossier, keepPack, keptPack } from "./pack_store.ts";
import { type Deposited, agendaOf, associationOf, depositsOf, impossible, latestAgenda, listed, mySeat } from "./registry.ts";
import { type Opened, type Refusal, requestRelease, requireCommitted, requireSignedHeader } from "./releases.ts"; // prettier-ignore
import type { StatementOf, StatementType } from "./statements.ts";
import type { Trust } from "./trust.ts";
import { type Source, TrustedView } from "./view.ts";
import type { Advance, OpenedContainer } from "./workshop.ts";

const MAX_RESUMES = 5; // broken downloads taken up again; after that the line is not good enough

export { type Pack, type PackedDossier, forgetClosedPacks } from "./pack_store.ts";

export interface Taken {
  readonly pack: Pack;
  readonly refused: readonly Refusal[];
  /** Left out: not what their depositors signed. Each is noted, for `complain`. */
  readonly faulty: readonly Faulty[];
}

/** Requests, verifies, downloads, verifies, keeps. `only` limits to some dossiers; empty means all. */
export async function takePack(
  desk: Desk,
  sitting: string,
  only: readonly string[],
  advance: (reference: string, done: number, total: number) => void,
): Promise<Taken> {
  const seen = await look(desk, sitting);
  const answer = await requestRelease(desk, seen.sitting, wantedOf(desk, seen, only), "read");
  const numbers = associationNumbers(desk.view.ledger, sitting);
  const dossiers: PackedDossier[] = [];
  const faulty = [...answer.faulty];
  for (const opened of answer.opened) {
    // One depositor's fault must not keep the other dossiers from a member.
    const made = await packed(desk, opened, numbers, advance);
    if ("fault" in made) faulty.push(made);
    else dossiers.push(made);
  }
  const [first] = faulty;
  if (dossiers.length === 0 && first !== undefined) throw refusedFor(first);
  const pack = await keepPack(desk.browser, {
    sitting,
    member: desk.signer,
    dossiers,
    papers: desk.view.allAttested(),
    agenda: shownOf(desk.view.ledger, sitting),
    closesAt: seen.sitting.statement.closes_at,
  });
  for (const { deposited, receipt } of answer.opened) {
    const name = `release-${deposited.manifest.statement.deposit}`;
    await desk.browser.profile.keepReceipt(name, receipt);
  }
  return { pack, refused: answer.refused, faulty };
}

/** What the agenda lists for this member, to open again without network. */
function shownOf(index: StatementIndex, sitting: string): AgendaShown {
  const { digest } = agendaOf(index, sitting);
  return { agenda: digest, openings: index.opened(digest).map(({ shown }) => shown) };
}

function wantedOf(desk: Desk, seen: Declarable, only: readonly string[]): readonly Deposited[] {
  const index = desk.view.ledger;
  const { statement: sitting } = seen.sitting;
  const onAgenda = new Set(listed(index, agendaOf(index, sitting.sitting)).flatMap((item) => item.manifests));
  const seat = mySeat(sitting, desk.certificate.statement.person)?.seat ?? "";
  const wanted = depositsOf(index, sitting.sitting).filter(
    ({ manifest, reference, withdrawn }) =>
      onAgenda.has(manifest.digest) &&
      (only.length === 0 || only.includes(reference)) &&
      seen.declared.has(reference) &&
      !seen.recused.has(reference) &&
      !withdrawn &&
      (manifest.statement.audience?.includes(seat) ?? true),
  );
  if (wanted.length === 0) {
    throw impossible(
      "Rien à demander : déclarez d'abord que vous n'avez pas de conflit d'intérêts, ou déportez-vous.",
    );
  }
  return wanted;
}

/** Associations numbered in the order of the agenda, as far as this member sees it, from 1. */
function associationNumbers(index: StatementIndex, sitting: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const { association } of listed(index, agendaOf(index, sitting))) {
    if (!numbers.has(association)) numbers.set(association, numbers.size + 1);
  }
  return numbers;
}

async function packed(
  desk: Desk,
  opened: Opened,
  numbers: ReadonlyMap<string, number>,
  advance: (reference: string, done: number, total: number) => void,
): Promise<PackedDossier | Faulty> {
  const { deposited, header, fileKey, receipt } = opened;
  const { manifest, association, reference, fileStem } = deposited;
  const total = manifest.statement.length;
  const payload = await download(desk, manifest.statement, (done) => advance(reference, done, total));
  if (!(await isSound(desk, manifest, payload, fileKey))) {
    const fault = faultyBy(deposited, header, "other-content");
    await noteFault(desk.browser.profile, fault);
    return fault;
  }
  const number = String(numbers.get(association) ?? 0).padStart(2, "0");
  const stem = `${number}-${association}/${fileStem}`;
  return { stem, association, reference, manifest: manifest.digest, header, payload, receipt };
}

/**
 * Whether the content is what the manifest says: card, padding, last chunk. The payload is, octet for
 * octet, the one that was signed: what is wrong inside is the depositor's doing.
 */
async function isSound(
  desk: Desk,
  manifest: Accepted<"manifest">,
  payload: Blob,
  fileKey: Bytes,
): Promise<boolean> {
  try {
    const { workshop } = desk.browser;
    const { card } = await workshop.openContainer(payload, fileKey, false, () => undefined);
    requireCard(desk.view.ledger, manifest, card);
    return true;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    return false;
  }
}

/** The payload, octet for octet the one that was signed; a broken download is taken up again. */
export async function download(
  desk: Desk,
  manifest: StatementOf<"manifest">,
  advance: Advance,
): Promise<Blob> {
  const state = sha256Stream();
  const pieces: Blob[] = [];
  let length = 0;
  for (let attempt = 0; ; attempt += 1) {
    try {
      for await (const piece of payloadFrom(desk, manifest.deposit, length)) {
        length += piece.length;
        if (length > manifest.length) throw altered(manifest);
        state.update(piece);
        pieces.push(new Blob([piece as Bytes]));
        advance(length);
      }
      break;
    } catch (error) {
      const broken = error instanceof ExplainedError && error.kind === "unreachable";
      const goesOn = broken && attempt < MAX_RESUMES && length > 0 && length < manifest.length;
      if (!goesOn) throw error;
      await desk.browser.pause(1_000);
    }
  }
  if (length !== manifest.length || hex(state.digest()) !== manifest.sha256) throw altered(manifest);
  return new Blob(pieces);
}

async function* payloadFrom(desk: Desk, deposit: string, first: number): AsyncGenerator<Uint8Array> {
  const stream = await desk.browser.api.payload(deposit, first);
  const pieces = piecesOf(stream);
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await pieces.next();
    } catch {
      throw brokenOff();
    }
    if (next.done === true) return;
    yield next.value;
  }
}

const altered = (manifest: StatementOf<"manifest">) =>
  hostile(
    "Le contenu chiffré du dossier « {reference} » n'est pas, octet pour octet, celui que " +
      "l'association a signé : rien n'a été écrit. Recommencez ; si cela se répète, prévenez le " +
      "secrétariat.",
    { reference: manifest.dossier },
  );

/** Throws kind "hostile" unless the card says what the manifest says: no re-signing of another's ciphertext. */
export function requireCard(
  index: StatementIndex,
  manifest: Accepted<"manifest">,
  card: DossierCard,
): void {
  const { statement } = manifest;
  const same =
    card.sitting === statement.sitting &&
    card.dossier === statement.dossier &&
    card.association === associationOf(index, statement) &&
    card.depositor === statement.signer &&
    card.kind === statement.kind &&
    card.complement_of === statement.complement_of;
  if (!same) {
    throw hostile(
      "La fiche scellée dans le dossier « {reference} » ne correspond pas à son manifeste signé : ce " +
        "contenu a pu être repris d'un autre dossier. Rien n'a été écrit ; prévenez le secrétariat.",
      { reference: statement.dossier },
    );
  }
}

// --- opening ---------------------------------------------------------------------------------------

/** A view's source without a network: what is not in the pack does not exist. */
class OfflineSource implements Source {
  private readonly papers: ReadonlyMap<string, Attested>;

  constructor(pack: Pack) {
    this.papers = new Map(pack.papers);
  }

  async begin(): Promise<void> {}

  permit(): void {} // nothing was seen before that could be contradicted

  async accept(): Promise<void> {}

  async statement(digest: string): Promise<Attested> {
    const found = this.papers.get(digest);
    if (found === undefined) {
      throw hostile("Il manque une déclaration à cette archive de séance : rien n'a été ouvert.");
    }
    return found;
  }
}

/** A view of a pack's papers, verified like a service's answers. */
export async function offlineView(trust: Trust, pack: Pack, clock: () => number): Promise<TrustedView> {
  const view = new TrustedView(trust, new OfflineSource(pack), clock);
  const papers = pack.papers.map(([, item]) => item);
  const of = (type: StatementType) => papers.filter((item) => typeOf(item.envelope) === type);
  const version = (item: Attested): number => parse("trust-policy", item.envelope).statement.version;
  const policies = of("trust-policy").sort((one, other) => version(one) - version(other));
  await view.takePolicies(policies, of("emergency"));
  await view.take(papers.filter((item) => !policies.includes(item)));
  await view.takeOpenings(pack.agenda);
  return view;
}

/** A pack whose papers were verified, ready to open dossiers from. */
export interface OpenPack {
  readonly pack: Pack;
  readonly view: TrustedView;
}

/** The pack of a sitting as this browser keeps it, verified; null when there is none. */
export async function openPack(browser: Browser, sitting: string): Promise<OpenPack | null> {
  const pack = await keptPack(browser, sitting);
  if (pack === null) return null;
  if (browser.clock() >= parseInstant(pack.closesAt)) {
    await browser.profile.store.delete("packs", sitting);
    throw impossible("Cette séance est close : ses dossiers ont été effacés de ce navigateur.");
  }
  return { pack, view: await offlineView(await browser.profile.trust(), pack, browser.clock) };
}

/** Opens one dossier in memory: header, commitment, payload, container, card; in this order. */
export async function openDossier(
  browser: Browser,
  identity: Identity,
  { pack, view }: OpenPack,
  stem: string,
  advance: Advance = () => undefined,
): Promise<OpenedContainer> {
  const dossier = pack.dossiers.find((each) => each.stem === stem);
  if (dossier === undefined) throw impossible("Ce dossier n'est pas dans l'archive de la séance.");
  const index = view.ledger;
  const deposited = depositsOf(index, pack.sitting).find(
    (each) => each.manifest.digest === dossier.manifest,
  );
  if (deposited === undefined) {
    throw hostile("Le dossier « {name} » de l'archive n'a pas de manifeste signé : rien n'a été ouvert.", {
      name: stem,
    });
  }
  const { manifest } = deposited;
  const items = listed(index, latestAgenda(index, pack.sitting));
  if (!items.some((item) => item.manifests.includes(manifest.digest))) {
    throw hostile(
      "Le dossier « {name} » de l'archive n'est pas à l'ordre du jour que le secrétariat a signé : rien " +
        "n'en a été ouvert.",
      { name: stem },
    );
  }
  await view.checkReceipt(dossier.receipt, ["release.authorised"], {
    certificate: pack.member,
    manifest: manifest.digest,
  });
  if (dossier.header.length !== HEADER_BYTES || dossier.payload.size !== manifest.statement.length) {
    throw altered(manifest.statement);
  }
  requireSignedHeader(index, pack.member, manifest, dossier.header, "read");
  const fileKey = await unwrapHeader(dossier.header, identity.revealAgeIdentity());
  requireCommitted(fileKey, manifest.statement);
  const opened = await browser.workshop.openContainer(dossier.payload, fileKey, true, advance);
  requireCard(index, manifest, opened.card);
  return opened;
}
