import assert from "node:assert/strict";
import { test } from "node:test";
import { commitmentOf, decryptWith, envelopeFor, headerFor, identityText, recipientOf, recipientText, unwrapHeader, checkCommitment, checkEnvelope } from "../core/age.ts"; // prettier-ignore
import { itemCommitment, readItem } from "../core/agenda.ts";
import { concat, fromHex, hex, systemEntropy, textOf, utf8 } from "../core/bytes.ts";
import { sha256, taggedSha256 } from "../core/digests.ts";
import { encodeBase64 } from "../core/encoding.ts";
import { ExplainedError } from "../core/errors.ts";
import { Identity } from "../core/identity.ts";
import { decodeSeed, encodeSeed, openSeed, sealSeed } from "../core/seed.ts";
import { keyFingerprint, spokenFingerprint } from "../core/keys.ts";
import { openPayload } from "../core/payload.ts";
import { commitment, leafOf } from "../core/receipts.ts";
import { parseTrust, spokenTrustFingerprint, trustDigest } from "../core/trust.ts";
import { ageIdentity, octets, vectors } from "./vectors.ts";

async function refusal(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ExplainedError) return error.kind;
    throw error;
  }
  return "accepted";
}

test("a seed gives the keys, texts and fingerprints that it gives in Python", () => {
  interface Case {
    readonly seed: string;
    readonly paper: string;
    readonly age_identity: string;
    readonly age_recipient: string;
    readonly recipient: string;
    readonly verify_key: string;
    readonly key_fingerprint: string;
    readonly spoken_fingerprint: string;
  }
  for (const each of vectors<Case>("identities", "identities", 3)) {
    const seed = fromHex(each.seed);
    const identity = new Identity(seed);
    assert.equal(encodeSeed(seed), each.paper);
    assert.deepEqual(decodeSeed(` ${each.paper.toLowerCase().slice(0, 20)}\n${each.paper.toLowerCase().slice(20)} `), seed);
    assert.equal(identityText(identity.revealAgeIdentity()), each.age_identity);
    assert.equal(identity.recipient, each.recipient);
    assert.equal(recipientText(identity.recipient), each.age_recipient);
    assert.equal(identity.signingKey, each.verify_key);
    assert.equal(identity.fingerprint, each.key_fingerprint);
    assert.equal(identity.spoken, each.spoken_fingerprint);
    assert.ok(!JSON.stringify({ identity }).includes(each.seed));
  }
});

test("key files open with their passphrase, and with no other", async () => {
  for (const { passphrase, file, seed } of vectors<{ passphrase: string; file: string; seed: string }>("identities", "keyfiles", 2)) {
    assert.equal(hex(await openSeed(octets(file), passphrase)), seed);
    assert.equal(hex(await openSeed(octets(file), passphrase.normalize("NFD"))), seed);
    assert.equal(await refusal(() => openSeed(octets(file), `${passphrase}.`)), "not-for-this-key");
  }
  const seed = systemEntropy(32);
  const sealed = await sealSeed(seed, "phrase d'essai", 10);
  assert.deepEqual(await openSeed(sealed, "phrase d'essai"), seed);
});

test("fingerprints and tagged hashes are Python's", () => {
  for (const each of vectors<{ recipient: string; verify_key: string; spoken: string }>("fingerprints", "devices", 3)) {
    assert.equal(spokenFingerprint(each.recipient, each.verify_key), each.spoken);
  }
  for (const each of vectors<{ key: string; fingerprint: string }>("fingerprints", "keys", 3)) {
    assert.equal(keyFingerprint(each.key), each.fingerprint);
  }
  for (const each of vectors<{ trust_json: string; digest: string; spoken: string }>("fingerprints", "trusts", 3)) {
    const trust = parseTrust(utf8(each.trust_json));
    assert.equal(trustDigest(trust), each.digest);
    assert.equal(spokenTrustFingerprint(trust), each.spoken);
  }
  for (const each of vectors<{ label: string; parts: string[]; sha256: string }>("fingerprints", "tagged_hashes", 10)) {
    assert.equal(hex(taggedSha256(utf8(each.label), each.parts.map(fromHex))), each.sha256);
  }
});

test("commitments to file keys and to events are Python's", () => {
  for (const each of vectors<{ file_key: string; nonce: string; commitment: string }>("commitments", "file_keys", 3)) {
    assert.equal(hex(commitmentOf(fromHex(each.file_key), fromHex(each.nonce))), each.commitment);
  }
  interface Event {
    readonly opening: string;
    readonly origin: string;
    readonly details: string;
    readonly commitment: string;
    readonly leaf: string;
  }
  for (const each of vectors<Event>("commitments", "events", 1)) {
    const [opening, details] = [fromHex(each.opening), utf8(each.details)];
    assert.equal(hex(commitment(opening, each.origin, details)), each.commitment);
    assert.equal(textOf(leafOf({ index: 0, details, opening }, each.origin).leaf), each.leaf);
  }
});

test("an agenda's items are committed to as Python does, and read as strictly", () => {
  interface Item {
    readonly opening: string;
    readonly origin: string;
    readonly sitting: string;
    readonly version: number;
    readonly item: string;
    readonly commitment: string;
  }
  for (const { opening, item, commitment: bound, ...place } of vectors<Item>("commitments", "agenda_items", 3)) {
    const shown = { opening: encodeBase64(fromHex(opening)), item };
    assert.equal(hex(itemCommitment(place, shown)), bound);
    assert.equal(JSON.stringify(readItem(item)), item);
  }
  for (const { name, item } of vectors<{ name: string; item: string }>("commitments", "agenda_items_refused", 9)) {
    assert.throws(() => readItem(item), ExplainedError, name);
  }
});

test("detached headers open, and their payload, as made by Python", async () => {
  for (const each of vectors<Record<string, string>>("headers", "opened", 1)) {
    const identity = ageIdentity(each["age_identity"] ?? "");
    const fileKey = await unwrapHeader(octets(each["header"] ?? ""), identity);
    assert.equal(hex(fileKey), each["file_key"]);
    assert.equal(hex(commitmentOf(fileKey, fromHex(each["nonce"] ?? ""))), each["commitment"]);
    const pieces: Uint8Array[] = [];
    for await (const piece of openPayload(fileKey, [octets(each["payload"] ?? "")])) pieces.push(piece);
    assert.equal(sha256(concat(...pieces)), sha256(octets(each["container"] ?? "")));
    const whole = concat(octets(each["header"] ?? ""), octets(each["payload"] ?? ""));
    assert.deepEqual(await decryptWith(whole, identity), concat(...pieces));
  }
});

test("a dead, altered or foreign header is refused, and the two alarms stay apart", async () => {
  for (const each of vectors<Record<string, string>>("headers", "refused", 14)) {
    const outcome = await refusal(async () => {
      const fileKey = await unwrapHeader(octets(each["header"] ?? ""), ageIdentity(each["age_identity"] ?? ""));
      checkCommitment(fileKey, fromHex(each["nonce"] ?? ""), fromHex(each["commitment"] ?? ""));
    });
    assert.notEqual(outcome, "accepted", each["name"]);
    if (each["error"] === "not-for-this-key") assert.equal(outcome, "not-for-this-key", each["name"]);
    else assert.notEqual(outcome, "not-for-this-key", each["name"]);
  }
});

test("envelopes open with their release key alone", async () => {
  for (const { age_identity, envelope, header } of vectors<{ age_identity: string; envelope: string; header: string }>("envelopes", "opened", 1)) {
    checkEnvelope(octets(envelope));
    assert.deepEqual(await decryptWith(octets(envelope), ageIdentity(age_identity)), octets(header));
  }
  for (const { name, age_identity, envelope } of vectors<{ name: string; age_identity: string; envelope: string }>("envelopes", "refused", 8)) {
    const outcome = await refusal(async () => {
      checkEnvelope(octets(envelope));
      const { checkHeader } = await import("../core/age.ts");
      checkHeader(await decryptWith(octets(envelope), ageIdentity(age_identity)));
    });
    assert.notEqual(outcome, "accepted", name);
  }
});

test("a header made here opens here, for its recipient alone", async () => {
  const [identity, other, release, fileKey] = [32, 32, 32, 16].map((length) => systemEntropy(length)) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  const header = headerFor(fileKey, recipientOf(identity));
  assert.deepEqual(await unwrapHeader(header, identity), fileKey);
  assert.equal(await refusal(() => unwrapHeader(header, other)), "not-for-this-key");
  const envelope = await envelopeFor(header, recipientOf(release));
  assert.deepEqual(await decryptWith(envelope, release), header);
});
