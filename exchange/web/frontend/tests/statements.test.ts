import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, textOf, utf8 } from "../core/bytes.ts";
import { parseAny, parse, seal, verifyThreshold } from "../core/dsse.ts";
import { ExplainedError } from "../core/errors.ts";
import { checkSignature, checkVerifyKey, signWith } from "../core/keys.ts";
import { SHAPES, type StatementType } from "../core/statements.ts";
import { decodeBase64 } from "../core/encoding.ts";
import { acceptFirst, acceptNext, parseTrust } from "../core/trust.ts";
import { octets, vectors } from "./vectors.ts";

interface Sample {
  readonly type: StatementType;
  readonly seed: string;
  readonly body: string;
  readonly envelope: string;
  readonly digest: string;
}

const samples = vectors<Sample>("statements", "samples", 30);

/** Throws unless `act` throws an explained error; returns its kind. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ExplainedError) return error.kind;
    throw error;
  }
  return "accepted";
}

test("every statement type has a sample, and each is read, identified and signed alike", () => {
  assert.deepEqual(new Set(samples.map((each) => each.type)), new Set(Object.keys(SHAPES)));
  for (const { type, seed, body, envelope, digest } of samples) {
    const given = parseAny(envelope);
    assert.equal(given.type, type);
    assert.equal(given.digest, digest, type);
    assert.equal(JSON.stringify(given.statement), body, type);
    const sealed = seal(type, given.statement, [(message) => signWith(fromHex(seed), message)]);
    assert.equal(sealed.envelope, envelope, type);
  }
});

test("what is not strict is refused, whoever signed it", () => {
  for (const { name, envelope_base64: text } of vectors<{ name: string; envelope_base64: string }>("statements", "refused", 62)) {
    const outcome = refusal(() => {
      let envelope: string;
      try {
        envelope = textOf(octets(text));
      } catch {
        throw new ExplainedError("malformed", "not UTF-8: it never comes out of JSON");
      }
      return parseAny(envelope);
    });
    assert.equal(outcome, "malformed", name);
  }
});

test("signatures and thresholds count as in Python", () => {
  interface Case {
    readonly name: string;
    readonly envelope: string;
    readonly keys: readonly string[];
    readonly threshold: number;
    readonly at_most: number;
    readonly verifies: boolean;
  }
  for (const each of vectors<Case>("statements", "signatures", 17)) {
    const outcome = refusal(() =>
      verifyThreshold(parseAny(each.envelope), each.keys, each.threshold, each.at_most),
    );
    assert.equal(outcome === "accepted", each.verifies, each.name);
  }
});

test("Ed25519 is verified by libsodium's rules, and small-order keys are refused on sight", () => {
  interface Case {
    readonly name: string;
    readonly key: string;
    readonly message: string;
    readonly signature: string;
    readonly verifies: boolean;
  }
  for (const { name, key, message, signature, verifies } of vectors<Case>("signatures", "signatures", 7)) {
    const outcome = refusal(() => checkSignature(octets(key), octets(message), octets(signature)));
    assert.equal(outcome === "accepted", verifies, name);
  }
  for (const { name, key, acceptable } of vectors<{ name: string; key: string; acceptable: boolean }>("signatures", "keys", 14)) {
    assert.equal(refusal(() => checkVerifyKey(decodeBase64(key))) === "accepted", acceptable, name);
  }
});

test("the chain of trust policies is walked and refused as in Python", () => {
  interface Chain {
    readonly name: string;
    readonly trust_json: string;
    readonly policies: readonly string[];
    readonly version: number | null;
    readonly error: string | null;
  }
  for (const chain of vectors<Chain>("trust_chains", "chains", 24)) {
    let version: number | null = null;
    const outcome = refusal(() => {
      const trust = parseTrust(utf8(chain.trust_json));
      const [first, ...rest] = chain.policies.map((each) => parse("trust-policy", each));
      if (first === undefined) throw new ExplainedError("untrusted", "no policy");
      const last = rest.reduce(acceptNext, acceptFirst(trust, first));
      version = last.policy.version;
    });
    assert.equal(outcome === "accepted", chain.error === null, chain.name);
    if (chain.error === null) assert.equal(version, chain.version, chain.name);
  }
  interface Expiry extends Omit<Chain, "version"> {
    readonly at: string;
  }
  for (const { name, trust_json, policies, at, error } of vectors<Expiry>("trust_chains", "expiry", 4)) {
    const [first] = policies.map((each) => parse("trust-policy", each));
    assert.ok(first !== undefined, name);
    const policy = acceptFirst(parseTrust(utf8(trust_json)), first);
    assert.equal(refusal(() => policy.requireUnexpired(Date.parse(at))), error ?? "accepted", name);
  }
  for (const { name, trust_json } of vectors<{ name: string; trust_json: string }>("trust_chains", "refused_trust", 8)) {
    assert.equal(refusal(() => parseTrust(utf8(trust_json))), "malformed", name);
  }
});
