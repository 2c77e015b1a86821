/**
 * DSSE envelopes (secure-systems-lab/dsse v1.0): parse, identify, verify, seal (crypto/statements/dsse.py).
 *
 * The bytes signed are the bytes stored. A statement's identity is the SHA-256 of its pre-authentication
 * encoding. `keyid` is ignored: who signed is a field inside the signed body.
 */
import { type Bytes, concat, utf8 } from "./bytes.ts";
import { sha256 } from "./digests.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { FieldError, fieldsOf } from "./fields.ts";
import { SIGNATURE_BYTES, checkSignature, keyBytes } from "./keys.ts";
import { STATEMENT_TYPE_PREFIX, STATEMENT_TYPE_SUFFIX } from "./labels.ts";
import { type AnyStatement, MAX_STATEMENT_BYTES, SHAPES, type StatementOf, type StatementType, contradictionIn, maxBytes, shapeOf } from "./statements.ts"; // prettier-ignore
import { type Json, parseStrictJson } from "./strict_json.ts";

export const MAX_ENVELOPE_BYTES = 2 * MAX_STATEMENT_BYTES;
const MAX_SIGNATURES = 16; // as many as a trust policy has roots

export const payloadType = (type: StatementType): string =>
  `${STATEMENT_TYPE_PREFIX}${type}${STATEMENT_TYPE_SUFFIX}`;

/** PAE: what is signed, and what a statement's identity hashes. */
export function preAuthenticationEncoding(kind: string, body: Uint8Array): Bytes {
  const name = utf8(kind);
  return concat(utf8(`DSSEv1 ${name.length} `), name, utf8(` ${body.length} `), body);
}

/** A well-formed statement of a known type. Nothing is known of who signed it. */
export interface Unverified<K extends StatementType = StatementType> {
  readonly type: K;
  readonly statement: StatementOf<K>;
  readonly envelope: string;
  readonly digest: string;
  readonly encoding: Bytes;
  readonly signatures: readonly Bytes[];
}

declare const MADE_BY_VERIFIER: unique symbol;

/** A statement whose signature was checked. Only this module makes it. */
export interface Verified<K extends StatementType = StatementType> {
  readonly type: K;
  readonly statement: StatementOf<K>;
  readonly envelope: string;
  readonly digest: string;
  readonly [MADE_BY_VERIFIER]: true;
}

/** Parses an envelope that must hold a statement of `type`; throws kind "malformed". */
export function parse<K extends StatementType>(type: K, envelope: string): Unverified<K> {
  const outer = outerFields(parseStrictJson(utf8(envelope), 2 * maxBytes(type)));
  if (outer.kind !== payloadType(type)) {
    throw malformed("Une déclaration « {due} » était attendue, pas « {got} ».", {
      due: type,
      got: outer.kind,
    });
  }
  const encoding = preAuthenticationEncoding(outer.kind, outer.body);
  const statement = statementFrom(type, outer.body);
  const digest = sha256(encoding);
  return { type, statement, envelope, digest, encoding, signatures: outer.signatures };
}

/** Parses an envelope of whichever known type it declares. */
export function parseAny(envelope: string): Unverified {
  return parse(typeOf(envelope), envelope);
}

/** The declared type of an envelope; throws kind "malformed" for an unknown one. */
export function typeOf(envelope: string): StatementType {
  const { kind } = outerFields(parseStrictJson(utf8(envelope), MAX_ENVELOPE_BYTES));
  const name = kind.slice(STATEMENT_TYPE_PREFIX.length, -STATEMENT_TYPE_SUFFIX.length);
  if (!Object.hasOwn(SHAPES, name) || kind !== payloadType(name as StatementType)) {
    throw malformed("Ce type de déclaration est inconnu de cette version.");
  }
  return name as StatementType;
}

function statementFrom<K extends StatementType>(type: K, body: Uint8Array): StatementOf<K> {
  try {
    const read = fieldsOf(shapeOf(type), parseStrictJson(body, maxBytes(type))) as StatementOf<K>;
    const contradiction = contradictionIn(type, read as AnyStatement);
    if (contradiction !== null) throw new FieldError("?", contradiction);
    return read;
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw malformed(
      "La déclaration « {type} » n'est pas conforme, au champ « {field} » ({detail}).",
      { type, field: error.where, detail: error.message },
    );
  }
}

/** Checks the one signature against `key` (base64); throws kind "signature". */
export const verify = <K extends StatementType>(given: Unverified<K>, key: string): Verified<K> =>
  verifyThreshold(given, [key], 1, 1);

/** Checks that at least `threshold` different `keys` signed. */
export function verifyThreshold<K extends StatementType>(
  given: Unverified<K>,
  keys: readonly string[],
  threshold: number,
  atMost = MAX_SIGNATURES,
): Verified<K> {
  if (threshold < 1 || given.signatures.length > atMost) {
    throw new ExplainedError("signature", "Le nombre de signatures n'est pas celui attendu.");
  }
  const got = [...new Set(keys)].filter((key) => anyValid(given, key)).length;
  if (got < threshold) {
    throw new ExplainedError(
      "signature",
      "{got} signature(s) valable(s) sur {due} exigée(s) : cette déclaration est refusée.",
      { got, due: threshold },
    );
  }
  const { type, statement, envelope, digest } = given;
  return { type, statement, envelope, digest } as Verified<K>;
}

function anyValid(given: Unverified, key: string): boolean {
  const raw = keyBytes(key);
  return given.signatures.some((signature) => {
    try {
      checkSignature(raw, given.encoding, signature);
      return true;
    } catch (error) {
      if (error instanceof ExplainedError && error.kind === "signature") return false;
      throw error;
    }
  });
}

export type Signer = (message: Uint8Array) => Bytes;

/** Signs a statement into an envelope; the result was parsed again, so it is well-formed. */
export function seal<K extends StatementType>(
  type: K,
  statement: StatementOf<K>,
  signers: readonly Signer[],
): Unverified<K> {
  const ordered = Object.fromEntries(
    Object.keys(shapeOf(type)).map((name) => [name, (statement as Record<string, unknown>)[name]]),
  );
  const body = utf8(JSON.stringify(ordered));
  const encoding = preAuthenticationEncoding(payloadType(type), body);
  const envelope = JSON.stringify({
    payloadType: payloadType(type),
    payload: encodeBase64(body),
    signatures: signers.map((sign) => ({ keyid: "", sig: encodeBase64(sign(encoding)) })),
  });
  return parse(type, envelope);
}

const notDsse = () => malformed("Ce document n'est pas une enveloppe DSSE.");

function outerFields(outer: Json): { kind: string; body: Bytes; signatures: readonly Bytes[] } {
  if (outer === null || typeof outer !== "object" || Array.isArray(outer)) throw notDsse();
  const fields = outer as Readonly<Record<string, Json>>;
  if (Object.keys(fields).sort().join() !== "payload,payloadType,signatures") throw notDsse();
  const { payloadType: kind, payload, signatures } = fields;
  if (typeof kind !== "string" || typeof payload !== "string") throw notDsse();
  if (!Array.isArray(signatures)) throw notDsse();
  if (signatures.length < 1 || signatures.length > MAX_SIGNATURES) throw notDsse();
  return { kind, body: decodeBase64(payload), signatures: signatures.map(signatureOf) };
}

function signatureOf(entry: Json): Bytes {
  if (entry === null || typeof entry !== "object" || Array.isArray(entry)) throw notDsse();
  const { sig, keyid, ...rest } = entry as Readonly<Record<string, Json>>;
  if (typeof sig !== "string" || Object.keys(rest).length > 0) throw notDsse();
  if (keyid !== undefined && typeof keyid !== "string") throw notDsse();
  const signature = decodeBase64(sig);
  if (signature.length !== SIGNATURE_BYTES) throw malformed("Une signature Ed25519 compte 64 octets.");
  return signature;
}
