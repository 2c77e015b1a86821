/**
 * The master seed at rest and on paper (crypto/edge/identity.py, keyfile.py). A file of its own: the
 * worker that seals and opens it needs nothing of what is signed.
 */
import { bech32 } from "@scure/base";
import { Decrypter, Encrypter } from "age-encryption";
import { type Bytes, textOf, utf8 } from "./bytes.ts";
import { ExplainedError, malformed } from "./errors.ts";

export const SEED_BYTES = 32;
/** scrypt's work factor: 256 MiB and a second or two, the default of age itself. */
export const DEFAULT_LOG_N = 18;
export const MIN_LOG_N = 10; // 1 MiB; tests use it
const MAX_KEYFILE_BYTES = 4_096;
const PREFIX = "dossier-seed-";

/** `DOSSIER-SEED-1…`: the seed itself, for the printed recovery kit and its QR code. */
export const encodeSeed = (seed: Uint8Array): string =>
  bech32.encodeFromBytes(PREFIX, seed).toUpperCase();

/** The inverse. Typed from paper: white space and a consistent lower case are forgiven; never quoted. */
export function decodeSeed(text: string): Bytes {
  const compact = text.replace(/\s+/g, "");
  let found: { prefix: string; bytes: Uint8Array } | null = null;
  try {
    found = bech32.decodeToBytes(compact);
  } catch {
    // explained below, without quoting it
  }
  if (found?.prefix.toLowerCase() !== PREFIX || found.bytes.length !== SEED_BYTES) {
    throw malformed("Ce texte n'est pas une clé de secours (DOSSIER-SEED-1…).");
  }
  return Uint8Array.from(found.bytes);
}

/** In Unicode form C: keyboards of different systems compose accents differently. */
const normal = (passphrase: string): string => passphrase.normalize("NFC");

/** The key file of `seed`: an age file under a passphrase, which any age tool opens. */
export async function sealSeed(seed: Bytes, passphrase: string, logN = DEFAULT_LOG_N): Promise<Bytes> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(normal(passphrase));
  encrypter.setScryptWorkFactor(logN);
  return (await encrypter.encrypt(utf8(`${encodeSeed(seed)}\n`))) as Bytes;
}

/** The seed of a key file; throws kind "not-for-this-key" for a wrong passphrase. */
export async function openSeed(keyFile: Uint8Array, passphrase: string): Promise<Bytes> {
  if (keyFile.length > MAX_KEYFILE_BYTES) {
    throw malformed("Ce fichier n'est pas un fichier de clé : il est trop long.");
  }
  const decrypter = new Decrypter();
  decrypter.addPassphrase(normal(passphrase));
  let opened: Uint8Array;
  try {
    opened = await decrypter.decrypt(keyFile);
  } catch (error) {
    const text = error instanceof Error ? error.message : "";
    if (text.includes("no identity matched")) {
      throw new ExplainedError(
        "not-for-this-key",
        "La phrase de passe n'ouvre pas ce fichier de clé.",
      );
    }
    throw malformed("Ce fichier ne contient pas de clé de ce logiciel.");
  }
  return decodeSeed(textOf(opened));
}
