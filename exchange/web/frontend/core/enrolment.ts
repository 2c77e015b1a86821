/**
 * Joining a commission: an invitation file, a fingerprint compared by phone, a device presented
 * (exchange/client/enrolment.py); and the key of a browser that was lost, or made elsewhere.
 */
import { type Attested, attested, field, text } from "./api.ts";
import { type Browser, commonFields } from "./browser.ts";
import { type Bytes, utf8 } from "./bytes.ts";
import { openView } from "./desk.ts";
import { parse } from "./dsse.ts";
import { parseInstant } from "./encoding.ts";
import { ExplainedError, hostile, malformed } from "./errors.ts";
import { Identity } from "./identity.ts";
import { DEFAULT_LOG_N, decodeSeed, encodeSeed } from "./seed.ts";
import { impossible } from "./registry.ts";
import type { StatementOf } from "./statements.ts";
import { type Json, parseStrictJson } from "./strict_json.ts";
import { type Trust, spokenTrustFingerprint, trustDigest, trustFrom } from "./trust.ts";

const MAX_INVITATION_BYTES = 262_144;
export const MIN_PASSPHRASE_CHARS = 12;

/** What the registrar hands to the person, by any channel: nothing in it is secret. */
export interface InvitationFile {
  readonly server: string;
  readonly trust: Trust;
  readonly invitation: Attested;
  /** To compare over the phone before anything is believed: `1234 5678 …`. */
  readonly trustFingerprint: string;
  /** What the invitation claims; verified by `enrol`. */
  readonly claims: StatementOf<"invitation">;
}

export function readInvitation(content: string): InvitationFile {
  const loaded = parseStrictJson(utf8(content), MAX_INVITATION_BYTES);
  try {
    const trust = field(loaded, "trust", (value) => trustFrom(value as Json));
    const invitation = field(loaded, "invitation", attested);
    return {
      server: field(loaded, "server", text),
      trust,
      invitation,
      trustFingerprint: spokenTrustFingerprint(trust),
      claims: parse("invitation", invitation.envelope).statement,
    };
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    throw malformed(
      "Ce fichier n'est pas une invitation : demandez au secrétariat de vous la renvoyer.",
    );
  }
}

/** An invitation as the file that `dossier enrol` and `readInvitation` read. */
export const invitationJson = (server: string, trust: Trust, invitation: Attested): string =>
  `${JSON.stringify({ server, trust, invitation }, null, 2)}\n`;

export interface Enrolled {
  readonly identity: Identity;
  /** What the person reads out to the registrar. */
  readonly fingerprint: string;
  /** `DOSSIER-SEED-1…`, for the kit to print now: it is shown nowhere again. */
  readonly recoveryKey: string;
}

export interface EnrolmentWish {
  /** A name for this device, shown to the registrar. */
  readonly device: string;
  readonly passphrase: string;
  /** scrypt's work factor; lower in tests only. */
  readonly logN?: number;
  /** Replaces a key that this browser already holds (lost passphrase, other person). */
  readonly replace?: boolean;
}

/** Pins the trust that the person compared, makes a key, presents it, and keeps it sealed. */
export async function enrol(
  browser: Browser,
  file: InvitationFile,
  wish: EnrolmentWish,
): Promise<Enrolled> {
  requirePassphrase(wish.passphrase);
  if ((await browser.profile.keyFile()) !== null && wish.replace !== true) throw alreadyHere();
  await browser.profile.pin(file.trust);
  const { view, source } = await openView(browser, file.trust);
  source.beginWithFile();
  const invitation = await view.takeAs("invitation", file.invitation);
  requireCurrentInvitation(browser, invitation.statement, file.trust);
  const identity = Identity.generate(browser.entropy);
  const given = identity.sign("enrolment", {
    ...commonFields(browser, file.trust, identity.fingerprint),
    invitation: invitation.digest,
    device: wish.device,
    recipient: identity.recipient,
    signing_key: identity.signingKey,
  });
  // Sealed and kept before it is presented: a certificate for a key that was lost helps nobody.
  await keepSeed(browser, identity, wish.passphrase, wish.logN);
  await source.begin();
  const answer = await browser.api.enrol(invitation.statement.id, given.envelope);
  const receipt = field(answer, "receipt", text);
  await view.checkReceipt(receipt, ["statement.accepted"], { statement: given.digest });
  const { person, name, organisation, roles } = invitation.statement;
  await browser.profile.change({
    kind: "device",
    person,
    name,
    organisation,
    roles,
    invitation: invitation.digest,
    enrolment: given.digest,
    certificate: null,
    spoken: identity.spoken,
  });
  await browser.profile.keepStatement(given.digest, given.envelope);
  await browser.profile.keepReceipt(given.digest, receipt);
  return { identity, fingerprint: identity.spoken, recoveryKey: encodeSeed(identity.revealSeed()) };
}

function requireCurrentInvitation(
  browser: Browser,
  invitation: StatementOf<"invitation">,
  trust: Trust,
): void {
  if (invitation.trust_sha256 !== trustDigest(trust)) {
    throw hostile(
      "Cette invitation a été signée pour une autre commission que celle du fichier : elle est " +
        "refusée. Demandez-en une nouvelle au secrétariat.",
    );
  }
  if (browser.clock() >= parseInstant(invitation.expires_at)) {
    throw impossible(
      "Cette invitation a expiré le {day} : demandez-en une nouvelle au secrétariat.",
      { day: invitation.expires_at.slice(0, 10) },
    );
  }
}

const alreadyHere = () =>
  impossible(
    "Ce navigateur porte déjà une clé. Ouvrez-la avec sa phrase de passe ; pour la remplacer, " +
      "choisissez d'abord « Remplacer la clé de ce navigateur ».",
  );

/** Length counts, not signs: a sentence that one remembers. */
export function requirePassphrase(passphrase: string): void {
  if ([...passphrase.normalize("NFC")].length < MIN_PASSPHRASE_CHARS) {
    throw impossible(
      "Cette phrase de passe est trop courte : au moins {least} caractères, par exemple quatre mots.",
      { least: MIN_PASSPHRASE_CHARS },
    );
  }
}

async function keepSeed(
  browser: Browser,
  identity: Identity,
  passphrase: string,
  logN = DEFAULT_LOG_N,
): Promise<void> {
  const sealed = await browser.workshop.sealSeed(identity.revealSeed(), passphrase, logN);
  await browser.profile.keepKeyFile(sealed);
  await browser.profile.store.delete("profile", "passkey");
}

/** Opens this browser's key; throws kind "not-for-this-key" for a wrong passphrase. */
export async function unlock(browser: Browser, passphrase: string): Promise<Identity> {
  const keyFile = await browser.profile.keyFile();
  if (keyFile === null) {
    throw impossible("Ce navigateur n'a pas encore de clé : ouvrez d'abord votre invitation.");
  }
  return new Identity(await browser.workshop.openSeed(keyFile, passphrase));
}

/** Seals the key again under another passphrase. */
export async function changePassphrase(
  browser: Browser,
  identity: Identity,
  passphrase: string,
  logN?: number,
): Promise<void> {
  requirePassphrase(passphrase);
  const sealed = await browser.workshop.sealSeed(
    identity.revealSeed(),
    passphrase,
    logN ?? DEFAULT_LOG_N,
  );
  await browser.profile.keepKeyFile(sealed);
}

export interface Brought {
  readonly trust: Trust;
  readonly kind: "device" | "registrar";
  readonly passphrase: string;
  readonly logN?: number;
}

/** Brings the printed kit's key into this browser; the certificate is learnt at the next login. */
export async function recover(
  browser: Browser,
  brought: Brought & { readonly recoveryKey: string },
): Promise<Identity> {
  requirePassphrase(brought.passphrase);
  return bring(browser, brought, decodeSeed(brought.recoveryKey));
}

/** Brings a key file that the command line made (a registrar's, or one's own) into this browser. */
export async function importKey(
  browser: Browser,
  brought: Brought & { readonly keyFile: Bytes },
): Promise<Identity> {
  return bring(browser, brought, await browser.workshop.openSeed(brought.keyFile, brought.passphrase));
}

async function bring(browser: Browser, brought: Brought, seed: Bytes): Promise<Identity> {
  const identity = new Identity(seed);
  await browser.profile.pin(brought.trust);
  await keepSeed(browser, identity, brought.passphrase, brought.logN);
  const { kind } = brought;
  await browser.profile.change({ kind, certificate: null, spoken: identity.spoken });
  return identity;
}

/** Forgets the key of this browser (never the pinned trust): a lost passphrase leads to a new invitation. */
export async function forgetKey(browser: Browser): Promise<void> {
  await browser.profile.store.delete("profile", "keyfile");
  await browser.profile.store.delete("profile", "passkey");
  for (const box of ["filekeys", "packs", "deposits", "faults"] as const) {
    for (const key of await browser.profile.store.keys(box)) {
      await browser.profile.store.delete(box, key);
    }
  }
  await browser.profile.change({ certificate: null, enrolment: null, spoken: null });
}
