/**
 * SHA-256, plain and tagged (crypto/digests.py).
 *
 * A tagged hash is SHA-256(u16 length of label ‖ label ‖ parts, each after its u32 length): neither a
 * label nor a part can be moved across a border.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { type Bytes, bigEndian, concat, hex } from "./bytes.ts";

export const sha256Bytes = (data: Uint8Array): Bytes => nobleSha256(data) as Bytes;
export const sha256 = (data: Uint8Array): string => hex(nobleSha256(data));

/** A running SHA-256, for what is too long to hold. */
export const sha256Stream = () => nobleSha256.create();

export function taggedSha256(label: Uint8Array, parts: readonly Uint8Array[]): Bytes {
  const state = nobleSha256.create().update(bigEndian(label.length, 2)).update(label);
  for (const part of parts) state.update(bigEndian(part.length, 4)).update(part);
  return state.digest() as Bytes;
}

/** RFC 5869 with SHA-256, 32 octets. */
export const hkdfSha256 = (key: Uint8Array, salt: Uint8Array, info: Uint8Array): Bytes =>
  hkdf(nobleSha256, key, salt, info, 32) as Bytes;

export const hmacSha256 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes =>
  hmac(nobleSha256, key, concat(...parts)) as Bytes;
