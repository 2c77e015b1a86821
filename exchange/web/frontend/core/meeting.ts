/** Who comes to the meeting, and who speaks for whom (exchange/client/voices.py). */
import type { Desk } from "./desk.ts";
import { ofType } from "./ledger.ts";
import { mySeat, sittingOf } from "./registry.ts";
import type { StatementOf } from "./statements.ts";

export type Presence = "room" | "remote";

/** Gives the voice of one's seat to another seat, or takes it back (null). CRPA R133-9. */
export async function giveProxy(desk: Desk, sitting: string, holder: string | null): Promise<void> {
  await desk.loadSitting(sitting);
  sittingOf(desk.view.ledger, sitting);
  await desk.submit(desk.draft("proxy", { sitting, holder }));
}

/** The seat that speaks for this member's, by their last word from any of their devices. */
export function myProxy(desk: Desk, sitting: string): string | null {
  const { ledger } = desk.view;
  const mine = ledger
    .find("proxy", { sitting })
    .filter((each) => ofType(ledger, "certificate", each.statement.signer)?.statement.person === desk.who.person);
  return [...mine].sort((one, other) => one.order - other.order).at(-1)?.statement.holder ?? null;
}

/** The seats to which this member may give their voice: the others of the sitting. */
export const otherSeats = (desk: Desk, sitting: StatementOf<"sitting">): readonly string[] => {
  const own = desk.who.person === null ? null : mySeat(sitting, desk.who.person);
  return sitting.seats.map((each) => each.seat).filter((seat) => seat !== own?.seat);
};

/** Records who takes part; every other seat is absent. */
export async function recordAttendance(
  desk: Desk,
  sitting: string,
  present: Readonly<Record<string, Presence>>,
): Promise<void> {
  await desk.loadSitting(sitting);
  sittingOf(desk.view.ledger, sitting);
  const seats = Object.entries(present).map(([seat, presence]) => ({ seat, presence }));
  await desk.submit(desk.draft("attendance", { sitting, seats }));
}

/** The latest record; null before the first. */
export function attendanceOf(desk: Desk, sitting: string): Readonly<Record<string, Presence>> | null {
  const found = [...desk.view.ledger.find("attendance", { sitting })].sort((one, other) => one.order - other.order).at(-1);
  return found === undefined ? null : Object.fromEntries(found.statement.seats.map((each) => [each.seat, each.presence]));
}
