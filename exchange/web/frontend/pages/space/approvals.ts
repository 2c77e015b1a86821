/** Approved associations: added, prolonged, corrected; a mandate that ends before its day. */
import { ExplainedError } from "../../core/errors.ts";
import { publishRoster } from "../../core/registrar.ts";
import type { StatementOf } from "../../core/statements.ts";
import { action, ask, onSubmit } from "../parts/attempts.ts";
import { focusOn, h, table } from "../parts/dom.ts";
import { day, t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";

type Roster = StatementOf<"roster">;
type Approval = Roster["approvals"][number];
type Mandate = Roster["mandates"][number];

/** The table, each line with its way into the form below it. */
export function approvalsPart(app: App, roster: Roster): HTMLElement {
  const { form, fill } = approvalForm(app, roster);
  const details = h("details", {}, h("summary", {}, t("Ajouter ou modifier un agrément")), form);
  const rows = roster.approvals.map((each) => {
    const change = h("button", { type: "button", class: "link", onclick: () => {
      details.open = true;
      fill(each);
    } }, t("Modifier"), h("span", { class: "visually-hidden" }, ` ${each.label}`));
    return [{ content: each.label, head: true }, each.rna, `${day(each.from_day)} – ${day(each.to_day)}`, change];
  });
  const known = table(t("Associations agréées"), [t("Association"), t("RNA"), t("Agrément"), t("Modifier")], rows);
  return h("div", {}, known, details);
}

function approvalForm(app: App, roster: Roster): { form: HTMLElement; fill: (approval: Approval) => void } {
  const input = (id: string, type = "text") => h("input", { id: `approval-${id}`, type, autocomplete: "off", spellcheck: "false" });
  const [organisation, label, rna, from, to] = [input("organisation"), input("label"), input("rna"), input("from", "date"), input("to", "date")];
  const row = (text: string, field: HTMLElement, short = true) => h("div", { class: short ? "field short" : "field" }, h("label", { for: field.id }, text), field);
  const messages = h("div");
  const form = h("form", { class: "panel", novalidate: true },
    row(t("Organisme (code)"), organisation), row(t("Nom de l'association"), label, false), row(t("Numéro RNA (W et neuf chiffres)"), rna), row(t("Du"), from), row(t("Au"), to),
    messages,
    h("div", { class: "actions" }, h("button", {}, t("Publier la composition"))));
  let before: Approval | null = null;
  onSubmit(form, messages, async () => {
    const wanted = [organisation.value, label.value, rna.value].map((each) => each.trim());
    const [code = "", name = "", number = ""] = wanted;
    if (wanted.includes("") || from.value === "" || to.value === "" || from.value > to.value) {
      throw new ExplainedError("usage", "Indiquez le code, le nom, le numéro RNA et les deux jours de l'agrément, dans l'ordre.");
    }
    const changed = { ...(before ?? { decree: null }), organisation: code, label: name, rna: number, from_day: from.value, to_day: to.value } as Approval;
    await publishRoster(deskOf(app), { approvals: [...roster.approvals.filter((each) => each !== before), changed] });
    await app.redraw();
  });
  const fill = (approval: Approval): void => {
    before = approval;
    for (const [field, value] of [[organisation, approval.organisation], [label, approval.label], [rna, approval.rna], [from, approval.from_day], [to, approval.to_day]] as const) field.value = value;
    focusOn(label);
  };
  return { form, fill };
}

/** Ends a mandate today: its holder sits at no later meeting. Null for one that is already over. */
export function endMandate(app: App, roster: Roster, mandate: Mandate, name: string, messages: HTMLElement): HTMLElement | null {
  const today = new Date(deskOf(app).now).toISOString().slice(0, 10);
  if (mandate.to_day <= today) return null;
  const button = action(t("Mettre fin"), messages, async () => {
    const yes = await ask(
      t("Mettre fin au mandat de {name} ?", { name }),
      t("Le mandat s'arrête aujourd'hui. Choisissez ensuite qui siège aux séances à venir, et révoquez ses appareils s'ils ne doivent plus rien ouvrir."),
      t("Mettre fin au mandat"),
      false,
    );
    if (yes === null) return;
    const mandates = roster.mandates.flatMap((each) => each !== mandate ? [each] : mandate.from_day > today ? [] : [{ ...mandate, to_day: today }]);
    await publishRoster(deskOf(app), { mandates });
    await app.redraw();
  }, "link");
  button.append(h("span", { class: "visually-hidden" }, ` ${name}`));
  return button;
}
