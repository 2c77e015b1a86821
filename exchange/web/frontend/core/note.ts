/**
 * Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature; audit/note.py).
 *
 * Lines of unknown keys are ignored, as the specification demands; a line of a known key that does not
 * verify condemns the whole note, and so do two lines of one known key.
 */
import { type Bytes, concat, hex, sameBytes, utf8 } from "./bytes.ts";
import { sha256Bytes } from "./digests.ts";
import { decodeBase64 } from "./encoding.ts";
import { ExplainedError, hostile, malformed } from "./errors.ts";
import { checkSignature, checkVerifyKey } from "./keys.ts";

const MAX_NOTE_BYTES = 262_144;
const MAX_SIGNATURES = 64;
const SIGNATURE_PREFIX = "— ";
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const BAD_NAME = /[+\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

export const ED25519 = 0x01; // a log's plain signature
export const COSIGNATURE = 0x04; // a witness's, with its time

/** A verifier key: `name+hexid+base64(type ‖ key)`. */
export interface NoteVerifier {
  readonly name: string;
  readonly type: typeof ED25519 | typeof COSIGNATURE;
  readonly key: Bytes;
  readonly id: string;
}

export function checkKeyName(name: string): void {
  if (name === "" || BAD_NAME.test(name)) {
    throw malformed("Un nom de clé n'est pas vide et n'a ni espace ni « + ».");
  }
}

export function parseVerifier(vkey: string): NoteVerifier {
  const first = vkey.indexOf("+");
  const second = vkey.indexOf("+", first + 1); // base64 may hold "+", a name and an id never do
  if (first < 0 || second < 0) throw malformed("Une clé s'écrit « nom+identifiant+base64 ».");
  const name = vkey.slice(0, first);
  const material = lineBase64(vkey.slice(second + 1));
  const type = material[0];
  if (material.length !== 33 || (type !== ED25519 && type !== COSIGNATURE)) {
    throw malformed("Cette clé n'est pas d'un type que cette version connaît.");
  }
  checkKeyName(name);
  const key = material.slice(1);
  try {
    checkVerifyKey(key);
  } catch {
    throw malformed("Cette clé de vérification n'est pas conforme.");
  }
  const id = hex(sha256Bytes(concat(utf8(`${name}\n`), material)).subarray(0, KEY_ID_BYTES));
  if (id !== vkey.slice(first + 1, second)) {
    throw malformed(
      "L'identifiant de la clé « {name} » ne correspond pas à la clé : elle a été mal recopiée.",
      { name },
    );
  }
  return { name, type, key, id };
}

export const sameVerifier = (one: NoteVerifier, other: NoteVerifier): boolean =>
  one.name === other.name && one.type === other.type && sameBytes(one.key, other.key);

interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly payload: Bytes;
}

/** A text (ending in a newline) and its signatures, none of them verified yet. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** The text ends at the last empty line. */
export function parseNote(note: string): Note {
  if (utf8(note).length > MAX_NOTE_BYTES) {
    throw malformed("Cette note dépasse {limit} octets.", { limit: MAX_NOTE_BYTES });
  }
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) {
    throw malformed("Cette note contient un caractère de commande.");
  }
  const split = note.lastIndexOf("\n\n");
  if (split <= 0 || !note.endsWith("\n")) throw malformed("Cette note n'a pas de signatures.");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) {
    throw malformed("Cette note porte plus de {limit} signatures.", { limit: MAX_SIGNATURES });
  }
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_PREFIX)) {
    throw malformed("Une ligne de signature commence par un tiret cadratin.");
  }
  const [name = "", ...rest] = line.slice(SIGNATURE_PREFIX.length).split(" ");
  checkKeyName(name);
  const blob = lineBase64(rest.join(" "));
  if (rest.length === 0 || blob.length <= KEY_ID_BYTES) {
    throw malformed("Une ligne de signature est trop courte.");
  }
  return { name, id: hex(blob.subarray(0, KEY_ID_BYTES)), payload: blob.slice(KEY_ID_BYTES) };
}

/** Which of `verifiers` signed, and when (POSIX seconds; 0: untimed); throws kind "hostile". */
export function verifyNote(
  note: Note,
  verifiers: readonly NoteVerifier[],
): Map<NoteVerifier, number> {
  const times = new Map<NoteVerifier, number>();
  for (const signature of note.signatures) {
    const found = verifiers.find((key) => key.name === signature.name && key.id === signature.id);
    if (found === undefined) continue;
    if (times.has(found)) {
      throw hostile("La clé « {name} » a signé deux fois ce point de contrôle.", {
        name: found.name,
      });
    }
    times.set(found, checkLine(found, note.text, signature.payload));
  }
  if (times.size === 0) throw hostile("Aucune clé connue n'a signé ce point de contrôle.");
  return times;
}

function checkLine(verifier: NoteVerifier, text: string, payload: Bytes): number {
  const { name } = verifier;
  let message = utf8(text);
  let signature = payload;
  let time = 0;
  if (verifier.type === COSIGNATURE) {
    const raw = payload.subarray(0, TIME_BYTES).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    signature = payload.slice(TIME_BYTES);
    message = utf8(`cosignature/v1\ntime ${raw}\n${text}`);
    if (raw <= 0n || raw >= 1n << 63n) {
      throw hostile("La cosignature de « {name} » ne porte pas d'heure acceptable.", { name });
    }
    time = Number(raw);
  }
  try {
    checkSignature(verifier.key, message, signature);
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    throw hostile(
      "La signature de « {name} » ne correspond pas au texte : le point de contrôle a été altéré, " +
        "n'utilisez pas ce qu'il accompagne.",
      { name },
    );
  }
  return time;
}

/** A tree head: root of the first `size` entries of the log `origin`. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
}

/** Reads a note's text; extension lines are refused: our log has none. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin = "", size = "", root = "", end] = lines;
  if (lines.length !== 4 || end !== "") {
    throw malformed("Un point de contrôle a trois lignes : origine, taille, racine.");
  }
  const hash = decodedRoot(root);
  checkKeyName(origin);
  const parsed = { origin, size: parseDecimal(size), root: hash };
  if (hash.length !== 32) {
    throw malformed("Un point de contrôle porte une taille et une racine de 32 octets.");
  }
  if (parsed.size === 0 && !sameBytes(hash, sha256Bytes(new Uint8Array(0)))) {
    throw malformed("Un journal vide n'a qu'une racine possible.");
  }
  return parsed;
}

function decodedRoot(text: string): Bytes {
  try {
    return decodeBase64(text);
  } catch {
    throw malformed("La racine d'un point de contrôle n'est pas lisible.");
  }
}

/** A size or index. Python accepts up to 2⁶³; a log that passes 2⁵³ needs a thousand events a second for 285,000 years. */
export function parseDecimal(text: string): number {
  if (!DECIMAL.test(text) || !Number.isSafeInteger(Number(text))) {
    throw malformed("Une taille ou un indice s'écrit en chiffres, sans zéro initial.");
  }
  return Number(text);
}

function lineBase64(text: string): Bytes {
  try {
    return decodeBase64(text);
  } catch {
    throw malformed("Une ligne de cette note n'est pas du base64 canonique.");
  }
}
