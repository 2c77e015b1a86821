/** The first view: open this browser's key, or bring one into it. */
import type { Browser } from "../../core/browser.ts";
import { importKey, readInvitation, recover, unlock } from "../../core/enrolment.ts";
import { ExplainedError } from "../../core/errors.ts";
import type { Identity } from "../../core/identity.ts";
import { hasPasskey, unlockWithPasskey } from "../../core/passkey.ts";
import { type Trust, parseTrust } from "../../core/trust.ts";
import { attempt, onSubmit } from "../parts/attempts.ts";
import { byId, focusOn, show, valueOf } from "../parts/dom.ts";
import { t } from "../parts/words.ts";

type Enter = (identity: Identity) => Promise<void>;

export async function prepareUnlock(browser: Browser, enter: Enter): Promise<void> {
  const messages = byId("unlock-messages");
  await showKey(browser);
  onSubmit(byId<HTMLFormElement>("form-unlock"), messages, async () => {
    const identity = await unlock(browser, taken("unlock-passphrase"));
    await enter(identity);
  });
  const passkey = byId<HTMLButtonElement>("unlock-passkey");
  passkey.addEventListener("click", () =>
    void attempt(messages, passkey, async () => enter(await unlockWithPasskey(browser))),
  );
  onSubmit(byId<HTMLFormElement>("form-import"), messages, async () => {
    const kind = document.querySelector<HTMLInputElement>("[name=import-kind]:checked")?.value;
    const keyFile = new Uint8Array(await (await file("import-key")).arrayBuffer());
    await importKey(browser, {
      trust: await trustIn("import-trust"),
      keyFile,
      passphrase: taken("import-passphrase"),
      kind: kind === "registrar" ? "registrar" : "device",
    });
    await brought(browser);
  });
  onSubmit(byId<HTMLFormElement>("form-recover"), messages, async () => {
    await recover(browser, {
      trust: await trustIn("recover-trust"),
      recoveryKey: taken("recover-key"),
      passphrase: taken("recover-passphrase"),
      kind: "device",
    });
    await brought(browser);
  });
}

async function showKey(browser: Browser): Promise<void> {
  const held = (await browser.profile.keyFile()) !== null;
  const { name, spoken, kind } = await browser.profile.settings();
  show(byId("looking"), false);
  show(byId("has-key"), held);
  show(byId("no-key"), !held);
  show(byId("bring"));
  const owner = kind === "registrar" ? t("Secrétariat de la commission") : name;
  byId("whose").textContent = owner ?? t("Ma clé");
  byId("unlock-spoken").textContent = spoken ?? "";
  show(byId("unlock-passkey"), held && (await hasPasskey(browser)));
}

/** After a key came in: the ordinary way leads on. */
async function brought(browser: Browser): Promise<void> {
  for (const id of ["bring-file", "bring-kit"]) byId<HTMLDetailsElement>(id).open = false;
  await showKey(browser);
  focusOn(byId("unlock-passphrase"));
}

/** The value of a secret's field, which is emptied: it does not stay in the page. */
function taken(id: string): string {
  const value = valueOf(id);
  byId<HTMLInputElement>(id).value = "";
  return value;
}

async function file(id: string): Promise<File> {
  const chosen = byId<HTMLInputElement>(id).files?.[0];
  if (chosen === undefined) throw new ExplainedError("usage", "Choisissez d'abord les fichiers demandés.");
  return chosen;
}

/** The anchor in a `trust.json` or in an invitation. */
async function trustIn(id: string): Promise<Trust> {
  const content = await (await file(id)).text();
  try {
    return parseTrust(new TextEncoder().encode(content));
  } catch {
    return readInvitation(content).trust;
  }
}
