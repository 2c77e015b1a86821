/** People: invite, certify after comparing fingerprints, revoke. */
import { ExplainedError } from "../../core/errors.ts";
import { type Waiting, certificates, certify, invite, revoke, waiting } from "../../core/registrar.ts";
import type { Accepted } from "../../core/ledger.ts";
import type { Role } from "../../core/statements.ts";
import { spokenTrustFingerprint } from "../../core/trust.ts";
import { action, ask, onSubmit } from "../parts/attempts.ts";
import { cloned, facts, focusOn, h, table, within } from "../parts/dom.ts";
import { handOut } from "../parts/files.ts";
import { day, t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";

export async function peopleView(app: App, place: HTMLElement): Promise<void> {
  const desk = deskOf(app);
  const pending = await waiting(desk);
  const certified = await certificates(desk);
  place.append(h("h1", {}, t("Personnes")));
  place.append(h("h2", {}, t("À certifier")));
  if (pending.length === 0) place.append(h("p", { class: "soft" }, t("Aucune clé n'attend.")));
  for (const each of pending) place.append(toCertify(app, each));
  place.append(h("h2", {}, t("Appareils certifiés")), certifiedTable(app, certified), inviteForm(app, certified));
}

const roleLabel = (role: string): string =>
  ({ member: t("membre"), depositor: t("référent d'association"), auditor: t("vérificateur"), decider: t("délégataire du préfet") })[role] ?? role;

const digits = (text: string): string => text.replace(/\D/g, "");

/** The registrar types what the person reads out: a click on "same" is too easy to give. */
function toCertify(app: App, each: Waiting): HTMLElement {
  const { name, organisation, roles } = each.invitation.statement;
  const messages = h("div");
  const input = h("input", { id: `heard-${each.enrolment.digest.slice(0, 8)}`, autocomplete: "off", inputmode: "numeric" });
  return h(
    "div",
    { class: "panel" },
    h("h3", {}, name),
    h("dl", {}, ...facts([t("Organisme"), organisation], [t("Rôles"), roles.map(roleLabel).join(", ")], [t("Appareil"), each.enrolment.statement.device])),
    h("p", {}, t("Appelez cette personne à un numéro que vous connaissez déjà et demandez-lui de lire son empreinte.")),
    h("div", { class: "field" }, h("label", { for: input.id }, t("Chiffres que la personne lit")), input),
    messages,
    h("div", { class: "actions" }, action(t("Comparer et certifier"), messages, async () => {
      if (digits(input.value) !== digits(each.fingerprint)) {
        throw new ExplainedError("usage", "Ces chiffres ne sont pas ceux de la clé présentée. Faites-les relire ; s'ils diffèrent toujours, ne certifiez pas : quelqu'un a pu s'interposer.");
      }
      await certify(deskOf(app), each);
      await app.redraw();
    })),
  );
}

function certifiedTable(app: App, certified: readonly Accepted<"certificate">[]): HTMLElement {
  const messages = h("div");
  const rows = certified.map(({ digest, statement }) => {
    const button = action(t("Révoquer"), messages, async () => {
      const reason = await ask(t("Révoquer la clé de {name} ?", { name: statement.name }), t("Elle n'ouvrira plus rien et ne signera plus rien, dès maintenant."), t("Révoquer"), true);
      if (reason === null) return;
      if (reason === "") throw new ExplainedError("usage", "Donnez un motif pour révoquer cette clé.");
      await revoke(deskOf(app), digest, reason);
      await app.redraw();
    }, "link");
    button.append(h("span", { class: "visually-hidden" }, ` ${statement.name}`));
    return [{ content: statement.name, head: true }, statement.organisation, statement.roles.map(roleLabel).join(", "), day(statement.not_after), button];
  });
  return h("div", {}, table(t("Certifiés et non révoqués"), [t("Nom"), t("Organisme"), t("Rôles"), t("Jusqu'au"), t("Actes")], rows), messages);
}

function inviteForm(app: App, certified: readonly Accepted<"certificate">[]): HTMLElement {
  const desk = deskOf(app);
  const form = cloned<HTMLFormElement>("tpl-invite");
  const field = (id: string) => within<HTMLInputElement>(form, id);
  const person = within<HTMLSelectElement>(form, "#invite-person");
  const known = new Map(certified.map(({ statement }) => [statement.person, statement]));
  for (const [id, { name }] of known) person.append(h("option", { value: id }, t("{name} (nouvel appareil)", { name })));
  person.addEventListener("change", () => {
    const found = known.get(person.value);
    if (found === undefined) return;
    field("#invite-name").value = found.name;
    field("#invite-organisation").value = found.organisation;
    for (const box of form.querySelectorAll<HTMLInputElement>("[name=role]")) box.checked = (found.roles as readonly string[]).includes(box.value);
  });
  onSubmit(form, within(form, ".messages"), async () => {
    const roles = [...form.querySelectorAll<HTMLInputElement>("[name=role]:checked")].map((box) => box.value as Role);
    const name = field("#invite-name").value.trim();
    const organisation = field("#invite-organisation").value.trim();
    if (name === "" || organisation === "" || roles.length === 0) {
      throw new ExplainedError("usage", "Indiquez le nom, l'organisme et au moins un rôle.");
    }
    const given = { name, organisation, roles, ...(person.value === "" ? {} : { person: person.value }) };
    const { file, invitation } = await invite(desk, location.origin, given);
    const done = h(
      "div",
      { class: "panel" },
      h("h2", {}, t("Invitation de {name} signée", { name })),
      h("p", {}, t("Remettez ce fichier à la personne, par le moyen que vous voulez : il ne contient aucun secret. Quand elle vous appelle, lisez-lui l'empreinte de la commission :")),
      h("p", { class: "fingerprint" }, spokenTrustFingerprint(desk.view.trust)),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => handOut(new Blob([file], { type: "application/json" }), `invitation-${invitation.statement.id.slice(0, 6)}.json`) }, t("Enregistrer l'invitation")),
        h("button", { type: "button", class: "plain", onclick: () => void app.redraw() }, t("Terminé"))),
    );
    form.replaceWith(done);
    focusOn(within(done, "h2"));
  });
  return form;
}
