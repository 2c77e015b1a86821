/** From an invitation file to a certified key: compare, create, print, read out. */
import { inThisBrowser } from "../core/browser.ts";
import { type Enrolled, type InvitationFile, enrol, readInvitation } from "../core/enrolment.ts";
import { ExplainedError } from "../core/errors.ts";
import { attempt, onSubmit } from "./parts/attempts.ts";
import { byId, facts, focusOn, show, valueOf, within } from "./parts/dom.ts";
import { qrCode } from "./parts/qr_code.ts";
import { scriptUrl } from "./parts/trusted.ts";
import { day, language, loadWords, t } from "./parts/words.ts";

const browser = inThisBrowser(scriptUrl("workshop"), language());
const messages = byId("messages");
let file: InvitationFile | null = null;

const reach = (step: string): void => {
  const place = byId(step);
  show(place);
  focusOn(within(place, "h2"));
};

async function readFile(): Promise<void> {
  const chosen = byId<HTMLInputElement>("invitation").files?.[0];
  if (chosen === undefined) return;
  for (const later of ["step-trust", "step-key"]) show(byId(later), false);
  file = readInvitation(await chosen.text());
  byId("claims").replaceChildren(
    ...facts(
      [t("Pour"), file.claims.name],
      [t("Organisme"), file.claims.organisation],
      [t("Valable jusqu'au"), day(file.claims.expires_at)],
    ),
  );
  byId("trust-fingerprint").textContent = file.trustFingerprint;
  reach("step-trust");
}

async function compared(): Promise<void> {
  if (!byId<HTMLInputElement>("compared").checked) {
    throw new ExplainedError(
      "usage",
      "Comparez d'abord l'empreinte au téléphone, puis cochez la case.",
    );
  }
  show(byId("replace-line"), (await browser.profile.keyFile()) !== null);
  reach("step-key");
}

async function createKey(): Promise<void> {
  if (file === null) return;
  const passphrase = valueOf("passphrase");
  if (passphrase !== valueOf("passphrase-again")) {
    throw new ExplainedError("usage", "Les deux phrases de passe diffèrent : tapez-les de nouveau.");
  }
  const device = valueOf("device").trim();
  if (device === "") throw new ExplainedError("usage", "Donnez un nom à cet appareil.");
  const replace = byId<HTMLInputElement>("replace").checked;
  show(kitOf(await enrol(browser, file, { device, passphrase, replace })));
  for (const done of ["step-file", "step-trust", "step-key"]) show(byId(done), false);
  reach("step-kit");
}

function kitOf({ fingerprint, recoveryKey }: Enrolled): HTMLElement {
  for (const id of ["passphrase", "passphrase-again"]) byId<HTMLInputElement>(id).value = "";
  byId("kit-facts").replaceChildren(
    ...facts(
      [t("Nom"), file?.claims.name ?? ""],
      [t("Appareil"), valueOf("device")],
      [t("Faite le"), day(Date.now())],
      [t("Empreinte"), fingerprint],
    ),
  );
  // In groups of eight: easier to type from paper; white space does not count.
  byId("recovery-key").textContent = recoveryKey.replace(/(.{8})/g, "$1 ").trim();
  byId("recovery-qr").replaceChildren(qrCode(recoveryKey, t("Clé de secours en code QR")));
  byId("fingerprint").textContent = fingerprint;
  return byId("kit");
}

await loadWords();
byId("invitation").addEventListener("change", () => void attempt(messages, null, readFile));
onSubmit(byId<HTMLFormElement>("form-trust"), messages, compared);
onSubmit(byId<HTMLFormElement>("form-key"), messages, createKey);
byId("print").addEventListener("click", () => window.print());
byId("kit-done").addEventListener("click", () => {
  for (const id of ["recovery-key", "recovery-qr"]) byId(id).replaceChildren();
  show(byId("step-kit"), false);
  reach("step-fingerprint");
});
document.documentElement.dataset["ready"] = "yes";
