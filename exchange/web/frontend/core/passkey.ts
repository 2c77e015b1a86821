/**
 * A passkey as a further unlock: the seed in a second age file, under WebAuthn PRF
 * (npm `age-encryption`, stanza `age-encryption.org/fido2prf`).
 *
 * The PRF's output never leaves this file's callee: no credential is returned, serialised or posted, and
 * the service knows nothing of passkeys. The passphrase stays; a passkey is never the only way in.
 */
import { Decrypter, Encrypter, webauthn } from "age-encryption";
import type { Browser } from "./browser.ts";
import { type Bytes, textOf, utf8 } from "./bytes.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { Identity } from "./identity.ts";
import { decodeSeed, encodeSeed } from "./seed.ts";
import { impossible } from "./registry.ts";

interface KeptPasskey {
  /** `AGE-PLUGIN-FIDO2PRF-1…`: credential id and site, no secret. */
  readonly credential: string;
  readonly sealed: Bytes;
}

/** Whether this browser can be asked for a passkey at all; PRF itself shows at the first try. */
export const passkeysArePossible = (): boolean =>
  typeof PublicKeyCredential !== "undefined" && globalThis.isSecureContext === true;

export const hasPasskey = async (browser: Browser): Promise<boolean> =>
  (await browser.profile.store.get<KeptPasskey>("profile", "passkey")) !== null;

/** Makes a passkey and seals the seed under it. The browser asks the person twice: create, then use. */
export async function addPasskey(browser: Browser, identity: Identity, keyName: string): Promise<void> {
  try {
    const credential = await webauthn.createCredential({ keyName });
    const encrypter = new Encrypter();
    encrypter.addRecipient(new webauthn.WebAuthnRecipient({ identity: credential }));
    const sealed = (await encrypter.encrypt(utf8(encodeSeed(identity.revealSeed())))) as Bytes;
    const kept: KeptPasskey = { credential, sealed };
    await browser.profile.store.put("profile", "passkey", kept);
  } catch (error) {
    throw explained(error);
  }
}

export async function unlockWithPasskey(browser: Browser): Promise<Identity> {
  const kept = await browser.profile.store.get<KeptPasskey>("profile", "passkey");
  if (kept === null) {
    throw impossible("Ce navigateur n'a pas de clé d'accès : servez-vous de la phrase de passe.");
  }
  const decrypter = new Decrypter();
  decrypter.addIdentity(new webauthn.WebAuthnIdentity({ identity: kept.credential }));
  let opened: Uint8Array;
  try {
    opened = await decrypter.decrypt(kept.sealed);
  } catch (error) {
    throw explained(error);
  }
  return new Identity(decodeSeed(textOf(opened)));
}

export const removePasskey = (browser: Browser): Promise<void> =>
  browser.profile.store.delete("profile", "passkey");

function explained(error: unknown): ExplainedError {
  if (error instanceof ExplainedError) return error;
  const refused = error instanceof DOMException && error.name === "NotAllowedError";
  if (refused) {
    return impossible(
      "La clé d'accès n'a pas été confirmée : recommencez, ou servez-vous de la phrase de passe.",
    );
  }
  const text = error instanceof Error ? error.message : "";
  if (text.includes("PRF")) {
    return impossible(
      "Ce navigateur ou cette clé d'accès ne sait pas protéger une clé (WebAuthn PRF) : gardez la " +
        "phrase de passe.",
    );
  }
  return malformed("La clé d'accès n'ouvre pas la clé de ce navigateur : servez-vous de la phrase de passe.");
}
