/** Withdrawing a dossier and closing a sitting: the broker destroys keys, and says so. */
import type { Attested } from "./api.ts";
import type { Desk } from "./desk.ts";
import { parse } from "./dsse.ts";
import { hostile } from "./errors.ts";
import { forgetFileKey } from "./filekeys.ts";
import { sittingOf } from "./registry.ts";
import type { StatementOf } from "./statements.ts";

/** A withdrawal or closing, with the broker's word that the keys are gone (null: not yet). */
export interface Ended {
  readonly statement: string;
  readonly destroyed: number | null;
}

/** Withdraws a dossier; done when the broker confirms it. */
export async function withdraw(desk: Desk, reference: string, reason: string): Promise<Ended> {
  const given = desk.draft("withdrawal", { dossier: reference, reason });
  const { accepted, destruction } = await desk.submitAndConfirm(given);
  for (const kept of await desk.load("manifest", { dossier: reference })) {
    await forgetFileKey(desk, kept.statement.deposit);
  }
  const destroyed = await checkDestruction(desk, destruction, accepted.digest, "withdrawal");
  return { statement: accepted.digest, destroyed };
}

/** Closes a sitting: the broker destroys its keys, and nothing opens again. */
export async function closeSitting(desk: Desk, sitting: string): Promise<Ended> {
  await desk.loadSitting(sitting);
  const { digest } = sittingOf(desk.view.ledger, sitting);
  const given = desk.draft("closing", { sitting, sitting_sha256: digest });
  const { accepted, destruction } = await desk.submitAndConfirm(given);
  const destroyed = await checkDestruction(desk, destruction, accepted.digest, "closing");
  return { statement: accepted.digest, destroyed };
}

async function checkDestruction(
  desk: Desk,
  destruction: Attested | null,
  because: string,
  cause: StatementOf<"destruction">["cause"],
): Promise<number | null> {
  if (destruction === null) return null;
  const given = parse("destruction", destruction.envelope);
  if (given.statement.because !== because || given.statement.cause !== cause) {
    throw hostile(
      "Le procès-verbal de destruction remis est celui d'un autre acte : demandez au gardien des " +
        "clés ce qu'il a détruit.",
    );
  }
  const taken = await desk.view.need("destruction", given.digest); // verified when it came
  await desk.keep(given, destruction.receipt);
  return taken.statement.release_keys.length;
}
