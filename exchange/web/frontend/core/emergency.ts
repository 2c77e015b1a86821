/**
 * The registrar's `emergency`: for a few days fewer independent witnesses are enough
 * (exchange/usecases/emergency.py). One that does not verify permits nothing.
 */
import { verifyStatement } from "./authority.ts";
import type { Unverified } from "./dsse.ts";
import { parseInstant } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";
import { MemoryLedger, type StatementIndex } from "./ledger.ts";
import { LogPolicy, type LoweredQuorum } from "./log_policy.ts";
import type { StatementOf } from "./statements.ts";
import type { TrustedPolicy } from "./trust.ts";

const MAX_EMERGENCY = 7 * 86_400_000; // ms: to repair a witness, or to name another one
const CLOCK_TOLERANCE = 5 * 60_000; // ms: the registrar's clock and the broker's

/** What a checkpoint must carry by the trust policy and those emergencies that verify under it. */
export const logRules = (
  trusted: TrustedPolicy,
  emergencies: readonly Unverified<"emergency">[],
): LogPolicy => new LogPolicy(trusted.policy, emergencies.flatMap((each) => permittedBy(trusted, each)));

/** The emergencies that lower the quorum now, oldest first. */
export const inForce = (index: StatementIndex, now: number): readonly StatementOf<"emergency">[] =>
  index
    .find("emergency")
    .map((each) => each.statement)
    .filter(({ expires_at }) => now < parseInstant(expires_at));

function permittedBy(
  trusted: TrustedPolicy,
  given: Unverified<"emergency">,
): readonly LoweredQuorum[] {
  const { quorum, issued_at, expires_at } = given.statement;
  const [begins, ends] = [parseInstant(issued_at), parseInstant(expires_at)];
  if (begins >= ends || ends > begins + MAX_EMERGENCY) return [];
  try {
    // Registrars are named by the trust policy itself: no other statement is needed.
    verifyStatement(trusted, new MemoryLedger(), given, begins);
  } catch (error) {
    if (error instanceof ExplainedError) return [];
    throw error;
  }
  return [{ quorum, begins: begins - CLOCK_TOLERANCE, ends }];
}
