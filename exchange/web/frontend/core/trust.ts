/**
 * What a client pins, and the chain of trust policies that grows from it (crypto/trust.py).
 *
 * `trust.json` = commission, root keys, threshold; everything else that counts is in the root-signed
 * trust policy. Only this module makes a `TrustedPolicy`.
 */
import { utf8 } from "./bytes.ts";
import { sha256, taggedSha256 } from "./digests.ts";
import { parseInstant } from "./encoding.ts";
import { type Unverified, type Verified, verifyThreshold } from "./dsse.ts";
import { malformed, untrusted } from "./errors.ts";
import { FieldError, type Of, fieldsOf, many, opaqueId, verifyKey, version } from "./fields.ts";
import { keyFingerprint, spoken } from "./keys.ts";
import { TRUST_FINGERPRINT } from "./labels.ts";
import type { StatementOf } from "./statements.ts";
import { type Json, parseStrictJson } from "./strict_json.ts";

const MAX_TRUST_BYTES = 16_384;

const TRUST = { commission: opaqueId, root_keys: many(verifyKey, 1, 16), threshold: version };

/** The content of `trust.json`: the anchor that a person compares over the phone. */
export type Trust = Of<typeof TRUST>;

export const parseTrust = (data: Uint8Array): Trust =>
  trustFrom(parseStrictJson(data, MAX_TRUST_BYTES));

export function trustFrom(value: Json): Trust {
  let trust: Trust;
  try {
    trust = fieldsOf(TRUST, value);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw malformed("Ce fichier n'est pas un fichier de confiance (trust.json).");
  }
  if (trust.threshold > new Set(trust.root_keys).size) {
    throw malformed("Le seuil de ce fichier de confiance dépasse le nombre de ses clés.");
  }
  return trust;
}

/** The canonical bytes of `trust.json`. */
export const trustJson = (trust: Trust): string => `${JSON.stringify(trust, null, 2)}\n`;

/** SHA-256 of the canonical bytes, cited by invitations. */
export const trustDigest = (trust: Trust): string => sha256(utf8(trustJson(trust)));

/** `1234 5678 …`, for two people to compare. */
export const spokenTrustFingerprint = (trust: Trust): string =>
  spoken(taggedSha256(TRUST_FINGERPRINT, [utf8(trustJson(trust))]));

export const sameTrust = (one: Trust, other: Trust): boolean => trustJson(one) === trustJson(other);

/** A trust policy that ends in the pinned root. */
export class TrustedPolicy {
  readonly #verified: Verified<"trust-policy">;

  /** Only `acceptFirst` and `acceptNext` call this: their argument type has no other maker. */
  constructor(verified: Verified<"trust-policy">) {
    this.#verified = verified;
  }

  get policy(): StatementOf<"trust-policy"> {
    return this.#verified.statement;
  }

  get digest(): string {
    return this.#verified.digest;
  }

  /** Throws kind "untrusted" when the policy has expired at `now`. */
  requireUnexpired(now: number): void {
    if (now >= parseInstant(this.policy.expires_at)) {
      throw untrusted(
        "La politique de confiance n° {version} a expiré le {expired} : demandez au secrétariat " +
          "d'en publier une nouvelle.",
        { version: this.policy.version, expired: this.policy.expires_at.slice(0, 10) },
      );
    }
  }

  /** The registrar key of that fingerprint, if it was valid at `at`. */
  registrarKey(fingerprint: string, at: number): string | null {
    const found = this.policy.registrar_keys.find(
      (entry) => keyFingerprint(entry.key) === fingerprint && at < parseInstant(entry.not_after),
    );
    return found?.key ?? null;
  }

  brokerKey(fingerprint: string): string | null {
    return this.policy.broker_keys.find((key) => keyFingerprint(key) === fingerprint) ?? null;
  }

  rootKey(fingerprint: string): string | null {
    return this.policy.roots.find((key) => keyFingerprint(key) === fingerprint) ?? null;
  }
}

/** Accepts the first trust policy; throws kind "untrusted" or "signature". */
export function acceptFirst(trust: Trust, given: Unverified<"trust-policy">): TrustedPolicy {
  requireCommission(trust.commission, given);
  if (given.statement.version !== 1) {
    throw untrusted("La première politique de confiance doit porter le numéro 1.");
  }
  return accepted(given, trust.root_keys, trust.threshold);
}

/** Accepts the successor of `current`, signed by the threshold of old and of new roots. */
export function acceptNext(current: TrustedPolicy, given: Unverified<"trust-policy">): TrustedPolicy {
  requireCommission(current.policy.commission, given);
  if (given.statement.version !== current.policy.version + 1) {
    throw untrusted(
      "La politique de confiance n° {got} ne suit pas la n° {current} : une version passée " +
        "n'est jamais acceptée.",
      { got: given.statement.version, current: current.policy.version },
    );
  }
  return accepted(given, current.policy.roots, current.policy.threshold);
}

function requireCommission(commission: string, given: Unverified<"trust-policy">): void {
  if (given.statement.commission !== commission) {
    throw untrusted("Cette politique de confiance est celle d'une autre commission.");
  }
}

function accepted(
  given: Unverified<"trust-policy">,
  oldRoots: readonly string[],
  oldThreshold: number,
): TrustedPolicy {
  const { roots, threshold } = given.statement;
  if (threshold > new Set(roots).size) {
    throw untrusted("Le seuil de cette politique dépasse le nombre de ses clés racine.");
  }
  verifyThreshold(given, roots, threshold);
  return new TrustedPolicy(verifyThreshold(given, oldRoots, oldThreshold));
}
