/**
 * age files with detached headers (DESIGN, section 4; crypto/age, crypto/edge/seal.py, unseal.py).
 *
 * npm `age-encryption` opens headers and makes whole files. It has no call to make a header for a given
 * file key, so that is done here: HPKE in base mode (RFC 9180) over noble's ML-KEM-768 × X25519.
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { MLKEM768X25519 } from "@noble/post-quantum/hybrid.js";
import { bech32 } from "@scure/base";
import { Decrypter, Encrypter } from "age-encryption";
import { type Bytes, type Entropy, bigEndian, concat, sameBytes, textOf, utf8 } from "./bytes.ts";
import { hkdfSha256, hmacSha256 } from "./digests.ts";
import { decodeBase64, decodeRawBase64, encodeBase64, encodeRawBase64 } from "./encoding.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { RECIPIENT_BYTES } from "./keys.ts";
import { FILE_KEY_COMMITMENT } from "./labels.ts";
import { NONCE_BYTES, payloadLength } from "./payload.ts";

export const FILE_KEY_BYTES = 16;
/** A header with one `mlkem768x25519` stanza has exactly one possible length. */
export const HEADER_BYTES = 1_627;
/** An age file of one chunk that holds a header. */
export const ENVELOPE_BYTES = HEADER_BYTES + payloadLength(HEADER_BYTES);

const KIND = "mlkem768x25519";
const HPKE_INFO = utf8("age-encryption.org/mlkem768x25519");
/** HPKE suite: KEM 0x647a (MLKEM768-X25519), KDF 0x0001 (HKDF-SHA256), AEAD 0x0003. */
const SUITE = concat(utf8("HPKE"), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x03));
const SHARE_BYTES = 1_120;
const HEADER =
  /^age-encryption\.org\/v1\n-> mlkem768x25519 ([A-Za-z0-9+/]{1494})\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n$/;
const NOTHING = new Uint8Array(0);

/** Throws kind "malformed" unless this is exactly one strict header with one hybrid stanza. */
export function checkHeader(header: Uint8Array): void {
  if (header.length !== HEADER_BYTES) {
    throw malformed("Un en-tête compte exactement {due} octets.", { due: HEADER_BYTES });
  }
  checkStart(header);
}

/** Throws kind "malformed" unless this has the exact form of an envelope. */
export function checkEnvelope(envelope: Uint8Array): void {
  if (envelope.length !== ENVELOPE_BYTES) {
    throw malformed("Une enveloppe compte exactement {due} octets.", { due: ENVELOPE_BYTES });
  }
  checkStart(envelope.subarray(0, HEADER_BYTES));
}

function checkStart(header: Uint8Array): void {
  let match: RegExpExecArray | null = null;
  try {
    match = HEADER.exec(textOf(header));
  } catch {
    // not text: refused below
  }
  if (match === null) {
    throw malformed("Un en-tête s'adresse à une clé post-quantique (mlkem768x25519).");
  }
  for (const text of match.slice(1)) decodeRawBase64(text);
  const share = decodeRawBase64(match[1] ?? "");
  if (isLowOrder(share.subarray(-32))) {
    throw malformed("Une clé éphémère de l'en-tête est d'ordre petit.");
  }
}

/** Whether an X25519 point gives the all-zero secret with every key. */
function isLowOrder(point: Uint8Array): boolean {
  try {
    x25519.getSharedSecret(new Uint8Array(32).fill(1), point);
    return false;
  } catch {
    return true;
  }
}

/** A complete age header for one recipient: before the payload it makes a standard age file. */
export function headerFor(fileKey: Uint8Array, recipient: string): Bytes {
  const { share, body } = wrapFileKey(fileKey, decodeBase64(recipient));
  const lines = [
    "age-encryption.org/v1",
    `-> ${KIND} ${encodeRawBase64(share)}`,
    encodeRawBase64(body),
    "---",
  ];
  const covered = utf8(lines.join("\n"));
  const mac = hmacSha256(hkdfSha256(fileKey, NOTHING, utf8("header")), covered);
  const header = concat(covered, utf8(` ${encodeRawBase64(mac)}\n`));
  checkHeader(header);
  return header;
}

function wrapFileKey(fileKey: Uint8Array, recipient: Bytes): { share: Bytes; body: Bytes } {
  if (recipient.length !== RECIPIENT_BYTES) {
    throw malformed("Cette clé de destinataire n'a pas 1 216 octets.");
  }
  let sealed: { cipherText: Uint8Array; sharedSecret: Uint8Array };
  try {
    sealed = MLKEM768X25519.encapsulate(recipient);
  } catch {
    throw malformed("Cette clé de destinataire ne peut rien recevoir.");
  }
  const { key, nonce } = hpkeKeys(sealed.sharedSecret);
  const body = chacha20poly1305(key, nonce).encrypt(fileKey) as Bytes;
  const share = sealed.cipherText as Bytes;
  if (share.length !== SHARE_BYTES) throw new Error("unexpected encapsulation length");
  return { share, body };
}

/** RFC 9180 section 5.1, base mode. */
function hpkeKeys(sharedSecret: Uint8Array): { key: Bytes; nonce: Bytes } {
  const context = concat(
    Uint8Array.of(0),
    labeledExtract(undefined, "psk_id_hash", NOTHING),
    labeledExtract(undefined, "info_hash", HPKE_INFO),
  );
  const secret = labeledExtract(sharedSecret, "secret", NOTHING);
  return {
    key: labeledExpand(secret, "key", context, 32),
    nonce: labeledExpand(secret, "base_nonce", context, 12),
  };
}

const labeledExtract = (salt: Uint8Array | undefined, label: string, ikm: Uint8Array): Bytes =>
  extract(nobleSha256, concat(utf8("HPKE-v1"), SUITE, utf8(label), ikm), salt) as Bytes;

const labeledExpand = (prk: Uint8Array, label: string, info: Uint8Array, length: number): Bytes =>
  expand(
    nobleSha256,
    prk,
    concat(bigEndian(length, 2), utf8("HPKE-v1"), SUITE, utf8(label), info),
    length,
  ) as Bytes;

/** The age recipient string of 1,216 raw octets. */
export const recipientText = (recipient: string): string =>
  bech32.encode("age1pq", bech32.toWords(decodeBase64(recipient)), false);

/** The recipient (base64 of 1,216 octets) of a 32-octet hybrid identity. */
export const recipientOf = (identity: Uint8Array): string =>
  encodeBase64(MLKEM768X25519.getPublicKey(identity));

/** `AGE-SECRET-KEY-PQ-1…`, for age tools. */
export const identityText = (identity: Uint8Array): string =>
  bech32.encodeFromBytes("AGE-SECRET-KEY-PQ-", identity).toUpperCase();

const notForThisKey = () =>
  new ExplainedError(
    "not-for-this-key",
    "Ce fichier n'est pas chiffré pour cette clé : vérifiez que vous employez la bonne clé.",
  );
const altered = () =>
  new ExplainedError(
    "broken-ciphertext",
    "L'en-tête de ce fichier a été modifié : demandez-en un autre.",
  );

/** The file key of a detached header with exactly one hybrid stanza. Check the commitment next. */
export async function unwrapHeader(header: Uint8Array, identity: Uint8Array): Promise<Bytes> {
  checkHeader(header);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identityText(identity));
  try {
    const fileKey = await decrypter.decryptHeader(header);
    if (fileKey.length !== FILE_KEY_BYTES) throw altered();
    return fileKey as Bytes;
  } catch (error) {
    throw explained(error);
  }
}

/** The library says by text alone which of the two it was. */
function explained(error: unknown): ExplainedError {
  if (error instanceof ExplainedError) return error;
  const text = error instanceof Error ? error.message : "";
  return text.includes("no identity matched") ? notForThisKey() : altered();
}

/** A whole small age file to one hybrid recipient. */
export async function encryptTo(data: Uint8Array, recipient: string): Promise<Bytes> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipientText(recipient));
  try {
    return (await encrypter.encrypt(data)) as Bytes;
  } catch {
    throw malformed("Cette clé de destinataire ne peut rien recevoir.");
  }
}

/** Opens a whole small age file with a hybrid identity. */
export async function decryptWith(data: Uint8Array, identity: Uint8Array): Promise<Bytes> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identityText(identity));
  try {
    return (await decrypter.decrypt(data)) as Bytes;
  } catch (error) {
    throw explained(error);
  }
}

/** `header` sealed to the deposit's release key. */
export async function envelopeFor(header: Bytes, releaseRecipient: string): Promise<Bytes> {
  checkHeader(header);
  const envelope = await encryptTo(header, releaseRecipient);
  checkEnvelope(envelope);
  return envelope;
}

/** 32 octets that fix the file key of a payload, for the manifest: separate headers do not. */
export function commitmentOf(fileKey: Uint8Array, nonce: Uint8Array): Bytes {
  if (nonce.length !== NONCE_BYTES) throw malformed("Le nonce d'un contenu compte 16 octets.");
  return hkdfSha256(fileKey, nonce, FILE_KEY_COMMITMENT);
}

/** Throws kind "broken-ciphertext" unless this is the file key that the manifest commits to. */
export function checkCommitment(fileKey: Uint8Array, nonce: Uint8Array, expected: Uint8Array): void {
  if (!sameBytes(commitmentOf(fileKey, nonce), expected)) {
    throw new ExplainedError(
      "broken-ciphertext",
      "La clé reçue n'est pas celle que le déposant a signée : ce dossier pourrait se lire " +
        "autrement chez un autre membre. Ne l'utilisez pas et prévenez le secrétariat.",
    );
  }
}

export const newHybridIdentity = (entropy: Entropy): Bytes => entropy(32);
