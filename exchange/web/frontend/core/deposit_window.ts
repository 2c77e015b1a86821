/** Until when a deposit is taken (exchange/domain/deposit_window.py, exchange/client/complements.py). */
import { parseInstant } from "./encoding.ts";
import type { Accepted, StatementIndex } from "./ledger.ts";
import { impossible } from "./registry.ts";
import type { StatementOf } from "./statements.ts";

type Sitting = StatementOf<"sitting">;

/** The latest request for missing pieces of a dossier; it replaces those before. */
export const complementRequestOf = (
  index: StatementIndex,
  sitting: string,
  dossier: string,
): Accepted<"complement-request"> | null => index.find("complement-request", { sitting, dossier }).at(-1) ?? null;

/** The request on a dossier that still runs, or null. */
export function runningRequest(
  index: StatementIndex,
  sitting: string,
  dossier: string,
  now: number,
): StatementOf<"complement-request"> | null {
  const asked = complementRequestOf(index, sitting, dossier)?.statement ?? null;
  return asked !== null && now < parseInstant(asked.answer_by) ? asked : null;
}

/** Whether the limit is past and the sitting's dossiers are not open yet: urgent deposits are taken. */
export const takesUrgent = (sitting: Sitting, now: number): boolean =>
  parseInstant(sitting.deposit_by) <= now && now < parseInstant(sitting.opens_at);

/** Throws for a deposit that the service would refuse as too late: before anything is sealed. */
export function checkDepositTime(
  index: StatementIndex,
  sitting: Sitting,
  dossier: string,
  now: number,
  urgent: boolean,
): void {
  if (now < parseInstant(sitting.deposit_by)) return;
  if (runningRequest(index, sitting.sitting, dossier, now) !== null) return;
  if (complementRequestOf(index, sitting.sitting, dossier) !== null) {
    throw impossible("Le complément demandé n'est plus attendu, sa date est passée : adressez-vous au secrétariat.");
  }
  if (!urgent || !takesUrgent(sitting, now)) {
    throw impossible("Les dépôts pour cette séance sont terminés : adressez-vous au secrétariat.");
  }
}
