/**
 * A device's identity: one 32-octet master seed, from which both keys are derived
 * (crypto/edge/identity.py).
 */
import { recipientOf } from "./age.ts";
import type { Bytes, Entropy } from "./bytes.ts";
import { hkdfSha256 } from "./digests.ts";
import { type Unverified, seal } from "./dsse.ts";
import { malformed } from "./errors.ts";
import { keyFingerprint, keyText, publicKeyOf, signWith, spokenFingerprint } from "./keys.ts";
import { IDENTITY_AGE, IDENTITY_SIGNING } from "./labels.ts";
import { SEED_BYTES } from "./seed.ts";
import type { StatementOf, StatementType } from "./statements.ts";

const NOTHING = new Uint8Array(0);

/** Both keys of one device. The secrets do not show in JSON or in a console. */
export class Identity {
  readonly #seed: Bytes;
  readonly #signingSeed: Bytes;
  readonly #ageIdentity: Bytes;
  readonly recipient: string;
  readonly signingKey: string;

  constructor(seed: Bytes) {
    if (seed.length !== SEED_BYTES) throw malformed("Cette clé n'a pas la bonne longueur.");
    this.#seed = seed.slice();
    this.#ageIdentity = hkdfSha256(seed, NOTHING, IDENTITY_AGE);
    this.#signingSeed = hkdfSha256(seed, NOTHING, IDENTITY_SIGNING);
    this.recipient = recipientOf(this.#ageIdentity);
    this.signingKey = keyText(publicKeyOf(this.#signingSeed));
  }

  static generate(entropy: Entropy): Identity {
    return new Identity(entropy(SEED_BYTES));
  }

  get fingerprint(): string {
    return keyFingerprint(this.signingKey);
  }

  /** `1234 5678 …`, to read out over the phone. */
  get spoken(): string {
    return spokenFingerprint(this.recipient, this.signingKey);
  }

  sign<K extends StatementType>(type: K, statement: StatementOf<K>): Unverified<K> {
    return seal(type, statement, [(message) => signWith(this.#signingSeed, message)]);
  }

  /** The hybrid age identity: keep it in a local variable and nowhere else. */
  revealAgeIdentity(): Bytes {
    return this.#ageIdentity.slice();
  }

  /** The seed, for the key file, the passkey and the printed kit. */
  revealSeed(): Bytes {
    return this.#seed.slice();
  }

  toJSON(): string {
    return "<Identity redacted>";
  }
}
