/** The registrar's acts: invite, certify, revoke, roster, sitting, agenda (exchange/client/registrar_*.py). */
import { type AgendaItem, commitItems } from "./agenda.ts";
import type { Desk } from "./desk.ts";
import { formatInstant, newOpaqueId } from "./encoding.ts";
import { invitationJson } from "./enrolment.ts";
import { spokenFingerprint } from "./keys.ts";
import type { Accepted, StatementIndex } from "./ledger.ts";
import { type Deposited, allDepositsOf, certificatesWith, depositsOf, impossible, isRevoked, latestAgenda, latestRoster, latestSitting, listed, rosterOf, seatOf, sittingOf } from "./registry.ts"; // prettier-ignore
import type { Role, RosterApproval, RosterMandate, RosterSeat, SittingSeat, StatementOf } from "./statements.ts"; // prettier-ignore
import { trustDigest } from "./trust.ts";

const DAY = 86_400_000;
export const INVITATION_DAYS = 30; // a person on holiday still finds it valid
export const CERTIFICATE_DAYS = 365; // renewed each year: a forgotten device ends by itself

export interface InvitationWish {
  /** The person's id for a further device or a lost key; absent for somebody new. */
  readonly person?: string;
  readonly name: string;
  readonly organisation: string;
  readonly roles: readonly Role[];
}

/** Signs and records an invitation; returns it and the file to hand to the person. */
export async function invite(
  desk: Desk,
  server: string,
  wish: InvitationWish,
): Promise<{ invitation: Accepted<"invitation">; file: string }> {
  const { trust } = desk.view;
  const given = desk.draft("invitation", {
    person: wish.person ?? newOpaqueId(desk.browser.entropy),
    name: wish.name,
    organisation: wish.organisation,
    roles: wish.roles,
    expires_at: formatInstant(desk.now + INVITATION_DAYS * DAY),
    trust_sha256: trustDigest(trust),
    checkpoint: await desk.source.keeper.last(),
  });
  const { accepted } = await desk.submit(given);
  return {
    invitation: accepted,
    file: invitationJson(server, trust, desk.view.attested(accepted.digest)),
  };
}

/** An enrolled device that waits for its certificate. */
export interface Waiting {
  readonly invitation: Accepted<"invitation">;
  readonly enrolment: Accepted<"enrolment">;
  /** What the person reads out. */
  readonly fingerprint: string;
}

/** Enrolled devices without a certificate. */
export async function waiting(desk: Desk): Promise<readonly Waiting[]> {
  await desk.load("invitation");
  const enrolments = await desk.load("enrolment");
  const certificates = await desk.load("certificate");
  const done = new Set(certificates.map((each) => each.statement.enrolment));
  const found: Waiting[] = [];
  for (const enrolment of enrolments.filter((each) => !done.has(each.digest))) {
    const { invitation: cited, recipient, signing_key: key } = enrolment.statement;
    const invitation = await desk.view.need("invitation", cited);
    found.push({ invitation, enrolment, fingerprint: spokenFingerprint(recipient, key) });
  }
  return found;
}

/** Certifies a device. The caller has compared the fingerprint with the person. */
export async function certify(desk: Desk, chosen: Waiting): Promise<Accepted<"certificate">> {
  const { person, name, organisation, roles } = chosen.invitation.statement;
  const { recipient, signing_key } = chosen.enrolment.statement;
  const given = desk.draft("certificate", {
    enrolment: chosen.enrolment.digest,
    person,
    name,
    organisation,
    roles,
    recipient,
    signing_key,
    not_before: formatInstant(desk.now),
    not_after: formatInstant(desk.now + CERTIFICATE_DAYS * DAY),
  });
  return (await desk.submitAndConfirm(given)).accepted;
}

/** All certificates, unrevoked ones only unless asked. */
export async function certificates(
  desk: Desk,
  revokedToo = false,
): Promise<readonly Accepted<"certificate">[]> {
  await desk.load("revocation");
  const found = await desk.load("certificate");
  return found.filter((each) => revokedToo || !isRevoked(desk.view.ledger, each.digest));
}

/** Revokes a certificate; done when the broker confirms it. */
export async function revoke(desk: Desk, certificate: string, reason: string): Promise<void> {
  await desk.submitAndConfirm(desk.draft("revocation", { certificate, reason }));
}

/** What to replace in the roster; absent parts stay as they are. */
export interface RosterChanges {
  readonly seats?: readonly RosterSeat[];
  readonly mandates?: readonly RosterMandate[];
  readonly approvals?: readonly RosterApproval[];
}

/** A mandate with its fresh id: a person holds a seat from a day to a day, both included. */
export const newMandate = (desk: Desk, held: Omit<RosterMandate, "mandate">): RosterMandate => ({
  mandate: newOpaqueId(desk.browser.entropy),
  ...held,
});

/** Publishes the next version of the roster. */
export async function publishRoster(desk: Desk, changes: RosterChanges): Promise<Accepted<"roster">> {
  await desk.load("roster");
  const last = latestRoster(desk.view.ledger);
  const given = desk.draft("roster", {
    version: (last?.statement.version ?? 0) + 1,
    previous: last?.digest ?? null,
    seats: changes.seats ?? last?.statement.seats ?? [],
    mandates: changes.mandates ?? last?.statement.mandates ?? [],
    approvals: changes.approvals ?? last?.statement.approvals ?? [],
  });
  return (await desk.submitAndConfirm(given)).accepted;
}

/** What to set; absent keeps the last version's value. `seats` maps a seat to a person's id. */
export interface SittingChanges {
  readonly sitting?: string;
  readonly zone?: string;
  readonly depositBy?: number;
  readonly opensAt?: number;
  readonly closesAt?: number;
  readonly urgency?: string;
  readonly convoke?: boolean;
  readonly seats?: Readonly<Record<string, string>>;
}

/** Publishes a new sitting, or the next version of one; done when the broker confirms it. */
export async function publishSitting(desk: Desk, changes: SittingChanges): Promise<Accepted<"sitting">> {
  for (const type of ["roster", "certificate", "revocation"] as const) await desk.load(type);
  const last = await lastVersion(desk, changes.sitting);
  const before = last?.statement ?? null;
  const roster = rosterOf(desk.view.ledger);
  const opensAt = due(changes.opensAt, before?.opens_at);
  const zone = changes.zone ?? before?.zone ?? "Europe/Paris";
  // Each version takes up the keys that came since.
  const seats = seatsOf(desk, roster.statement, localDay(opensAt, zone), changes.seats ?? {}, before);
  const convoked = changes.convoke === true || before?.stage === "convoked";
  const given = desk.draft("sitting", {
    sitting: before?.sitting ?? newOpaqueId(desk.browser.entropy),
    version: (before?.version ?? 0) + 1,
    previous: last?.digest ?? null,
    roster: roster.digest,
    stage: convoked ? "convoked" : "planned",
    zone,
    deposit_by: due(changes.depositBy, before?.deposit_by),
    opens_at: opensAt,
    closes_at: due(changes.closesAt, before?.closes_at),
    urgency: changes.urgency ?? before?.urgency ?? null,
    second_convocation: before?.second_convocation ?? false,
    seats,
  });
  return (await desk.submitAndConfirm(given)).accepted;
}

async function lastVersion(
  desk: Desk,
  sitting: string | undefined,
): Promise<Accepted<"sitting"> | null> {
  if (sitting === undefined) return null;
  await desk.loadSitting(sitting);
  const found = latestSitting(desk.view.ledger, sitting);
  if (found === null) throw impossible("Cette séance n'existe pas, ou vous n'y avez pas accès.");
  return found;
}

function due(given: number | undefined, before: string | undefined): string {
  const value = given === undefined ? before : formatInstant(given);
  if (value === undefined) {
    throw impossible("Une nouvelle séance demande la fin des dépôts, l'ouverture et la clôture.");
  }
  return value;
}

/** The calendar day of an instant in a time zone. */
export function localDay(instant: string, zone: string): string {
  try {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(
      new Date(instant),
    );
  } catch {
    throw impossible("Le fuseau horaire « {zone} » est inconnu.", { zone });
  }
}

/** One person a seat: those named, those of the last version, else the titulars of that day. */
function seatsOf(
  desk: Desk,
  roster: StatementOf<"roster">,
  day: string,
  chosen: Readonly<Record<string, string>>,
  before: StatementOf<"sitting"> | null,
): readonly SittingSeat[] {
  const named = new Map((before?.seats ?? []).map((seat) => [seat.seat, seat.person]));
  if (named.size === 0) {
    for (const mandate of [...roster.mandates].reverse()) {
      if (mandate.capacity === "titular" && isValid(mandate, day)) named.set(mandate.seat, mandate.person);
    }
  }
  for (const [seat, person] of Object.entries(chosen)) named.set(seat, person);
  const rank = (code: string): number => {
    const at = roster.seats.findIndex((seat) => seat.seat === code);
    return at < 0 ? roster.seats.length : at;
  };
  const taken: SittingSeat[] = [];
  for (const [code, person] of [...named].sort(([one], [other]) => rank(one) - rank(other))) {
    const seat = seatOf(roster, code);
    if (seat === null) {
      throw impossible("Le siège « {seat} » n'est pas dans la composition.", { seat: code });
    }
    if (seat.kind === "guest") {
      if (!Object.hasOwn(chosen, code)) continue;
      throw impossible(
        "« {seat} » est un siège d'invité : il ne siège pas en formation restreinte.",
        { seat: code },
      );
    }
    taken.push(takenSeat(desk, roster, day, seat, person));
  }
  return taken;
}

/** The seat with all usable devices of the person; with none, it waits for grants. */
function takenSeat(
  desk: Desk,
  roster: StatementOf<"roster">,
  day: string,
  { seat, label }: RosterSeat,
  person: string,
): SittingSeat {
  const mandate = roster.mandates.find(
    (each) => each.seat === seat && each.person === person && isValid(each, day),
  );
  if (mandate === undefined) {
    throw impossible(
      "La personne choisie n'a pas de mandat au siège « {seat} » le jour de l'ouverture : ajoutez-le " +
        "d'abord à la composition.",
      { seat },
    );
  }
  const devices = certificatesWith(desk.view.ledger, "member", desk.now, { person });
  const { capacity } = mandate;
  const name = devices.at(-1)?.statement.name ?? null;
  return { seat, label, name, person, capacity, certificates: devices.map((each) => each.digest) };
}

const isValid = (mandate: RosterMandate, day: string): boolean =>
  mandate.from_day <= day && day <= mandate.to_day;

/** Asks for missing pieces of a dossier, by their codes, until `answerBy` (ms). */
export async function requestComplement(
  desk: Desk,
  sitting: string,
  dossier: string,
  pieces: readonly string[],
  answerBy: number,
): Promise<void> {
  const given = desk.draft("complement-request", { sitting, dossier, pieces, answer_by: formatInstant(answerBy) });
  await desk.submit(given);
}

/** The dossiers whose first deposit was urgent. */
export const urgentDossiers = (index: StatementIndex, sitting: string): ReadonlySet<string> =>
  new Set(
    depositsOf(index, sitting)
      .filter((each) => !each.withdrawn && each.complement === 0 && each.manifest.statement.urgent)
      .map((each) => each.reference),
  );

/**
 * Publishes the agenda of all committed, not withdrawn dossiers, grouped by association. A dossier that
 * was deposited as urgent goes on it only if `urgent` names it, or it was on it.
 */
export async function publishAgenda(
  desk: Desk,
  sitting: string,
  urgent: readonly string[] = [],
): Promise<Accepted<"agenda">> {
  await desk.load("roster");
  await desk.loadSitting(sitting);
  const index = desk.view.ledger;
  sittingOf(index, sitting);
  const last = latestAgenda(index, sitting);
  const before = listed(index, last).map((item) => item.dossier);
  const wanted = new Set([...urgent, ...before]);
  const leftOut = new Set([...urgentDossiers(index, sitting)].filter((each) => !wanted.has(each)));
  const version = (last?.statement.version ?? 0) + 1;
  const place = { origin: desk.view.policy.policy.origin, sitting, version };
  const { commitments, openings } = commitItems(place, agendaItems(desk, sitting, leftOut), desk.browser.entropy);
  const previous = last?.digest ?? null;
  const given = desk.draft("agenda", { sitting, version, previous, items: commitments });
  const { accepted } = await desk.submitAndConfirm(given, openings);
  await desk.view.takeOpenings({ agenda: accepted.digest, openings });
  return accepted;
}

const ASSOCIATION_STEP = 2 ** 40; // how far the ranks of two associations lie apart

/**
 * By association, in the order of the roster; within one, by the place of their first deposit in the log.
 * Such a rank is made of the dossier alone and tells nothing of the others.
 */
function agendaItems(desk: Desk, sitting: string, without: ReadonlySet<string>): readonly AgendaItem[] {
  const roster = rosterOf(desk.view.ledger).statement;
  const order = [
    ...roster.seats.flatMap((seat) => (seat.organisation === null ? [] : [seat.organisation])),
    ...roster.approvals.map((approval) => approval.organisation),
  ];
  const found = new Map<string, Deposited[]>();
  for (const each of allDepositsOf(desk.view.ledger, sitting)) {
    if (each.withdrawn || without.has(each.reference)) continue;
    const key = `${each.association} ${each.reference}`;
    found.set(key, [...(found.get(key) ?? []), each]);
  }
  // An association that left the roster since its deposit comes after the others.
  const unknown = [...found.values()].flatMap(([first]) => (first ? [first.association] : [])).sort();
  const ranks = [...new Set([...order, ...unknown])];
  return [...found.values()].flatMap((deposits) => {
    const [first] = deposits;
    if (first === undefined) return [];
    const { association, reference: dossier, manifest } = first;
    const rank = ranks.indexOf(association) * ASSOCIATION_STEP + manifest.order;
    return [{ association, dossier, rank, manifests: deposits.map((each) => each.manifest.digest) }];
  });
}
