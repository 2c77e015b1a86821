/** This browser's key: who it is, its fingerprint, a passkey as a further way in, another passphrase. */
import { changePassphrase, forgetKey } from "../../core/enrolment.ts";
import { addPasskey, hasPasskey, passkeysArePossible, removePasskey } from "../../core/passkey.ts";
import { action, ask, inform, onSubmit } from "../parts/attempts.ts";
import { facts, h } from "../parts/dom.ts";
import { language, t } from "../parts/words.ts";
import type { App } from "./app.ts";

export async function accountView(app: App, place: HTMLElement): Promise<void> {
  const { name, organisation, kind } = await app.browser.profile.settings();
  const owner = kind === "registrar" ? t("Secrétariat de la commission") : name;
  place.append(
    h("h1", {}, t("Ma clé")),
    h("dl", { class: "panel quiet" }, ...facts(
      [t("Nom"), owner ?? ""],
      [t("Organisme"), organisation ?? "–"],
      [t("Empreinte"), h("span", { class: "mono" }, app.identity.spoken)],
    )),
    await passkeyPart(app, owner ?? t("Ma clé")),
    passphraseForm(app),
    await contactPart(app),
    forgetPart(app),
  );
}

/** Where notices go; the secretariat's own key is nobody's, and without a network nothing is asked. */
async function contactPart(app: App): Promise<HTMLElement | string> {
  const { desk, browser } = app;
  if (desk === null || desk.who.person === null) return "";
  const known = await browser.api.contact();
  const messages = h("div");
  const input = h("input", { type: "email", id: "contact", autocomplete: "email", maxlength: "254" });
  input.value = known ?? "";
  const keep = async (address: string | null): Promise<void> => {
    await browser.api.putContact(address, language());
    input.value = address ?? "";
    inform(messages, address === null ? t("Adresse oubliée : vous ne recevrez plus de message.") : t("Adresse gardée. Les messages ne disent jamais rien d'un dossier."));
  };
  const form = h("form", { class: "panel", novalidate: true },
    h("h2", {}, t("Être averti par courriel")),
    h("p", {}, t("Facultatif : convocations, compléments demandés, échéances. Cette adresse n'est ni au journal ni dans aucune déclaration, et n'ouvre rien.")),
    h("div", { class: "field" }, h("label", { for: "contact" }, t("Adresse électronique")), input),
    messages,
    h("div", { class: "actions" }, h("button", { class: "plain" }, t("Garder cette adresse")), action(t("Oublier mon adresse"), messages, () => keep(null), "plain")));
  onSubmit(form, messages, () => keep(input.value.trim()));
  return form;
}

async function passkeyPart(app: App, name: string): Promise<HTMLElement> {
  const messages = h("div");
  const part = h("section", { class: "panel" }, h("h2", {}, t("Clé d'accès (empreinte digitale, visage, clé USB)")));
  if (!passkeysArePossible()) {
    part.append(h("p", {}, t("Ce navigateur ne propose pas de clé d'accès ; la phrase de passe suffit.")));
  } else if (await hasPasskey(app.browser)) {
    part.append(h("p", {}, t("Une clé d'accès ouvre aussi cette clé. La phrase de passe continue de l'ouvrir.")), messages,
      h("div", { class: "actions" }, action(t("Retirer la clé d'accès"), messages, async () => {
        await removePasskey(app.browser);
        await app.redraw();
      }, "plain")));
  } else {
    part.append(h("p", {}, t("Elle évite de taper la phrase de passe sur cet appareil. Votre navigateur la demandera deux fois.")), messages,
      h("div", { class: "actions" }, action(t("Ajouter une clé d'accès"), messages, async () => {
        await addPasskey(app.browser, app.identity, name);
        await app.redraw();
      })));
  }
  return part;
}

function passphraseForm(app: App): HTMLElement {
  const messages = h("div");
  const input = h("input", { type: "password", id: "new-passphrase", autocomplete: "new-password" });
  const form = h("form", { class: "panel", novalidate: true },
    h("h2", {}, t("Changer la phrase de passe")),
    h("div", { class: "field" }, h("label", { for: "new-passphrase" }, t("Nouvelle phrase de passe")), input),
    messages,
    h("div", { class: "actions" }, h("button", { class: "plain" }, t("Changer"))));
  onSubmit(form, messages, async () => {
    await changePassphrase(app.browser, app.identity, input.value);
    input.value = "";
    inform(messages, t("La phrase de passe est changée. La fiche de secours reste valable."));
  });
  return form;
}

function forgetPart(app: App): HTMLElement {
  const messages = h("div");
  return h("section", { class: "panel" },
    h("h2", {}, t("Quitter cet appareil")),
    h("p", {}, t("Efface de ce navigateur la clé, les dossiers pris et les dépôts en attente. Gardez la fiche de secours.")),
    messages,
    h("div", { class: "actions" }, action(t("Effacer ma clé de ce navigateur"), messages, async () => {
      const yes = await ask(t("Effacer la clé de ce navigateur ?"), t("Sans la fiche de secours, elle est perdue ; il faudra une nouvelle invitation."), t("Effacer"), false);
      if (yes === null) return;
      await forgetKey(app.browser);
      location.reload();
    }, "danger")));
}
