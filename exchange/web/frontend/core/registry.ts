/**
 * Readings of the verified ledger that the journeys share: who, which seat, which deposits
 * (exchange/client/registry.py, and what it uses of exchange/usecases/facts.py).
 */
import type { AgendaItem } from "./agenda.ts";
import { isValidAt } from "./authority.ts";
import { fromHex, hex } from "./bytes.ts";
import { taggedSha256 } from "./digests.ts";
import { parseInstant } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";
import { REVOKED_LIST } from "./labels.ts";
import { type Accepted, type StatementIndex, ofType } from "./ledger.ts";
import type { Role, RosterSeat, SittingSeat, StatementOf } from "./statements.ts";

export const impossible = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("usage", message, params);

type Versioned = "roster" | "sitting" | "agenda";

function latest<K extends Versioned>(versions: readonly Accepted<K>[]): Accepted<K> | null {
  return versions.reduce<Accepted<K> | null>(
    (best, each) => (best === null || each.statement.version > best.statement.version ? each : best),
    null,
  );
}

export const latestRoster = (index: StatementIndex) => latest(index.find("roster"));
export const latestSitting = (index: StatementIndex, sitting: string) =>
  latest(index.find("sitting", { sitting }));
export const latestAgenda = (index: StatementIndex, sitting: string) =>
  latest(index.find("agenda", { sitting }));

/** The dossiers that were shown here of an agenda, in its order. */
export const listed = (index: StatementIndex, agenda: Accepted<"agenda"> | null): readonly AgendaItem[] =>
  (agenda === null ? [] : index.opened(agenda.digest))
    .flatMap(({ item }) => (item === null ? [] : [item]))
    .sort((one, other) => one.rank - other.rank);

/** Whether every item of an agenda was shown here, decoys included. */
export const isWhole = (index: StatementIndex, agenda: Accepted<"agenda">): boolean =>
  index.opened(agenda.digest).length === agenda.statement.items.length;

/**
 * Whether nothing of a sitting can be kept from this member: no recusal, and no association whose dossiers
 * their seat or they themselves would be recused from by law (exchange/usecases/whole_agenda.py).
 */
export function seesWholeAgenda(
  index: StatementIndex,
  sitting: string,
  person: string,
  organisation: string,
): boolean {
  const version = latestSitting(index, sitting);
  const roster = latestRoster(index)?.statement;
  const taken = version === null ? null : mySeat(version.statement, person);
  if (taken === null || roster === undefined) return false;
  const seat = seatOf(roster, taken.seat);
  const depositing = new Set([
    ...roster.approvals.map((each) => each.organisation),
    ...index
      .find("certificate")
      .filter((each) => each.statement.roles.includes("depositor"))
      .map((each) => each.statement.organisation),
  ]);
  if (seat === null || seat.organisation !== null || depositing.has(organisation)) return false;
  return index.find("recusal", { sitting }).every((each) => personOf(index, each.statement.signer) !== person);
}

/** What a broker's status says of all revoked certificates: their sorted digests, hashed. */
export function revokedDigest(index: StatementIndex): string {
  const revoked = new Set(index.find("revocation").map((each) => each.statement.certificate));
  return hex(taggedSha256(REVOKED_LIST, [...revoked].sort().map(fromHex)));
}

export function sittingOf(index: StatementIndex, sitting: string): Accepted<"sitting"> {
  const found = latestSitting(index, sitting);
  if (found === null) {
    throw impossible("Cette séance n'existe pas, ou vous n'y avez pas accès.");
  }
  return found;
}

export function agendaOf(index: StatementIndex, sitting: string): Accepted<"agenda"> {
  const found = latestAgenda(index, sitting);
  if (found === null) throw impossible("L'ordre du jour de cette séance n'est pas encore publié.");
  return found;
}

export function rosterOf(index: StatementIndex): Accepted<"roster"> {
  const found = latestRoster(index);
  if (found === null) throw impossible("La composition de la commission n'est pas encore publiée.");
  return found;
}

/** Whether a sitting is over, by a closing or by its own clock. */
export const isClosed = (index: StatementIndex, sitting: StatementOf<"sitting">, now: number): boolean =>
  now >= parseInstant(sitting.closes_at) ||
  index.find("closing", { sitting: sitting.sitting }).length > 0;

export const seatOf = (roster: StatementOf<"roster">, code: string): RosterSeat | null =>
  roster.seats.find((seat) => seat.seat === code) ?? null;

export const isRevoked = (index: StatementIndex, certificate: string): boolean =>
  index.find("revocation", { certificate }).length > 0;

/** The certificate if it is verified, valid now and unrevoked. */
export function usable(
  index: StatementIndex,
  certificate: string,
  now: number,
): StatementOf<"certificate"> | null {
  const found = ofType(index, "certificate", certificate);
  if (found === null || isRevoked(index, certificate)) return null;
  return isValidAt(found.statement, now) ? found.statement : null;
}

/** Usable certificates of a role, oldest first. */
export const certificatesWith = (
  index: StatementIndex,
  role: Role,
  now: number,
  references: { person?: string } = {},
): readonly Accepted<"certificate">[] =>
  index
    .find("certificate", references)
    .filter((each) => each.statement.roles.includes(role) && usable(index, each.digest, now) !== null);

export const mySeat = (sitting: StatementOf<"sitting">, person: string): SittingSeat | null =>
  sitting.seats.find((seat) => seat.person === person) ?? null;

/** The id of the mandate under which a person sits. */
export function myMandate(
  index: StatementIndex,
  sitting: StatementOf<"sitting">,
  person: string,
): string {
  const seat = mySeat(sitting, person);
  const found = rosterOf(index).statement.mandates.find(
    (mandate) => seat !== null && mandate.person === person && mandate.seat === seat.seat,
  );
  if (found === undefined) {
    throw impossible(
      "Vous ne siégez pas à cette séance : il n'y a ni engagement ni déclaration à signer. Si c'est " +
        "une erreur, prévenez le secrétariat.",
    );
  }
  return found.mandate;
}

/** One committed deposit. `complement` is 0 for the dossier's first deposit, and for its conflict card. */
export interface Deposited {
  readonly association: string;
  readonly manifest: Accepted<"manifest">;
  readonly complement: number;
  readonly withdrawn: boolean;
  readonly reference: string;
  /** `k7qf2-m3xta`, `k7qf2-m3xta-c1` or, for its card, `k7qf2-m3xta-fiche`. */
  readonly fileStem: string;
  /** A conflict card, and no part of the dossier that a pack holds. */
  readonly isCard: boolean;
}

/** The organisation of the depositor's certificate. */
export function associationOf(index: StatementIndex, manifest: StatementOf<"manifest">): string {
  const signer = ofType(index, "certificate", manifest.signer);
  if (signer === null) throw impossible("Le certificat du déposant n'est pas connu : recommencez.");
  return signer.statement.organisation;
}

/** Dossiers and complements of a sitting that this browser knows, in the order of their commit. */
export const depositsOf = (index: StatementIndex, sitting: string): readonly Deposited[] =>
  allDepositsOf(index, sitting).filter((each) => !each.isCard);

/** Conflict cards too. */
export function allDepositsOf(index: StatementIndex, sitting: string): readonly Deposited[] {
  const counts = new Map<string, number>();
  return index.find("manifest", { sitting }).map((manifest) => {
    const reference = manifest.statement.dossier;
    const isCard = manifest.statement.kind === "conflict-card";
    const complement = isCard ? 0 : (counts.get(reference) ?? 0);
    if (!isCard) counts.set(reference, complement + 1);
    return {
      association: associationOf(index, manifest.statement),
      manifest,
      complement,
      withdrawn: isWithdrawn(index, reference),
      reference,
      fileStem: reference + (isCard ? "-fiche" : complement > 0 ? `-c${complement}` : ""),
      isCard,
    };
  });
}

export const isWithdrawn = (index: StatementIndex, dossier: string): boolean =>
  index.find("withdrawal", { dossier }).length > 0;

export const grantsOf = (index: StatementIndex, manifest: string): readonly Accepted<"grant">[] =>
  index.find("grant", { manifest });

const personOf = (index: StatementIndex, signer: string): string | null =>
  ofType(index, "certificate", signer)?.statement.person ?? null;

/** Who stepped aside from a dossier, as far as this browser may know. */
export function recusedPersons(
  index: StatementIndex,
  sitting: string,
  dossier: string,
): ReadonlySet<string> {
  const found = index.find("recusal", { sitting, dossier });
  const persons = found.map((each) => personOf(index, each.statement.signer));
  return new Set(persons.filter((person) => person !== null));
}

/** Whether the person declared no conflict for a dossier of a sitting. */
export const hasDeclared = (
  index: StatementIndex,
  sitting: string,
  dossier: string,
  person: string,
): boolean =>
  index
    .find("declaration", { sitting, dossier })
    .some((each) => personOf(index, each.statement.signer) === person);

/** The undertakings of confidentiality that a person signed, with whatever device. */
export const undertakingsOf = (
  index: StatementIndex,
  person: string,
): readonly Accepted<"undertaking">[] =>
  index
    .find("certificate", { person })
    .flatMap((device) => index.find("undertaking", { signer: device.digest }));
