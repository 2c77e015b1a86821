/**
 * Strict, canonical text encodings: one accepted spelling for each value (crypto/encoding.py).
 *
 * Each function decodes, encodes again and compares, so that what was parsed is what will be written.
 */
import type { Bytes, Entropy } from "./bytes.ts";
import { malformed } from "./errors.ts";

export const OPAQUE_ID_BYTES = 16; // 128 bits: two random ids never collide, and none can be guessed

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const OPAQUE_ID = /^[a-z2-7]{26}$/;
const DOSSIER_REFERENCE = /^[a-z2-7]{5}-[a-z2-7]{5}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SLICE = 0x8000; // arguments of one call: engines limit them

/** RFC 4648 section 4, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += SLICE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return btoa(binary);
}

/** The inverse of `encodeBase64`, canonical only. */
export function decodeBase64(text: string): Bytes {
  const bytes = decoded(text);
  if (encodeBase64(bytes) !== text) throw malformed("Ce texte n'est pas du base64 canonique.");
  return bytes;
}

function decoded(text: string): Bytes {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw malformed("Ce texte n'est pas du base64 correct.");
  }
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** RFC 4648 section 4 without padding, as age writes it. */
export const encodeRawBase64 = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replace(/=+$/, "");

/** The inverse of `encodeRawBase64`, canonical only. */
export function decodeRawBase64(text: string): Bytes {
  if (text.includes("=") || text.length % 4 === 1) {
    throw malformed("Ce texte n'est pas du base64 sans remplissage.");
  }
  return decodeBase64(text + "=".repeat((4 - (text.length % 4)) % 4));
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32[(held << (5 - bits)) & 31] : text;
}

/** A fresh 128-bit id: 26 lower-case base32 characters. */
export const newOpaqueId = (entropy: Entropy): string => base32(entropy(OPAQUE_ID_BYTES));

/** Accepts one canonical 128-bit base32 id: the last letter carries three bits only. */
export function parseOpaqueId(text: string): string {
  if (!OPAQUE_ID.test(text)) {
    throw malformed("Un identifiant s'écrit en 26 caractères parmi a-z et 2-7.");
  }
  if (BASE32.indexOf(text[25] ?? "") % 4 !== 0) {
    throw malformed("Cet identifiant n'est pas sous sa forme canonique.");
  }
  return text;
}

/** A fresh dossier reference, 50 random bits, short enough to be read out: `k7qf2-m3xta`. */
export function newDossierReference(entropy: Entropy): string {
  const text = base32(entropy(7)).slice(0, 10);
  return `${text.slice(0, 5)}-${text.slice(5)}`;
}

export function parseDossierReference(text: string): string {
  if (!DOSSIER_REFERENCE.test(text)) {
    throw malformed("Une référence de dossier s'écrit comme « k7qf2-m3xta ».");
  }
  return text;
}

export function parseDigest(text: string): string {
  if (!DIGEST.test(text)) {
    throw malformed("Une empreinte SHA-256 s'écrit en 64 chiffres hexadécimaux minuscules.");
  }
  return text;
}

/** RFC 3339 in UTC to the second, `2026-11-23T09:30:00Z`; fractions are dropped. */
export const formatInstant = (milliseconds: number): string =>
  `${new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19)}Z`;

/** The inverse of `formatInstant`, in milliseconds; `Z` and whole seconds only. */
export function parseInstant(text: string): number {
  if (!INSTANT.test(text)) throw malformed("Une date s'écrit « 2026-11-23T09:30:00Z » (UTC).");
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds) || formatInstant(milliseconds) !== text || text < "0001") {
    throw malformed("Cette date n'existe pas.");
  }
  return milliseconds;
}

/** A calendar day `2026-11-23`. */
export function parseDay(text: string): string {
  if (!DAY.test(text) || text < "0001") throw malformed("Une date s'écrit « 2026-11-23 ».");
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds) || formatInstant(milliseconds).slice(0, 10) !== text) {
    throw malformed("Cette date n'existe pas.");
  }
  return text;
}
