/**
 * Conflict cards (crypto/edge/conflict_card.py, exchange/client/conflict_cards.py): as much of a person as a
 * member needs to say "I know them", in a small deposit of its own. Read in memory, kept nowhere.
 */
import { type Bytes, utf8 } from "./bytes.ts";
import { type Faulty, faultyBy, noteFault } from "./complaint.ts";
import type { Declarable } from "./declare.ts";
import { type Plan, planDeposit } from "./deposit.ts";
import type { Desk } from "./desk.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { FieldError, type Of, count, fieldsOf, matching } from "./fields.ts";
import { download, requireCard } from "./pack.ts";
import { type Deposited, agendaOf, allDepositsOf, impossible, listed } from "./registry.ts";
import { type Opened, type Refusal, requestRelease } from "./releases.ts";
import { parseStrictJson } from "./strict_json.ts";

const CARD_PATH = "fiche.json";
const CARD_TYPE = "application/json";
const MAX_CARD_BYTES = 512;
const MAX_SEALED_BYTES = 4_096; // exchange/usecases/service.py: nothing else fits under a card's name
const EARLIEST_YEAR = 1900;
const LATEST_YEAR = 2100;

const CARD = {
  initials: matching(/^[^\x00-\x1f\x7f]{1,12}$/u),
  year: (value: Parameters<typeof count>[0], where: string): number => {
    const year = count(value, where);
    if (year < EARLIEST_YEAR || year > LATEST_YEAR) throw new FieldError(where, "not a year of birth");
    return year;
  },
  commune: matching(/^[^\x00-\x1f\x7f]{1,60}$/u),
};

/** Initials, year of birth, commune of residence. */
export type ConflictCard = Of<typeof CARD>;

const notConform = (): ExplainedError =>
  malformed(
    "Une fiche de conflit contient des initiales (12 caractères au plus), une année de naissance et une " +
      "commune (60 caractères au plus).",
  );

function conform<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldError) throw notConform();
    throw error;
  }
}

/** The octets of `fiche.json`; throws kind "malformed" for what a card cannot hold. */
export const cardBytes = (card: ConflictCard): Bytes =>
  utf8(JSON.stringify(conform(() => fieldsOf(CARD, { ...card }))));

export const parseConflictCard = (data: Uint8Array): ConflictCard =>
  conform(() => fieldsOf(CARD, parseStrictJson(data, MAX_CARD_BYTES)));

/** The deposit of a dossier's card, for every seat that is not recused. */
export async function planCard(
  desk: Desk,
  sitting: string,
  reference: string,
  card: ConflictCard,
): Promise<Plan> {
  const content = new Blob([cardBytes(card)], { type: CARD_TYPE });
  const plan = await planDeposit(desk, {
    sitting,
    kind: "conflict-card",
    files: [{ path: CARD_PATH, content }],
    complementOf: reference,
  });
  const known = allDepositsOf(desk.view.ledger, sitting);
  if (known.some((each) => each.isCard && each.reference === reference)) {
    throw impossible("Ce dossier a déjà sa fiche de conflit : il n'en a qu'une.");
  }
  return plan;
}

/** The cards on the agenda of dossiers that this member is not recused from. */
export function cardsToRead(desk: Desk, seen: Declarable): readonly Deposited[] {
  const index = desk.view.ledger;
  const { sitting } = seen.sitting.statement;
  const onAgenda = new Set(listed(index, agendaOf(index, sitting)).flatMap((item) => item.manifests));
  return allDepositsOf(index, sitting).filter(
    (each) =>
      each.isCard &&
      !each.withdrawn &&
      onAgenda.has(each.manifest.digest) &&
      seen.openToMe.includes(each.reference),
  );
}

export interface Cards {
  readonly shown: readonly { readonly reference: string; readonly card: ConflictCard }[];
  readonly refused: readonly Refusal[];
  readonly faulty: readonly Faulty[];
}

/** Asks for cards (all when `only` is empty): each opening is a logged release, without declaration. */
export async function readCards(
  desk: Desk,
  seen: Declarable,
  only: readonly string[] = [],
): Promise<Cards> {
  const wanted = cardsToRead(desk, seen).filter(
    (each) => only.length === 0 || only.includes(each.reference),
  );
  if (wanted.length === 0) {
    throw impossible("Aucune fiche de conflit n'accompagne ces dossiers : déclarez d'après ce que vous savez.");
  }
  const answer = await requestRelease(desk, seen.sitting, wanted, "read");
  const shown: { reference: string; card: ConflictCard }[] = [];
  const faulty = [...answer.faulty];
  for (const opened of answer.opened) {
    const card = await cardIn(desk, opened);
    if (card !== null) {
      shown.push({ reference: opened.deposited.reference, card });
      continue;
    }
    const fault = faultyBy(opened.deposited, opened.header, "other-content");
    await noteFault(desk.browser.profile, fault);
    faulty.push(fault);
  }
  return { shown, refused: answer.refused, faulty };
}

/** The card, null when the depositor sealed something else. */
async function cardIn(desk: Desk, { deposited, fileKey }: Opened): Promise<ConflictCard | null> {
  const { manifest } = deposited;
  if (manifest.statement.length > MAX_SEALED_BYTES) return null;
  const payload = await download(desk, manifest.statement, () => undefined);
  try {
    const { workshop } = desk.browser;
    const { card, files } = await workshop.openContainer(payload, fileKey, true, () => undefined);
    requireCard(desk.view.ledger, manifest, card);
    const found = files.find((each) => each.piece.path === CARD_PATH);
    if (found === undefined) return null;
    return parseConflictCard(new Uint8Array(await found.content.arrayBuffer()));
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    return null;
  }
}
