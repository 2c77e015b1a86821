/**
 * Ed25519 keys and their fingerprints, by libsodium's rules (crypto/keys.py, crypto/fingerprints.py).
 *
 * noble with `zip215: false` (strict RFC 8032), and besides what libsodium refuses: keys outside of the
 * prime-order group, signatures whose R has a part of small order.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, hex, sameBytes } from "./bytes.ts";
import { taggedSha256 } from "./digests.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { KEY_FINGERPRINT, SPOKEN_FINGERPRINT } from "./labels.ts";

export const SIGNATURE_BYTES = 64;
export const RECIPIENT_BYTES = 1216; // ML-KEM-768 encapsulation key (1,184), X25519 public key (32)

const GROUPS = 8; // of four digits: 106 bits
const checkedKeys = new Set<string>(); // the check costs a scalar multiplication; keys recur

/** Throws kind "malformed" unless these octets are an acceptable Ed25519 public key. */
export function checkVerifyKey(raw: Uint8Array): void {
  const name = hex(raw);
  if (checkedKeys.has(name)) return;
  if (raw.length !== 32 || !isPrimeOrderPoint(raw)) {
    throw malformed("Cette clé de signature n'est pas une clé Ed25519 acceptable.");
  }
  checkedKeys.add(name);
}

function isPrimeOrderPoint(raw: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(raw, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

/** An Ed25519 public key in canonical base64, as statements hold it, to its octets. */
export function keyBytes(key: string): Bytes {
  const raw = decodeBase64(key);
  checkVerifyKey(raw);
  return raw;
}

/** How statements name a key in their `signer` field. */
export const keyFingerprint = (key: string): string =>
  hex(taggedSha256(KEY_FINGERPRINT, [keyBytes(key)]));

/** Throws kind "signature" unless `signature` is this key's over `message`. */
export function checkSignature(key: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
  checkVerifyKey(key);
  if (signature.length !== SIGNATURE_BYTES) {
    throw new ExplainedError("signature", "La signature n'a pas 64 octets.");
  }
  // noble verifies cofactored, libsodium does not: they agree where R has no part of small order.
  if (!verifies(key, message, signature) || !isPrimeOrderPoint(signature.subarray(0, 32))) {
    throw new ExplainedError("signature", "La signature ne correspond pas à la clé attendue.");
  }
}

function verifies(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}

export const publicKeyOf = (seed: Uint8Array): Bytes => ed25519.getPublicKey(seed) as Bytes;
export const signWith = (seed: Uint8Array, message: Uint8Array): Bytes =>
  ed25519.sign(message, seed) as Bytes;

/** Both public keys of a device as `1234 5678 …`: exchanging either changes it. */
export const spokenFingerprint = (recipient: string, signingKey: string): string =>
  spoken(taggedSha256(SPOKEN_FINGERPRINT, [decodeBase64(recipient), keyBytes(signingKey)]));

/** A hash, as a number, modulo 10³². */
export function spoken(hash: Uint8Array): string {
  const digits = (BigInt(`0x${hex(hash)}`) % 10n ** 32n).toString().padStart(GROUPS * 4, "0");
  return (digits.match(/.{4}/g) ?? []).join(" ");
}

export const sameKey = (one: string, other: string): boolean =>
  sameBytes(decodeBase64(one), decodeBase64(other));
export const keyText = (raw: Uint8Array): string => encodeBase64(raw);
