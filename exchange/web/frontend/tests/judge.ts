// Judges what it reads on standard input: {statements, receipts, names} → for each the same findings as
// Python's, or null. An error that is not the core's own stops it.
import { readFileSync } from "node:fs";
import { parseAny } from "../core/dsse.ts";
import { ExplainedError } from "../core/errors.ts";
import { LogPolicy } from "../core/log_policy.ts";
import { checkDistinct, checkPath } from "../core/paths.ts";
import { verifyReceipt } from "../core/receipts.ts";
import type { StatementOf } from "../core/statements.ts";

interface Given {
  readonly policy: StatementOf<"trust-policy">;
  readonly statements: readonly string[];
  readonly receipts: readonly string[];
  readonly names: readonly (readonly string[])[];
}

function judged<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof ExplainedError) return null;
    throw error;
  }
}

const given = JSON.parse(readFileSync(0, "utf8")) as Given;
const policy = new LogPolicy(given.policy);
const found = {
  statements: given.statements.map((envelope) =>
    judged(() => {
      const parsed = parseAny(envelope);
      return [parsed.digest, JSON.stringify(parsed.statement)];
    }),
  ),
  receipts: given.receipts.map((receipt) => judged(() => verifyReceipt(receipt, policy).index)),
  names: given.names.map((paths) =>
    judged(() => {
      paths.forEach(checkPath);
      checkDistinct(paths);
      return true;
    }),
  ),
};
process.stdout.write(JSON.stringify(found));
