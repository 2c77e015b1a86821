/**
 * Events, their commitments, and receipts (C2SP tlog-proof; audit/events.py, entries.py, receipts.py).
 *
 * The `extra` line of a receipt holds details and opening. The format does not authenticate that line,
 * and need not: the leaf is computed from it, and the path binds the leaf to the signed root.
 */
import { type Bytes, bigEndian, sameBytes, utf8 } from "./bytes.ts";
import { hmacSha256 } from "./digests.ts";
import { decodeBase64, encodeBase64, parseInstant } from "./encoding.ts";
import { ExplainedError, hostile, malformed } from "./errors.ts";
import { FieldError, type Of, dictionary, digest, fieldsOf, instant, matching, oneOf, sized } from "./fields.ts"; // prettier-ignore
import { EVENT_COMMITMENT } from "./labels.ts";
import type { LogPolicy, VerifiedCheckpoint } from "./log_policy.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { parseDecimal } from "./note.ts";
import { parseStrictJson } from "./strict_json.ts";

export const OPENING_BYTES = 32;
const MAX_DETAILS_BYTES = 16_384;
const MAX_EXTRA_BYTES = 32_768;
const MAX_PROOF_BYTES = 262_144 + 2 * MAX_EXTRA_BYTES;
const MAX_PATH = 64;
const HEADER = "c2sp.org/tlog-proof@v1";

export const EVENT_TYPES = [
  "statement.accepted", "login.accepted", "login.refused", "deposit.begun", "deposit.committed",
  "deposit.rekeyed", "grant.added", "release.authorised", "release.refused", "release.failed", "payload.read",
  "roster.read", "disclosure.read", "key.destroyed", "purge.done", "retention.applied",
] as const; // prettier-ignore
export type EventType = (typeof EVENT_TYPES)[number];

const key = matching(/^[a-z][a-z0-9_]{0,39}$/);
const DETAILS = {
  v: (value: unknown, where: string): 1 => {
    if (value !== 1) throw new FieldError(where, "expected 1");
    return 1;
  },
  type: oneOf(...EVENT_TYPES),
  at: instant,
  cites: dictionary(key, digest),
  facts: dictionary(key, sized(0, 2_000)),
};

/** The disclosed side of one entry: which statements it concerns (`cites`), what none says (`facts`). */
export type EventDetails = Of<typeof DETAILS>;

export function parseDetails(data: Uint8Array): EventDetails {
  try {
    return fieldsOf(DETAILS, parseStrictJson(data, MAX_DETAILS_BYTES), "", { v: 1 });
  } catch (error) {
    if (error instanceof FieldError || error instanceof ExplainedError) {
      throw malformed("Le détail d'un événement n'est pas conforme.");
    }
    throw error;
  }
}

export interface Disclosure {
  readonly index: number;
  readonly details: Bytes;
  readonly opening: Bytes;
}

/** 32 octets that bind `details` (as stored) to this log without saying anything of them. */
export function commitment(opening: Uint8Array, origin: string, details: Uint8Array): Bytes {
  if (opening.length !== OPENING_BYTES) {
    throw malformed("L'ouverture d'un événement fait exactement 32 octets.");
  }
  const parts = [EVENT_COMMITMENT, utf8(origin), details];
  return hmacSha256(opening, ...parts.flatMap((part) => [bigEndian(part.length, 4), part]));
}

/** The one leaf that a disclosure can stand for, and what it says. */
export function leafOf(disclosure: Disclosure, origin: string): { leaf: Bytes; details: EventDetails } {
  const details = parseDetails(disclosure.details);
  const bound = commitment(disclosure.opening, origin, disclosure.details);
  const day = details.at.slice(0, 10);
  const leaf = utf8(`{"v":1,"day":"${day}","commitment":"${encodeBase64(bound)}"}`);
  return { leaf, details };
}

/** The details that `leaf` commits to; throws kind "hostile" when they are others. */
export function checkDisclosure(leaf: Uint8Array, origin: string, disclosure: Disclosure): EventDetails {
  const expected = leafOf(disclosure, origin);
  if (!sameBytes(leaf, expected.leaf)) {
    throw hostile(
      "Le détail présenté pour l'événement n° {index} n'est pas celui qui fut engagé dans " +
        "le journal : il a été modifié.",
      { index: disclosure.index },
    );
  }
  return expected.details;
}

const LEAF = /^\{"v":1,"day":"(\d{4}-\d{2}-\d{2})","commitment":"([A-Za-z0-9+/]{43}=)"\}$/;

/** Reads an entry in its one form, to the octet: its day and its commitment. */
export function parseLeaf(data: Uint8Array): { day: string; commitment: Bytes } {
  const match = LEAF.exec(data.length === 86 ? latin1(data) : "");
  if (match === null) throw malformed("Une entrée du journal n'est pas sous sa forme unique.");
  const [, day = "", text = ""] = match;
  try {
    parseInstant(`${day}T00:00:00Z`);
    return { day, commitment: decodeBase64(text) };
  } catch {
    throw malformed("Une entrée du journal n'est pas conforme.");
  }
}

const latin1 = (data: Uint8Array): string => String.fromCharCode(...data);

interface LogProof {
  readonly index: number;
  readonly path: readonly Bytes[];
  readonly note: string;
  readonly extra: Bytes | null;
}

function parseProof(receipt: string): LogProof {
  if (utf8(receipt).length > MAX_PROOF_BYTES) {
    throw malformed("Ce récépissé dépasse {limit} octets.", { limit: MAX_PROOF_BYTES });
  }
  const split = receipt.indexOf("\n\n");
  if (split < 0) throw malformed("Ce récépissé ne contient pas de point de contrôle.");
  const [first, ...lines] = receipt.slice(0, split).split("\n");
  if (first !== HEADER || lines.length === 0) {
    throw malformed("Ce fichier n'est pas un récépissé (tlog-proof).");
  }
  let extra: Bytes | null = null;
  if (lines[0]?.startsWith("extra ")) extra = proofBase64(lines.shift()?.slice(6) ?? "");
  if (extra !== null && extra.length > MAX_EXTRA_BYTES) {
    throw malformed("La partie jointe à ce récépissé est trop longue.");
  }
  const index = lines.shift();
  if (!index?.startsWith("index ")) throw malformed("Ce récépissé ne dit pas son indice.");
  const path = lines.map(proofBase64);
  if (path.length > MAX_PATH || path.some((each) => each.length !== 32)) {
    throw malformed("La preuve de ce récépissé n'est pas faite d'empreintes.");
  }
  return { index: parseDecimal(index.slice(6)), path, note: receipt.slice(split + 2), extra };
}

function proofBase64(text: string): Bytes {
  try {
    return decodeBase64(text);
  } catch {
    throw malformed("Une ligne de ce récépissé n'est pas du base64 canonique.");
  }
}

/** What a receipt says, unverified. */
function disclosedBy(proof: LogProof): Disclosure {
  if (proof.extra === null) {
    throw malformed("Ce récépissé ne contient pas le détail de l'événement.");
  }
  const { details, opening } = extraOf(proof.extra);
  if (opening.length !== OPENING_BYTES) {
    throw malformed("L'ouverture d'un événement fait exactement 32 octets.");
  }
  return { index: proof.index, details, opening };
}

function extraOf(extra: Bytes): { details: Bytes; opening: Bytes } {
  const text = (value: unknown, where: string): Bytes => {
    if (typeof value !== "string") throw new FieldError(where, "expected a string");
    return decodeBase64(value);
  };
  try {
    return fieldsOf({ details: text, opening: text }, parseStrictJson(extra, MAX_EXTRA_BYTES));
  } catch (error) {
    if (error instanceof FieldError || error instanceof ExplainedError) {
      throw malformed("Le détail joint à ce récépissé n'est pas lisible.");
    }
    throw error;
  }
}

declare const MADE_HERE: unique symbol;

/** An event that is in the log under a checkpoint that counts. Only this module makes one. */
export interface VerifiedReceipt {
  readonly index: number;
  readonly details: EventDetails;
  readonly at: number;
  readonly checkpoint: VerifiedCheckpoint;
  readonly [MADE_HERE]: true;
}

/**
 * Verifies checkpoint, quorum, inclusion and commitment. Whoever keeps earlier checkpoints also checks
 * consistency with the last of them: a receipt alone does not show that the log was not forked.
 */
export function verifyReceipt(receipt: string, policy: LogPolicy): VerifiedReceipt {
  const proof = parseProof(receipt);
  const disclosure = disclosedBy(proof);
  const checkpoint = policy.verifyCheckpoint(proof.note);
  const { leaf, details } = leafOf(disclosure, policy.origin);
  verifyInclusion(leafHash(leaf), proof.index, checkpoint.size, proof.path, checkpoint.root);
  const at = parseInstant(details.at);
  return { index: proof.index, details, at, checkpoint } as unknown as VerifiedReceipt;
}
