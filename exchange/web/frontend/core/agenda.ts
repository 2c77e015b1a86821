/**
 * What an agenda lists, shown dossier by dossier to whoever may know of it (crypto/statements/agenda.py).
 *
 * The signed agenda holds commitments alone, sorted and filled up with decoys. An opening shows one item;
 * it is worth nothing until the commitment computed from it is found in the agenda.
 */
import { type Bytes, type Entropy, bigEndian, hex, utf8 } from "./bytes.ts";
import { hmacSha256 } from "./digests.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { FieldError, type Of, code, count, digest, dossierReference, fieldsOf, many } from "./fields.ts"; // prettier-ignore
import { AGENDA_ITEM } from "./labels.ts";
import { DECOY_STEP, MAX_AGENDA_COMMITMENTS, type StatementOf } from "./statements.ts";
import { parseStrictJson } from "./strict_json.ts";

const OPENING_BYTES = 32;
const MAX_CONTENT_BYTES = 16_384;
const DECOY = "null";

const ITEM = { association: code, dossier: dossierReference, rank: count, manifests: many(digest, 1, 100) };

/** One dossier of one association. `rank` orders the items and is made of this dossier alone. */
export type AgendaItem = Of<typeof ITEM>;

/** What shows one item, as it travels: nothing verified yet. `item` is the content as committed to. */
export interface AgendaOpening {
  readonly opening: string;
  readonly item: string;
}

/** The openings of one version of an agenda: all of them, or those of one reader. */
export interface AgendaShown {
  readonly agenda: string;
  readonly openings: readonly AgendaOpening[];
}

/** Which agenda a commitment belongs to: it opens in no other sitting, version or log. */
export interface AgendaPlace {
  readonly origin: string;
  readonly sitting: string;
  readonly version: number;
}

/** An opening that an agenda committed to. `item` is null for a decoy. Made by `openItem` alone. */
export interface OpenedItem {
  readonly commitment: string;
  readonly shown: AgendaOpening;
  readonly item: AgendaItem | null;
}

/** 32 octets that bind the content to this agenda without saying anything of it. */
export function itemCommitment(place: AgendaPlace, shown: AgendaOpening): Bytes {
  const key = decodeBase64(shown.opening);
  if (key.length !== OPENING_BYTES) {
    throw malformed("L'ouverture d'un point de l'ordre du jour fait exactement 32 octets.");
  }
  const parts = [AGENDA_ITEM, ...[place.origin, place.sitting, String(place.version), shown.item].map(utf8)];
  return hmacSha256(key, ...parts.flatMap((part) => [bigEndian(part.length, 4), part]));
}

/** The item that a content says, null for a decoy. */
export function readItem(content: string): AgendaItem | null {
  if (content === DECOY) return null;
  try {
    return fieldsOf(ITEM, parseStrictJson(utf8(content), MAX_CONTENT_BYTES));
  } catch (error) {
    if (!(error instanceof FieldError) && !(error instanceof ExplainedError)) throw error;
    throw malformed("Un point de l'ordre du jour n'est pas conforme.");
  }
}

/** The item that this opening shows of this very agenda; throws kind "malformed". */
export function openItem(agenda: StatementOf<"agenda">, origin: string, shown: AgendaOpening): OpenedItem {
  const { sitting, version, items } = agenda;
  const commitment = encodeBase64(itemCommitment({ origin, sitting, version }, shown));
  if (!items.includes(commitment)) {
    throw malformed(
      "L'ouverture présentée n'est celle d'aucun point de cet ordre du jour : elle a été modifiée, ou " +
        "vient d'une autre version.",
    );
  }
  return { commitment, shown, item: readItem(shown.item) };
}

/** The sorted commitments to sign, and the openings, in the same order. */
export function commitItems(
  place: AgendaPlace,
  items: readonly AgendaItem[],
  entropy: Entropy,
): { commitments: readonly string[]; openings: readonly AgendaOpening[] } {
  const steps = Math.max(1, Math.ceil(items.length / DECOY_STEP));
  if (steps * DECOY_STEP > MAX_AGENDA_COMMITMENTS) {
    throw malformed("Cet ordre du jour compte trop de dossiers.");
  }
  const contents = items.map((item) => JSON.stringify(fieldsOf(ITEM, item as never)));
  while (contents.length < steps * DECOY_STEP) contents.push(DECOY);
  const committed = contents
    .map((item) => ({ opening: encodeBase64(entropy(OPENING_BYTES)), item }))
    .map((shown) => ({ shown, bytes: itemCommitment(place, shown) }))
    .sort((one, other) => (hex(one.bytes) < hex(other.bytes) ? -1 : 1));
  return {
    commitments: committed.map(({ bytes }) => encodeBase64(bytes)),
    openings: committed.map(({ shown }) => shown),
  };
}
