/**
 * The broker's status: proof that what this browser sees is what the broker acts upon, now
 * (exchange/client/status.py). A service can hide a revocation or a newer agenda; it cannot make the
 * broker sign, over a nonce that this browser just drew, that they do not exist.
 */
import type { Browser } from "./browser.ts";
import { parse, verify } from "./dsse.ts";
import { encodeBase64 } from "./encoding.ts";
import { hostile } from "./errors.ts";
import { keyFingerprint } from "./keys.ts";
import { latestAgenda, latestSitting, revokedDigest } from "./registry.ts";
import type { StatementOf } from "./statements.ts";
import type { TrustedView } from "./view.ts";

const NONCE_BYTES = 32;
const ACKNOWLEDGE_PAUSES = [200, 500, 1_000, 2_000, 4_000, 0]; // milliseconds

type Status = StatementOf<"status">;

/** A verified status over a fresh nonce. What it says is compared by `requireCurrent`. */
export async function fetchStatus(
  view: TrustedView,
  browser: Browser,
  sitting: string | null = null,
  includes: readonly string[] = [],
): Promise<Status> {
  const nonce = browser.entropy(NONCE_BYTES);
  const given = parse("status", await browser.api.status(nonce, sitting, includes));
  const key = view.policy.brokerKey(given.statement.signer);
  if (key === null) {
    throw hostile(
      "L'état du gardien des clés est signé par une clé que la politique de confiance ne connaît " +
        "pas : rien n'a été utilisé. Prévenez le secrétariat.",
    );
  }
  const { statement: status } = verify(given, key);
  if (status.commission !== view.trust.commission || status.nonce !== encodeBase64(nonce)) {
    throw hostile(
      "L'état du gardien des clés répond à une autre question que celle posée : il a pu être " +
        "enregistré autrefois et remis aujourd'hui. Rien n'a été utilisé ; recommencez, puis prévenez " +
        "le secrétariat.",
    );
  }
  if (!(await browser.profile.raiseStatusNumber(keyFingerprint(key), status.number))) {
    throw hostile(
      "L'état du gardien des clés porte le n° {number}, déjà dépassé : son registre a été ramené " +
        "en arrière. Ne déposez rien et prévenez le vérificateur.",
      { number: status.number },
    );
  }
  if (status.trust_version !== view.policy.policy.version) {
    throw hostile(
      "Le gardien des clés applique la politique de confiance n° {theirs}, le service montre la " +
        "n° {ours} : recommencez dans un instant ; si cela dure, prévenez le secrétariat.",
      { theirs: status.trust_version, ours: view.policy.policy.version },
    );
  }
  return status;
}

/** Throws kind "hostile" unless `view` knows exactly what the broker knows. */
export function requireCurrent(view: TrustedView, status: Status, sitting: string | null): void {
  if (status.revoked !== revokedDigest(view.ledger)) {
    throw hostile(
      "La liste des certificats révoqués montrée par le service n'est pas celle du gardien des " +
        "clés : une révocation est cachée. Rien n'a été chiffré ni envoyé ; recommencez, puis " +
        "prévenez le secrétariat.",
    );
  }
  if (sitting === null) return;
  if (status.sitting !== (latestSitting(view.ledger, sitting)?.digest ?? null)) {
    throw hostile(
      "La séance montrée par le service n'est pas dans la version que le gardien des clés " +
        "applique : rien n'a été utilisé. Recommencez, puis prévenez le secrétariat.",
    );
  }
  if (status.agenda !== (latestAgenda(view.ledger, sitting)?.digest ?? null)) {
    throw hostile(
      "L'ordre du jour montré par le service n'est pas dans la version que le gardien des clés " +
        "applique : rien n'a été utilisé. Recommencez, puis prévenez le secrétariat.",
    );
  }
}

/** Returns once the broker says that it knows the statement: only then is a revocation or a recusal done. */
export async function waitUntilAcknowledged(
  view: TrustedView,
  browser: Browser,
  digest: string,
): Promise<void> {
  for (const milliseconds of ACKNOWLEDGE_PAUSES) {
    const status = await fetchStatus(view, browser, null, [digest]);
    if (status.includes.includes(digest)) return;
    await browser.pause(milliseconds);
  }
  throw hostile(
    "La déclaration est enregistrée, mais le gardien des clés ne l'a pas encore prise en compte : elle " +
      "n'a pas d'effet tant qu'il ne le confirme pas. Recommencez dans un instant ; si cela dure, " +
      "prévenez l'exploitant.",
  );
}
