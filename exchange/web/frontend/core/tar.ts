/** The one form of POSIX pax tar that a container uses, to the bit (crypto/edge/tar.py). */
import { type Bytes, concat, sameBytes, textOf, utf8 } from "./bytes.ts";
import { malformed } from "./errors.ts";
import { unsafe } from "./paths.ts";
import type { Pieces } from "./payload.ts";

export const BLOCK = 512;
export const END_BLOCKS = 2 * BLOCK; // two zero blocks end an archive

const NAME_BYTES = 100;
const MAX_PAX_BYTES = 1_024;
const PAX_NAME = "././@PaxHeader";
const REGULAR = "0";
const PAX = "x";
const KINDS: Readonly<Record<string, string>> = {
  "1": "un lien",
  "2": "un lien",
  "3": "un périphérique",
  "4": "un périphérique",
  "5": "un répertoire",
  "6": "un tube nommé",
};
const ASCII = /^[\u0000-\u007f]*$/;

/** All header blocks of one file. */
export function entryHeader(path: string, size: number, mode = 0o644, mtime = 0): Bytes {
  if (ASCII.test(path) && path.length <= NAME_BYTES) return headerBlock(path, size, REGULAR, mode, mtime);
  const record = paxRecord(path);
  // By code points, as Python: a letter outside of the basic plane becomes one underscore.
  const plain = Array.from(path, (letter) => (ASCII.test(letter) ? letter : "_"));
  return concat(
    headerBlock(PAX_NAME, record.length, PAX, 0o644, 0),
    record,
    new Uint8Array((BLOCK - (record.length % BLOCK)) % BLOCK),
    headerBlock(plain.slice(0, NAME_BYTES).join(""), size, REGULAR, mode, mtime),
  );
}

/** The length of a file's headers and content, padded to blocks. */
export const entryLength = (path: string, size: number): number =>
  entryHeader(path, size).length + Math.ceil(size / BLOCK) * BLOCK;

/** `<length> path=<path>` and a line feed, the length counting its own digits. */
function paxRecord(path: string): Bytes {
  const rest = utf8(` path=${path}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return concat(utf8(String(length)), rest);
}

function headerBlock(name: string, size: number, kind: string, mode: number, mtime: number): Bytes {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(utf8(text), at);
  put(0, name);
  put(100, `${mode.toString(8).padStart(7, "0")}\0`);
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, `${mtime.toString(8).padStart(11, "0")}\0`);
  put(148, "        "); // the checksum is counted as spaces
  put(156, kind);
  put(257, "ustar\0");
  put(263, "00");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/**
 * The length of a container of `length` octets after padding: Padmé (Nikitin et al., PETS 2019), then
 * whole blocks. An observer of sizes learns little and at most 12 % is added.
 */
export function paddedLength(length: number): number {
  if (length < 2) return BLOCK;
  const exponent = Math.floor(Math.log2(length));
  const lowBits = Math.max(0, exponent - (Math.floor(Math.log2(exponent)) + 1));
  const step = 2 ** lowBits;
  const padded = Math.ceil(length / step) * step;
  return Math.ceil(padded / BLOCK) * BLOCK;
}

/** Reads a stream by exact lengths, holding one piece of it at a time. */
export class PieceReader {
  private readonly iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  private held: Uint8Array = new Uint8Array(0);

  constructor(source: Pieces) {
    this.iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** The next piece of any length, or null at the end. */
  async next(): Promise<Uint8Array | null> {
    while (this.held.length === 0) {
      const next = await this.iterator.next();
      if (next.done === true) return null;
      this.held = next.value;
    }
    const piece = this.held;
    this.held = new Uint8Array(0);
    return piece;
  }

  /** Between 1 and `most` octets; throws at the end. */
  async some(most: number): Promise<Uint8Array> {
    const piece = await this.next();
    if (piece === null) throw malformed("Le dossier est coupé avant sa fin.");
    this.held = piece.subarray(most);
    return piece.subarray(0, most);
  }

  /** Exactly `length` octets. */
  async exactly(length: number): Promise<Bytes> {
    const whole = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const piece = await this.some(length - at);
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  block(): Promise<Bytes> {
    return this.exactly(BLOCK);
  }
}

/** The path and size of the entry that starts with the block `first`. */
export async function readEntry(
  reader: PieceReader,
  first: Bytes,
): Promise<{ path: string; size: number }> {
  let read = first;
  let path: string | null = null;
  if (kindOf(first) === PAX) {
    const pax = await readPax(reader, first);
    path = pax.path;
    read = concat(first, pax.blocks);
  }
  const block = read.subarray(-BLOCK);
  const kind = kindOf(block);
  if (kind !== REGULAR) {
    throw unsafe("Le dossier contient {kind} : seuls des fichiers ordinaires sont admis.", {
      kind: KINDS[kind] ?? "une entrée d'un genre inconnu",
    });
  }
  const name = path ?? textField(block.subarray(0, NAME_BYTES));
  const size = numberField(block.subarray(124, 136));
  if (!sameBytes(entryHeader(name, size), read)) throw notExact();
  return { path: name, size };
}

const kindOf = (block: Uint8Array): string => String.fromCharCode(block[156] ?? 0);
const notExact = () => malformed("Une entrée du dossier n'est pas écrite sous sa forme exacte.");

async function readPax(reader: PieceReader, first: Bytes): Promise<{ path: string; blocks: Bytes }> {
  const size = numberField(first.subarray(124, 136));
  if (!(size > 0 && size <= MAX_PAX_BYTES)) throw notExact();
  const blocks = await reader.exactly((Math.ceil(size / BLOCK) + 1) * BLOCK);
  const record = textField(blocks.subarray(0, size));
  const at = record.indexOf(" path=");
  if (at < 0 || !record.endsWith("\n")) {
    throw malformed("Une entrée du dossier porte une extension inconnue.");
  }
  return { path: record.slice(at + 6, -1), blocks };
}

function textField(data: Uint8Array): string {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end -= 1;
  try {
    return textOf(data.subarray(0, end));
  } catch {
    throw malformed("Un nom de fichier du dossier n'est pas en UTF-8.");
  }
}

function numberField(data: Uint8Array): number {
  const digits = String.fromCharCode(...data.subarray(0, -1));
  if (!/^[0-7]+$/.test(digits)) throw notExact();
  return Number.parseInt(digits, 8);
}
