import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpointOf } from "../core/checkpoints.ts";
import { ExplainedError } from "../core/errors.ts";
import { LogPolicy } from "../core/log_policy.ts";
import { verifyConsistency } from "../core/merkle.ts";
import { verifyReceipt } from "../core/receipts.ts";
import type { StatementOf } from "../core/statements.ts";
import { octets, vectors } from "./vectors.ts";

const [stated] = vectors<StatementOf<"trust-policy">>("receipts", "policies", 1);
const policy = new LogPolicy(stated as StatementOf<"trust-policy">);

test("receipts verify to the index and the event that Python finds", () => {
  for (const { receipt, index, type } of vectors<{ receipt: string; index: number; type: string }>("receipts", "verified", 9)) {
    const verified = verifyReceipt(receipt, policy);
    assert.equal(verified.index, index);
    assert.equal(verified.details.type, type);
  }
});

test("forged, cut and foreign receipts are refused", () => {
  for (const { name, receipt } of vectors<{ name: string; receipt: string }>("receipts", "refused", 24)) {
    assert.throws(() => verifyReceipt(receipt, policy), ExplainedError, name);
  }
});

test("a log that grew is consistent by its proof, and by no other", () => {
  for (const { older, newer, proof } of vectors<{ older: string; newer: string; proof: string[] }>("receipts", "consistent", 6)) {
    const [one, other] = [checkpointOf(older), checkpointOf(newer)];
    const hashes = proof.map(octets);
    verifyConsistency(one.size, other.size, one.root, other.root, hashes);
    if (one.size === other.size) continue;
    const forged = other.root.slice();
    forged[0]! ^= 1;
    assert.throws(() => verifyConsistency(one.size, other.size, one.root, forged, hashes));
    assert.throws(() => verifyConsistency(other.size, one.size, other.root, one.root, hashes));
  }
});
