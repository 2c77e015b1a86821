/** Every statement type, field by field (crypto/statements/registry.py, exchange.py, custody.py). */
import { hex } from "./bytes.ts";
import { decodeBase64 } from "./encoding.ts";
import {
  type Field, type Of, type Shape, bool, bytes16, bytes32, code, count, day, digest, dossierReference,
  instant, label, longText, many, nullable, oneOf, opaqueId, part, reason, recipient, rna, verifyKey, version,
} from "./fields.ts"; // prettier-ignore

const COMMON = { commission: opaqueId, id: opaqueId, issued_at: instant, signer: digest };

const roles = many(oneOf("depositor", "member", "auditor", "decider"), 1, 4);
const capacity = oneOf("titular", "alternate");
const kind = oneOf("engagement", "renewal", "conflict-card");
const purpose = oneOf("read", "grant");

const ENVELOPE = { certificate: digest, purpose, header_sha256: digest, envelope_sha256: digest };
const envelopes = many(part(ENVELOPE), 1);
const dossiers = many(dossierReference, 1);
const visa = nullable(part({ reference: label, day }));
const ranges = many(part({ first: count, last: count }), 1);

const SEAT = {
  seat: code,
  kind: oneOf("ex-officio", "designated", "elected", "association", "guest"),
  label,
  voting: bool,
  alternates: bool,
  organisation: nullable(code),
  basis: nullable(label),
};
const MANDATE = {
  mandate: opaqueId,
  seat: code,
  person: opaqueId,
  capacity,
  from_day: day,
  to_day: day,
  decree: nullable(label),
};
const APPROVAL = { organisation: code, label, rna, from_day: day, to_day: day, decree: nullable(label) };
const SITTING_SEAT = {
  seat: code,
  label,
  name: nullable(label),
  person: opaqueId,
  capacity,
  certificates: many(digest, 0, 16),
};

/** An agenda holds a multiple of this many commitments: their number says nothing. */
export const DECOY_STEP = 64;
export const MAX_AGENDA_COMMITMENTS = 16 * DECOY_STEP;

export const SHAPES = {
  "trust-policy": {
    ...COMMON,
    version,
    expires_at: instant,
    origin: label,
    log_keys: many(label, 1, 16),
    broker_keys: many(verifyKey, 1, 16),
    registrar_keys: many(part({ key: verifyKey, not_after: instant }), 0, 64),
    witness_policy: longText,
    roots: many(verifyKey, 1, 16),
    threshold: version,
  },
  invitation: {
    ...COMMON,
    person: opaqueId,
    name: label,
    organisation: code,
    roles,
    expires_at: instant,
    trust_sha256: digest,
    checkpoint: nullable(longText),
  },
  enrolment: { ...COMMON, invitation: digest, device: label, recipient, signing_key: verifyKey },
  certificate: {
    ...COMMON,
    enrolment: digest,
    person: opaqueId,
    name: label,
    organisation: code,
    roles,
    recipient,
    signing_key: verifyKey,
    not_before: instant,
    not_after: instant,
  },
  revocation: { ...COMMON, certificate: digest, reason },
  roster: {
    ...COMMON,
    version,
    previous: nullable(digest),
    seats: many(part(SEAT)),
    mandates: many(part(MANDATE)),
    approvals: many(part(APPROVAL)),
  },
  sitting: {
    ...COMMON,
    sitting: opaqueId,
    version,
    previous: nullable(digest),
    roster: digest,
    stage: oneOf("planned", "convoked"),
    zone: label,
    deposit_by: instant,
    opens_at: instant,
    closes_at: instant,
    urgency: nullable(reason),
    second_convocation: bool,
    seats: many(part(SITTING_SEAT)),
  },
  agenda: {
    ...COMMON,
    sitting: opaqueId,
    version,
    previous: nullable(digest),
    items: many(bytes32, DECOY_STEP, MAX_AGENDA_COMMITMENTS),
  },
  closing: { ...COMMON, sitting: opaqueId, sitting_sha256: digest },
  manifest: {
    ...COMMON,
    origin: label,
    sitting: opaqueId,
    sitting_sha256: digest,
    release_key_sha256: digest,
    dossier: dossierReference,
    pathway: opaqueId,
    deposit: opaqueId,
    complement_of: nullable(digest),
    urgent: bool,
    kind,
    audience: nullable(many(code, 1)),
    length: count,
    sha256: digest,
    nonce: bytes16,
    commitment: bytes32,
    envelopes,
  },
  grant: { ...COMMON, manifest: digest, release_key_sha256: digest, envelopes, reason },
  undertaking: { ...COMMON, mandate: opaqueId, text_sha256: digest },
  declaration: { ...COMMON, sitting: opaqueId, dossiers },
  recusal: { ...COMMON, sitting: opaqueId, dossiers },
  "access-request": {
    ...COMMON,
    sitting: opaqueId,
    sitting_sha256: digest,
    deposits: many(opaqueId, 1),
    purpose,
    nonce: bytes32,
    reply_key: recipient,
    checkpoint: longText,
  },
  proxy: { ...COMMON, sitting: opaqueId, holder: nullable(code) },
  attendance: {
    ...COMMON,
    sitting: opaqueId,
    seats: many(part({ seat: code, presence: oneOf("room", "remote") })),
  },
  "complement-request": {
    ...COMMON,
    sitting: opaqueId,
    dossier: dossierReference,
    pieces: many(code, 1),
    answer_by: instant,
  },
  withdrawal: { ...COMMON, dossier: dossierReference, reason },
  complaint: {
    ...COMMON,
    manifest: digest,
    header_sha256: digest,
    fault: oneOf("not-for-this-key", "altered", "other-file-key", "other-content"),
    found: nullable(bytes32),
  },
  opinion: { ...COMMON, dossier: dossierReference, payload_sha256: digest },
  decision: { ...COMMON, dossier: dossierReference, payload_sha256: digest },
  login: { ...COMMON, origin: label, nonce: bytes32, expires_at: instant },
  "release-key": {
    ...COMMON,
    deposit: opaqueId,
    sitting: opaqueId,
    sitting_sha256: digest,
    recipient,
    opens_at: instant,
    closes_at: instant,
  },
  status: {
    ...COMMON,
    nonce: bytes32,
    number: version,
    trust_version: version,
    sitting: nullable(digest),
    agenda: nullable(digest),
    revoked: digest,
    includes: many(digest),
  },
  destruction: {
    ...COMMON,
    release_keys: many(digest),
    cause: oneOf("withdrawal", "closing", "expiry"),
    because: nullable(digest),
  },
  hold: { ...COMMON, dossiers, until: nullable(instant), reason },
  purge: { ...COMMON, sitting: opaqueId, deposits: many(opaqueId, 1), visa, reason },
  retention: { ...COMMON, ranges, rule: reason },
  attestation: { ...COMMON, ranges, checkpoint: longText, verdict: reason },
  emergency: { ...COMMON, quorum: count, expires_at: instant, reason },
  recovery: { ...COMMON, checkpoint: longText, reason },
  "bundle-index": {
    ...COMMON,
    checkpoint: longText,
    files: many(part({ path: label, sha256: digest, length: count }), 0, 1_000_000),
  },
} as const satisfies Record<string, Shape>;

export type StatementType = keyof typeof SHAPES;
export type StatementOf<K extends StatementType> = Of<(typeof SHAPES)[K]>;
/** What must hold between fields; null when it does. */
export function contradictionIn(type: StatementType, statement: AnyStatement): string | null {
  if (type === "agenda") return saysSomething((statement as StatementOf<"agenda">).items);
  if (type !== "complaint") return null;
  const { found, fault } = statement as StatementOf<"complaint">;
  return (found !== null) === (fault === "other-file-key")
    ? null
    : "found goes with other-file-key alone";
}

/** An agenda's commitments are filled up, sorted by their octets and distinct. */
function saysSomething(items: readonly string[]): string | null {
  const octets = items.map((item) => hex(decodeBase64(item)));
  const sorted = octets.every((each, at) => at === 0 || (octets[at - 1] as string) < each);
  return sorted && items.length % DECOY_STEP === 0
    ? null
    : "commitments are filled up, sorted and distinct";
}

/** What all statements carry, and by which some are found. */
export type AnyStatement = StatementOf<StatementType>;

export type Fault = StatementOf<"complaint">["fault"];
export type Role = StatementOf<"certificate">["roles"][number];
export type Purpose = StatementOf<"access-request">["purpose"];
export type Kind = StatementOf<"manifest">["kind"];
export type Capacity = StatementOf<"sitting">["seats"][number]["capacity"];
export type EnvelopeEntry = StatementOf<"grant">["envelopes"][number];
export type RosterSeat = StatementOf<"roster">["seats"][number];
export type RosterMandate = StatementOf<"roster">["mandates"][number];
export type RosterApproval = StatementOf<"roster">["approvals"][number];
export type SittingSeat = StatementOf<"sitting">["seats"][number];

export const MAX_STATEMENT_BYTES = 1_048_576;
const MAX_INDEX_BYTES = 268_435_456;

export const maxBytes = (type: StatementType): number =>
  type === "bundle-index" ? MAX_INDEX_BYTES : MAX_STATEMENT_BYTES;

export const shapeOf = (type: StatementType): Readonly<Record<string, Field<unknown>>> => SHAPES[type];
