/**
 * The container: `dossier.json`, then the files, in one padded pax tar; written and read as a stream
 * (crypto/edge/card.py, tar.py, container.py). A reader builds the header that an entry's name and size
 * call for and compares: links, devices and every second spelling are refused without a rule for each.
 */
import { type Bytes, sameBytes, utf8 } from "./bytes.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { FieldError, type Of, bool, code, count, digest, dossierReference, fieldsOf, many, matching, nullable, oneOf, opaqueId, part, sized } from "./fields.ts"; // prettier-ignore
import { checkDistinct, checkPath, unsafe } from "./paths.ts";
import type { Pieces } from "./payload.ts";
import { parseStrictJson } from "./strict_json.ts";
import { BLOCK, END_BLOCKS, PieceReader, entryHeader, entryLength, paddedLength, readEntry } from "./tar.ts"; // prettier-ignore

export const CARD_PATH = "dossier.json";
export const MAX_FILES = 200;
export const MAX_FILE_BYTES = 40 * 1024 * 1024;
export const MAX_DOSSIER_BYTES = 500 * 1024 * 1024;
const MAX_CARD_BYTES = 262_144;
const MAX_CHECKS = 100;
const MAX_NOTE_CHARS = 4_000;
const ZEROS = new Uint8Array(65_536);

const PIECE = {
  path: sized(1, 400),
  type: matching(/^[a-z0-9][a-z0-9.+-]{0,63}\/[a-z0-9][a-z0-9.+-]{0,99}$/),
  size: (value: Parameters<typeof count>[0], where: string): number => {
    const size = count(value, where);
    if (size > MAX_FILE_BYTES) throw new FieldError(where, "too large");
    return size;
  },
};
const CARD = {
  version: (value: unknown, where: string): 1 => {
    if (value !== 1) throw new FieldError(where, "expected 1");
    return 1;
  },
  sitting: opaqueId,
  dossier: dossierReference,
  association: code,
  depositor: digest,
  kind: oneOf("engagement", "renewal", "conflict-card"),
  complement_of: nullable(digest),
  pieces: many(part(PIECE), 1, MAX_FILES),
  checklist: many(part({ piece: code, present: bool }), 0, MAX_CHECKS),
  note: sized(0, MAX_NOTE_CHARS),
};

/** The content of `dossier.json`; clients compare it with the signed manifest. */
export type DossierCard = Of<typeof CARD>;
export type CardPiece = DossierCard["pieces"][number];

/** One file to put into a container. */
export interface Piece {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  open(): Pieces;
}

/** The canonical octets of `dossier.json`: Python's `json.dumps(…, indent=1)`. */
export const cardJson = (card: DossierCard): Bytes =>
  utf8(`${JSON.stringify(fieldsInOrder(card), null, 1)}\n`);

const fieldsInOrder = (card: DossierCard): DossierCard => ({
  version: card.version,
  sitting: card.sitting,
  dossier: card.dossier,
  association: card.association,
  depositor: card.depositor,
  kind: card.kind,
  complement_of: card.complement_of,
  pieces: card.pieces.map(({ path, type, size }) => ({ path, type, size })),
  checklist: card.checklist.map(({ piece, present }) => ({ piece, present })),
  note: card.note,
});

export function parseCard(data: Uint8Array): DossierCard {
  try {
    const json = parseStrictJson(data, MAX_CARD_BYTES);
    return fieldsOf(CARD, json, "", { version: 1, complement_of: null, checklist: [], note: "" });
  } catch (error) {
    if (error instanceof FieldError) throw malformed("La fiche dossier.json n'est pas conforme.");
    throw error;
  }
}

const tooLarge = (message: string, most: number) => new ExplainedError("usage", message, { most });

/** Names and sizes, before anything is written or unpacked. */
export function checkCard(card: DossierCard): void {
  const total = card.pieces.reduce((sum, piece) => sum + piece.size, 0);
  if (card.pieces.length > MAX_FILES) {
    throw tooLarge("Un dossier compte au plus {most} fichiers.", MAX_FILES);
  }
  if (card.pieces.some((piece) => piece.size > MAX_FILE_BYTES)) {
    throw tooLarge("Un fichier fait au plus {most} Mio.", MAX_FILE_BYTES >> 20);
  }
  if (total > MAX_DOSSIER_BYTES) {
    throw tooLarge("Les fichiers d'un dossier font au plus {most} Mio ensemble.", MAX_DOSSIER_BYTES >> 20);
  }
  for (const piece of card.pieces) checkPath(piece.path);
  checkDistinct([CARD_PATH, ...card.pieces.map((piece) => piece.path)]);
}

function contentLength(card: DossierCard): number {
  const files = card.pieces.reduce((sum, piece) => sum + entryLength(piece.path, piece.size), 0);
  return entryLength(CARD_PATH, cardJson(card).length) + files + END_BLOCKS;
}

/** The exact length of the container of `card`, padding included. */
export const containerLength = (card: DossierCard): number => paddedLength(contentLength(card));

/** Writes a whole container; a file that changed its size meanwhile is refused. */
export async function* writeContainer(
  card: DossierCard,
  pieces: readonly Piece[],
): AsyncGenerator<Uint8Array> {
  const listed = JSON.stringify(card.pieces.map(({ path, type, size }) => [path, type, size]));
  if (JSON.stringify(pieces.map(({ path, type, size }) => [path, type, size])) !== listed) {
    throw malformed("La fiche du dossier et ses pièces ne concordent pas.");
  }
  checkCard(card);
  const body = cardJson(card);
  yield entryHeader(CARD_PATH, body.length);
  yield body;
  yield* zeros(gap(body.length));
  for (const piece of pieces) {
    yield entryHeader(piece.path, piece.size);
    yield* content(piece);
    yield* zeros(gap(piece.size));
  }
  const length = contentLength(card);
  yield* zeros(END_BLOCKS + paddedLength(length) - length);
}

async function* content(piece: Piece): AsyncGenerator<Uint8Array> {
  let left = piece.size;
  for await (const data of piece.open()) {
    left -= data.length;
    if (left < 0) break;
    yield data;
  }
  if (left !== 0) {
    throw new ExplainedError(
      "usage",
      "Une pièce du dossier a changé de taille : recommencez le dépôt.",
    );
  }
}

const gap = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

function* zeros(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= ZEROS.length) {
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

/** What a reader hands out of a container as it goes; nothing of it counts before the reading ended. */
export interface ContainerSink {
  /** The card was read and is well-formed; throw to refuse it. */
  card(card: DossierCard): void | Promise<void>;
  /** Octets of one piece, in order. */
  data(piece: CardPiece, data: Uint8Array): void | Promise<void>;
  /** A piece is complete. */
  end(piece: CardPiece): void | Promise<void>;
}

/** Reads a whole container with every check; returns its card once all of it is known to be sound. */
export async function readContainer(source: Pieces, sink: ContainerSink): Promise<DossierCard> {
  const reader = new PieceReader(source);
  const first = await readEntry(reader, await reader.block());
  if (first.path !== CARD_PATH) {
    throw malformed("Le dossier ne commence pas par sa fiche dossier.json.");
  }
  if (first.size > MAX_CARD_BYTES) throw malformed("La fiche dossier.json est trop longue.");
  const body = await reader.exactly(first.size);
  const card = parseCard(body);
  if (!sameBytes(cardJson(card), body)) {
    throw malformed("La fiche dossier.json n'est pas écrite sous sa forme exacte.");
  }
  checkCard(card);
  await skipPadding(reader, first.size);
  await sink.card(card);
  for (const piece of card.pieces) await readPiece(reader, piece, sink);
  await checkEnd(reader, card);
  return card;
}

async function readPiece(reader: PieceReader, piece: CardPiece, sink: ContainerSink): Promise<void> {
  const block = await reader.block();
  if (block.every((byte) => byte === 0)) {
    throw malformed("Le dossier contient moins de fichiers que sa fiche n'en annonce.");
  }
  const { path, size } = await readEntry(reader, block);
  checkPath(path);
  if (path !== piece.path || size !== piece.size) {
    throw malformed("Un fichier du dossier n'est pas celui que sa fiche annonce.");
  }
  for (let left = size; left > 0; ) {
    const data = await reader.some(left);
    left -= data.length;
    await sink.data(piece, data);
  }
  await skipPadding(reader, size);
  await sink.end(piece);
}

async function skipPadding(reader: PieceReader, size: number): Promise<void> {
  if ((await reader.exactly(gap(size))).some((byte) => byte !== 0)) {
    throw unsafe("Des octets se cachent entre deux fichiers du dossier.");
  }
}

/** Zeros to exactly the padded length: padding is no place for a message, nor may it be cut. */
async function checkEnd(reader: PieceReader, card: DossierCard): Promise<void> {
  const length = contentLength(card);
  let left = END_BLOCKS + paddedLength(length) - length;
  for (let data = await reader.next(); data !== null; data = await reader.next()) {
    if (data.some((byte) => byte !== 0)) {
      throw unsafe("Quelque chose suit le dernier fichier du dossier.");
    }
    left -= data.length;
  }
  if (left !== 0) throw malformed("Le remplissage du dossier n'a pas la longueur prévue.");
}
