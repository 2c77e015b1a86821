import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../core/dsse.ts";
import { logRules } from "../core/emergency.ts";
import { ExplainedError } from "../core/errors.ts";
import { acceptFirst, parseTrust } from "../core/trust.ts";
import { vectors } from "./vectors.ts";

interface Case {
  readonly name: string;
  readonly trust_json: string;
  readonly policies: readonly string[];
  readonly emergencies: readonly string[];
  readonly note: string;
  readonly error: string | null;
}

test("too few witnesses count as far as an emergency permits", () => {
  for (const each of vectors<Case>("emergencies", "checkpoints", 18)) {
    const first = parse("trust-policy", each.policies[0] as string);
    const policy = acceptFirst(parseTrust(new TextEncoder().encode(each.trust_json)), first);
    const rules = logRules(policy, each.emergencies.map((envelope) => parse("emergency", envelope)));
    const judge = () => rules.verifyCheckpoint(each.note);
    if (each.error === null) assert.doesNotThrow(judge, each.name);
    else assert.throws(judge, ExplainedError, each.name);
  }
});
