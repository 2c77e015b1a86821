/** The log's words, as a person reads them. What has no word here is shown as the log has it. */
import { t } from "../parts/words.ts";

export const eventLabel = (type: string): string =>
  ({
    "statement.accepted": t("déclaration enregistrée"),
    "login.accepted": t("connexion"),
    "login.refused": t("connexion refusée"),
    "deposit.begun": t("dépôt commencé"),
    "deposit.committed": t("dépôt"),
    "deposit.rekeyed": t("clé de dépôt refaite"),
    "grant.added": t("accès ajouté"),
    "release.authorised": t("remise autorisée"),
    "release.refused": t("remise refusée"),
    "release.failed": t("remise échouée"),
    "payload.read": t("contenu chiffré lu"),
    "roster.read": t("registre lu"),
    "disclosure.read": t("journal lu"),
    "key.destroyed": t("clés détruites"),
    "purge.done": t("contenus purgés"),
    "retention.applied": t("détails effacés"),
  })[type] ?? type;

/** What an event states or cites, by its name in the log. */
export const fieldLabel = (name: string): string =>
  ({
    access_request: t("demande d'accès"),
    because: t("à cause de"),
    certificate: t("certificat"),
    cause: t("cause"),
    count: t("nombre"),
    deposit: t("dépôt"),
    deposits: t("dépôts"),
    destruction: t("procès-verbal de destruction"),
    dossier: t("dossier"),
    grant: t("accès ajouté"),
    key: t("empreinte de la clé"),
    login: t("connexion"),
    manifest: t("manifeste"),
    purge: t("ordre de purge"),
    purpose: t("but"),
    reason: t("motif"),
    release_key: t("clé de dépôt"),
    retention: t("ordre d'effacement"),
    sitting: t("séance"),
    size: t("taille du journal"),
    statement: t("déclaration"),
    subject: t("au sujet de"),
    type: t("type"),
    what: t("quoi"),
  })[name] ?? name;

/** The kinds of signed statements. */
export const statementLabel = (type: string): string =>
  ({
    "trust-policy": t("politique de confiance"),
    invitation: t("invitation"),
    enrolment: t("présentation d'une clé"),
    certificate: t("certificat"),
    revocation: t("révocation"),
    roster: t("composition"),
    sitting: t("dates et sièges d'une séance"),
    agenda: t("ordre du jour"),
    "release-key": t("clé de dépôt"),
    manifest: t("manifeste d'un dépôt"),
    grant: t("accès ajouté"),
    undertaking: t("engagement de confidentialité"),
    declaration: t("déclaration sans conflit"),
    recusal: t("déport"),
    "access-request": t("demande d'accès"),
    withdrawal: t("retrait"),
    closing: t("clôture"),
    destruction: t("procès-verbal de destruction"),
    complaint: t("signalement"),
    "complement-request": t("demande de complément"),
    proxy: t("mandat de vote"),
    attendance: t("présences"),
    hold: t("sursis à la purge"),
    purge: t("ordre de purge"),
    retention: t("ordre d'effacement"),
    attestation: t("attestation du vérificateur"),
    "bundle-index": t("table d'un export"),
    login: t("connexion"),
    emergency: t("mesure d'urgence"),
    recovery: t("reprise d'une sauvegarde"),
  })[type] ?? type;

/** What was read of the registry: a kind of statement, or one of these. */
const readLabel = (what: string): string =>
  ({
    sittings: t("les séances"),
    releases: t("qui a reçu un dossier"),
    retention: t("ce qui peut être effacé"),
  })[what] ?? statementLabel(what);

const VALUES = (): Readonly<Record<string, string>> => ({
  read: t("lecture"),
  grant: t("transmission d'accès"),
  withdrawal: t("retrait"),
  closing: t("clôture"),
  expiry: t("délai dépassé"),
});

/** A value of a field: a statement's kind, a purpose, a cause; digests and ids as they are. */
export const valueLabel = (name: string, value: string): string => {
  if (name === "what") return readLabel(value);
  return name === "type" ? statementLabel(value) : (VALUES()[value] ?? value);
};
