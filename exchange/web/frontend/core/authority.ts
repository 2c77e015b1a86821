/**
 * Who may sign what, and the verification that follows from it (exchange/usecases/authority.py).
 *
 * One table says which kind of signer each statement type needs; every type has a row.
 */
import { parseInstant } from "./encoding.ts";
import { type Unverified, type Verified, verify, verifyThreshold } from "./dsse.ts";
import { ExplainedError, untrusted } from "./errors.ts";
import { keyFingerprint } from "./keys.ts";
import { type Accepted, type StatementIndex, ofType } from "./ledger.ts";
import type { Role, StatementOf, StatementType } from "./statements.ts";
import type { TrustedPolicy } from "./trust.ts";

type SignerKind = "root" | "registrar" | "broker" | "enrolled" | "certified";

interface Authority {
  readonly kinds: readonly SignerKind[];
  /** For certified keys; none means that none will do. */
  readonly roles: readonly Role[];
  /** A certified key acts on its own person's certificates alone. */
  readonly ownOnly: boolean;
}

const EVERY_ROLE: readonly Role[] = ["depositor", "member", "auditor", "decider"];
const by = (...kinds: SignerKind[]): Authority => ({ kinds, roles: [], ownOnly: false });
const certifiedAs = (...roles: Role[]): Authority => ({ kinds: ["certified"], roles, ownOnly: false });

const AUTHORITY: Readonly<Record<StatementType, Authority>> = {
  "trust-policy": by("root"),
  invitation: by("registrar"),
  enrolment: by("enrolled"),
  certificate: by("registrar"),
  revocation: { kinds: ["registrar", "certified"], roles: EVERY_ROLE, ownOnly: true },
  roster: by("registrar"),
  sitting: by("registrar"),
  agenda: by("registrar"),
  closing: by("registrar"),
  manifest: certifiedAs("depositor"),
  "complement-request": by("registrar"),
  proxy: certifiedAs("member"),
  attendance: by("registrar"),
  grant: certifiedAs("depositor"),
  withdrawal: certifiedAs("depositor"),
  undertaking: certifiedAs("member"),
  declaration: certifiedAs("member"),
  recusal: certifiedAs("member"),
  "access-request": certifiedAs("member", "depositor"),
  complaint: certifiedAs("member", "depositor"),
  opinion: certifiedAs("member"),
  decision: certifiedAs("decider"),
  login: { kinds: ["registrar", "certified"], roles: EVERY_ROLE, ownOnly: false },
  "release-key": by("broker"),
  status: by("broker"),
  destruction: by("broker"),
  hold: by("registrar"),
  purge: by("registrar"),
  retention: by("registrar"),
  attestation: certifiedAs("auditor"),
  emergency: by("registrar"),
  recovery: by("root"),
  "bundle-index": certifiedAs("auditor"),
};

/** What only takes access away, or is needed to publish the next policy. */
const GOOD_UNDER_EXPIRED_POLICY: ReadonlySet<StatementType> = new Set([
  "trust-policy", "revocation", "closing", "login", "recusal", "withdrawal", "destruction", "status",
  "recovery",
]); // prettier-ignore

/** Checks who signed, as of `at`; throws kind "untrusted" or "signature". */
export function verifyStatement<K extends StatementType>(
  policy: TrustedPolicy,
  index: StatementIndex,
  given: Unverified<K>,
  at: number,
): Verified<K> {
  if (given.statement.commission !== policy.policy.commission) {
    throw untrusted("Cette déclaration est celle d'une autre commission.");
  }
  if (!GOOD_UNDER_EXPIRED_POLICY.has(given.type)) policy.requireUnexpired(at);
  if (given.type === "recovery") {
    // It lets a log go back: one root key, lost or stolen, must not be enough.
    return verifyThreshold(given, policy.policy.roots, policy.policy.threshold);
  }
  return verify(given, signingKey(policy, index, given, at));
}

/** The certificate of that digest, if it counts at `at`; throws kind "untrusted". */
export function certified(index: StatementIndex, digest: string, at: number): Accepted<"certificate"> {
  const found = ofType(index, "certificate", digest);
  if (found === null) {
    throw untrusted("Cette clé n'est pas certifiée par le secrétariat de la commission.");
  }
  if (index.find("revocation", { certificate: digest }).length > 0) {
    throw untrusted("Le certificat de cette clé a été révoqué.");
  }
  if (!isValidAt(found.statement, at)) {
    throw untrusted("Le certificat de cette clé n'est pas valable à cette date.");
  }
  return found;
}

export const isValidAt = (certificate: StatementOf<"certificate">, at: number): boolean =>
  parseInstant(certificate.not_before) <= at && at < parseInstant(certificate.not_after);

function signingKey(
  policy: TrustedPolicy,
  index: StatementIndex,
  given: Unverified,
  at: number,
): string {
  const authority = AUTHORITY[given.type];
  const { signer } = given.statement;
  for (const kind of authority.kinds) {
    const key = keyOfKind(kind, policy, given, at);
    if (key !== null) return key;
  }
  if (given.type === "login") {
    const key = keyOfFirstLogin(index, signer, at);
    if (key !== null) return key;
  }
  if (authority.kinds.includes("certified")) return certifiedKey(index, authority, given, at);
  throw untrusted("La clé qui signe cette déclaration « {type} » n'en a pas le pouvoir.", {
    type: given.type,
  });
}

function keyOfKind(
  kind: SignerKind,
  policy: TrustedPolicy,
  given: Unverified,
  at: number,
): string | null {
  const { signer } = given.statement;
  switch (kind) {
    case "enrolled":
      return ownKey(given);
    case "registrar":
      return policy.registrarKey(signer, at);
    case "broker":
      return policy.brokerKey(signer);
    case "root":
      // A trust policy needs a threshold of roots: only trust.ts may accept one.
      return policy.rootKey(signer);
    case "certified":
      return null; // looked up last, with its own reasons for a refusal
  }
}

function ownKey(given: Unverified): string {
  const { signer, signing_key: key } = given.statement as StatementOf<"enrolment">;
  if (signer !== keyFingerprint(key)) {
    throw untrusted("Une inscription est signée par la clé même qu'elle présente.");
  }
  return key;
}

/** A device that was just certified names its key in its first login, and only there. */
function keyOfFirstLogin(index: StatementIndex, signer: string, at: number): string | null {
  const found = [...index.find("certificate")]
    .reverse()
    .filter((each) => keyFingerprint(each.statement.signing_key) === signer);
  for (const each of found) {
    try {
      return certified(index, each.digest, at).statement.signing_key;
    } catch (error) {
      if (!(error instanceof ExplainedError)) throw error;
    }
  }
  return null;
}

function certifiedKey(
  index: StatementIndex,
  authority: Authority,
  given: Unverified,
  at: number,
): string {
  const { statement } = certified(index, given.statement.signer, at);
  if (!statement.roles.some((role) => authority.roles.includes(role))) {
    throw untrusted("Ce certificat ne donne pas le rôle qu'il faut pour signer « {type} ».", {
      type: given.type,
    });
  }
  if (authority.ownOnly && !concerns(index, given, statement)) {
    throw untrusted("Une personne ne révoque que ses propres certificats.");
  }
  return statement.signing_key;
}

function concerns(
  index: StatementIndex,
  given: Unverified,
  certificate: StatementOf<"certificate">,
): boolean {
  if (given.type !== "revocation") return false;
  const { certificate: digest } = given.statement as StatementOf<"revocation">;
  return ofType(index, "certificate", digest)?.statement.person === certificate.person;
}
