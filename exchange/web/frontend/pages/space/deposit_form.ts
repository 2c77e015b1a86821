/** Depositing: choose pieces, see who will be able to read, then seal and send. */
import { type ConflictCard, cardBytes, planCard } from "../../core/conflict_card.ts";
import { type Plan, planDeposit, sealDeposit } from "../../core/deposit.ts";
import { type Done, type Pending, send } from "../../core/deposit_send.ts";
import { runningRequest, takesUrgent } from "../../core/deposit_window.ts";
import { ExplainedError } from "../../core/errors.ts";
import type { Deposited } from "../../core/registry.ts";
import type { Kind, StatementOf } from "../../core/statements.ts";
import { action, attempt, onSubmit, progressIn } from "../parts/attempts.ts";
import { cloned, focusOn, h, table, within } from "../parts/dom.ts";
import { type Chosen, chosenIn, dropped } from "../parts/files.ts";
import { sizeOf, t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";
import { receiptOf } from "./receipt.ts";
import { findingsList } from "./findings.ts";
import { expectedIn, pieceTypes } from "./piece_types.ts";

interface Typed extends Chosen {
  type: string;
}

export function depositForm(app: App, sitting: StatementOf<"sitting">, mine: readonly Deposited[], pathways: ReadonlyMap<string, string>): HTMLElement {
  const form = cloned<HTMLFormElement>("tpl-deposit");
  const chosen: Typed[] = [];
  const messages = within(form, ".messages");
  const complement = within<HTMLSelectElement>(form, "#complement");
  for (const each of mine.filter((one) => one.complement === 0 && !one.withdrawn)) {
    complement.append(h("option", { value: each.reference }, t("oui, {reference}", { reference: each.reference })));
  }
  const add = (some: readonly Chosen[]): void => {
    for (const each of some) {
      if (!chosen.some((one) => one.path === each.path)) chosen.push({ ...each, type: guess(each.path) });
    }
    draw(form, chosen);
  };
  for (const id of ["#files", "#folder"]) {
    const input = within<HTMLInputElement>(form, id);
    input.addEventListener("change", () => {
      add(chosenIn(input));
      input.value = "";
    });
  }
  acceptDrops(within(form, ".drop"), add, messages);
  draw(form, chosen);
  const pathway = within<HTMLSelectElement>(form, "#pathway");
  const renewal = within<HTMLInputElement>(form, "[name=kind][value=renewal]");
  for (const [id, label] of pathways) pathway.append(h("option", { value: id }, label));
  const field = within(form, "#pathway-field");
  for (const radio of form.querySelectorAll("[name=kind]")) radio.addEventListener("change", () => (field.hidden = !renewal.checked));
  for (const radio of form.querySelectorAll("[name=kind]")) radio.addEventListener("change", () => checklist(form, chosen));
  onSubmit(form, messages, async () => {
    const kind = within<HTMLInputElement>(form, "[name=kind]:checked").value as Kind;
    const card = cardOf(form);
    const desk = deskOf(app);
    const late = takesUrgent(sitting, desk.now);
    const answers = runningRequest(desk.view.ledger, sitting.sitting, complement.value, desk.now) !== null;
    const plan = await planDeposit(desk, {
      urgent: late && !answers,
      sitting: sitting.sitting,
      kind,
      pathway: pathway.value === "" ? null : pathway.value,
      files: chosen.map(({ type, path, content }) => ({ path: `${type}/${path}`, content })),
      complementOf: complement.value === "" ? null : complement.value,
      checklist: expectedIn(kind).map(([piece]) => ({ piece, present: chosen.some((each) => each.type === piece) })),
      note: within<HTMLTextAreaElement>(form, "#note").value.trim(),
    });
    confirm(app, form, { plan, card });
  });
  return form;
}

/** A dossier about to be deposited, and its card if the person filled one in. */
interface Wish {
  readonly plan: Plan;
  readonly card: ConflictCard | null;
}

/** The three fields of the card: all of them, or none. */
function cardOf(form: HTMLElement): ConflictCard | null {
  const value = (id: string): string => within<HTMLInputElement>(form, id).value.trim();
  const [initials, year, commune] = [value("#card-initials"), value("#card-year"), value("#card-commune")];
  if (initials === "" && year === "" && commune === "") return null;
  if (initials === "" || commune === "" || !/^[0-9]{4}$/.test(year)) {
    throw new ExplainedError("usage", "La fiche de conflit demande des initiales, une année à quatre chiffres et une commune ; ou laissez-la vide.");
  }
  const card = { initials, year: Number(year), commune };
  cardBytes(card);
  return card;
}

function acceptDrops(zone: HTMLElement, add: (some: readonly Chosen[]) => void, messages: HTMLElement): void {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const { dataTransfer } = event;
    if (dataTransfer !== null) void attempt(messages, null, async () => add(await dropped(dataTransfer)));
  });
}

/** From the file's name, only to spare clicks: the person corrects it. */
function guess(path: string): string {
  const plain = path.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  return pieceTypes().find(([code]) => plain.includes(code))?.[0] ?? "autre";
}

function draw(form: HTMLElement, chosen: Typed[]): void {
  const place = within(form, ".chosen");
  const rows = chosen.map((each, at) => {
    const select = h("select", { id: `type-${at}`, "aria-label": t("Type de la pièce {name}", { name: each.path }) });
    for (const [code, label] of pieceTypes()) select.append(h("option", { value: code }, label));
    select.value = each.type;
    select.addEventListener("change", () => {
      each.type = select.value;
      checklist(form, chosen);
    });
    const remove = h("button", { type: "button", class: "link", onclick: () => {
      chosen.splice(at, 1);
      draw(form, chosen);
    } }, t("Ôter"), h("span", { class: "visually-hidden" }, ` ${each.path}`));
    return [{ content: each.path, head: true }, select, sizeOf(each.content.size), remove];
  });
  place.replaceChildren(rows.length === 0 ? h("p", { class: "soft" }, t("Aucune pièce choisie.")) : table(t("Pièces choisies"), [t("Fichier"), t("Type"), t("Taille"), t("Ôter")], rows));
  checklist(form, chosen);
}

function checklist(form: HTMLElement, chosen: readonly Typed[]): void {
  const kind = within<HTMLInputElement>(form, "[name=kind]:checked").value as Kind;
  const items = expectedIn(kind).map(([code, label]) => {
      const there = chosen.some((each) => each.type === code);
      return h("li", {}, h("span", { class: `tag${there ? " good" : " warning"}` }, there ? t("présent") : t("manque")), ` ${label}`);
    });
  within(form, ".checklist").replaceChildren(h("p", { class: "hint" }, t("Pièces attendues d'ordinaire (un dépôt incomplet reste possible) :")), h("ul", {}, ...items));
}

/** The last look before sealing: for whom, and which keys are new. */
function confirm(app: App, form: HTMLFormElement, wish: Wish): void {
  const { plan, card } = wish;
  const messages = h("div");
  const fresh = plan.readers.filter((each) => each.isNew).length;
  const rows = plan.readers.map((each) => [
    { content: each.name, head: true },
    each.seatLabel ?? "",
    h("span", {}, h("span", { class: "tag good" }, t("certifié, vérifié")), each.isNew && h("span", { class: "tag warning" }, t("clé nouvelle"))),
    h("span", { class: "mono small" }, each.fingerprint),
  ]);
  const panel: HTMLElement = h(
    "section",
    { class: "panel" },
    h("h2", {}, t("Qui pourra lire ce dossier")),
    h("p", {}, t("{count} pièce(s), {size}. Dossier {reference}.", { count: plan.pieces.length, size: sizeOf(plan.files.reduce((sum, file) => sum + file.size, 0)), reference: plan.reference })),
    fresh > 0 && h("p", { class: "notice warning" }, t("Clés nouvelles depuis votre dernier dépôt : {count}. Comparez leur empreinte par téléphone avec la personne, à un numéro que vous connaissez.", { count: fresh })),
    card !== null && h("p", {}, t("Fiche de conflit : {initials}, {year}, {commune}. Les mêmes personnes la liront, avant de déclarer.", { ...card })),
    findingsList(plan.findings),
    table(t("Lecteurs, le temps de la séance"), [t("Personne"), t("Siège"), t("Vérification"), t("Empreinte")], rows),
    h("p", { class: "soft" }, t("Peuvent transmettre l'accès, sans le lire ici : {names}", { names: plan.colleagues.map((each) => each.name).join(", ") })),
    messages,
    h("div", { class: "actions" },
      action(t("Chiffrer et déposer"), messages, (): Promise<void> => deposit(app, panel, messages, wish)),
      action(t("Revenir aux pièces"), messages, async (): Promise<void> => {
        panel.replaceWith(form);
        focusOn(within(form, "h2"));
      }, "plain"),
    ),
  );
  form.replaceWith(panel);
  focusOn(within(panel, "h2"));
}

/** What was sealed for a plan: after a broken line the same is sent again, and no second one is made. */
const sealedFor = new WeakMap<Plan, Pending>();

async function sealedOnce(app: App, messages: HTMLElement, plan: Plan): Promise<Pending> {
  const known = sealedFor.get(plan);
  if (known !== undefined) return known;
  const size = plan.files.reduce((sum, file) => sum + file.size, 0);
  if (size === 0) throw new ExplainedError("usage", "Toutes ces pièces sont vides : choisissez-en d'autres.");
  const sealing = progressIn(messages, t("Chiffrement dans ce navigateur"));
  const made = await sealDeposit(deskOf(app), plan, (done) => {
    app.idle.seen();
    sealing(done, size);
  });
  sealedFor.set(plan, made);
  return made;
}

/** The dossier first: its card names it. Sent once, whatever the line does to the card after it. */
const sentFor = new WeakMap<Plan, Done>();

async function deposit(app: App, panel: HTMLElement, messages: HTMLElement, { plan, card }: Wish): Promise<void> {
  const done = sentFor.get(plan) ?? (await sendDossier(app, messages, plan));
  sentFor.set(plan, done);
  if (card !== null) await sendCard(app, plan, card);
  const shown = receiptOf(app, done.manifest, done.receipt);
  if (card !== null) shown.append(h("p", {}, t("Sa fiche de conflit est déposée aussi.")));
  const again = h("div", { class: "actions" }, h("button", { type: "button", onclick: () => void app.redraw() }, t("Retour à mes dossiers")));
  shown.append(again);
  panel.replaceWith(shown);
  app.view.querySelector(".mine")?.remove(); // it does not hold this one yet
  focusOn(within(shown, "h3"));
}

async function sendCard(app: App, plan: Plan, card: ConflictCard): Promise<void> {
  const desk = deskOf(app);
  const made = await planCard(desk, plan.sitting.statement.sitting, plan.reference, card);
  await send(desk, await sealDeposit(desk, made, () => undefined), () => undefined);
}

async function sendDossier(app: App, messages: HTMLElement, plan: Plan): Promise<Done> {
  const desk = deskOf(app);
  const pending = await sealedOnce(app, messages, plan);
  const sending = progressIn(messages, t("Envoi"));
  return send(desk, pending, (sent) => {
    app.idle.seen();
    sending(sent, pending.payload.size);
  });
}
