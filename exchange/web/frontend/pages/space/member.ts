/** A member at a sitting: undertake, declare or step aside, take the dossiers, read. */
import { complain, notedFaults } from "../../core/complaint.ts";
import { cardsToRead, readCards } from "../../core/conflict_card.ts";
import { type Declarable, UNDERTAKING_TEXT, declare, look, recuse, undertake } from "../../core/declare.ts";
import { parseInstant } from "../../core/encoding.ts";
import { ExplainedError } from "../../core/errors.ts";
import { type OpenPack, openPack, takePack } from "../../core/pack.ts";
import type { Pack } from "../../core/pack_store.ts";
import { packTar } from "../../core/pack_file.ts";
import { agendaOf, depositsOf, latestAgenda, listed } from "../../core/registry.ts";
import type { StatementOf } from "../../core/statements.ts";
import { action, ask, attempt, inform, progressIn } from "../parts/attempts.ts";
import { h, table } from "../parts/dom.ts";
import { handOut } from "../parts/files.ts";
import { moment, t } from "../parts/words.ts";
import { proxyPart } from "./proxy.ts";
import { type App, associationLabel, deskOf, stateOf } from "./app.ts";

type Sitting = StatementOf<"sitting">;

export async function memberPart(app: App, place: HTMLElement, sitting: Sitting): Promise<void> {
  const desk = deskOf(app);
  const part = h("section", {}, h("h2", {}, t("Mes dossiers à cette séance")));
  place.append(part);
  if (latestAgenda(desk.view.ledger, sitting.sitting) === null) {
    part.append(h("p", { class: "notice" }, t("L'ordre du jour n'est pas encore publié. Revenez après la convocation.")));
    return;
  }
  const seen = await look(desk, sitting.sitting);
  if (!seen.undertaken) {
    part.append(undertaking(app, seen));
    return;
  }
  for (const reference of seen.openToMe) {
    if ((await notedFaults(app.browser.profile, reference)).length > 0) part.append(faulty(app, reference));
  }
  part.append(agenda(app, sitting, seen));
  part.append(await dossiers(app, sitting, seen));
  if (stateOf(desk.view.ledger, sitting, desk.now) !== "closed") part.append(proxyPart(app, sitting));
}

/** A dossier that its association sealed badly for this device: the reader may say so, signed. */
function faulty(app: App, reference: string): HTMLElement {
  const messages = h("div");
  return h(
    "div",
    { class: "notice bad" },
    h("strong", {}, t("Le dossier {reference} ne peut pas être ouvert", { reference })),
    h("p", {}, t("L'association l'a scellé pour vous avec une clé qui n'ouvre pas ce qu'elle a signé. Signalez-le : elle pourra vous redonner accès.")),
    messages,
    h("div", { class: "actions" }, action(t("Signer le signalement"), messages, async () => {
      await complain(deskOf(app), reference);
      await app.redraw();
    })),
  );
}

function undertaking(app: App, seen: Declarable): HTMLElement {
  const messages = h("div");
  const agreed = h("input", { type: "checkbox", id: "agreed" });
  return h(
    "div",
    { class: "panel" },
    h("h3", {}, t("D'abord : votre engagement de confidentialité")),
    h("blockquote", { lang: "fr", class: "as-written" }, UNDERTAKING_TEXT.trim()),
    h("label", { class: "check" }, agreed, h("span", {}, t("J'ai lu ce texte et je m'y engage."))),
    messages,
    h("div", { class: "actions" }, action(t("Signer l'engagement"), messages, async () => {
      if (!agreed.checked) {
        throw new ExplainedError("usage", "Lisez l'engagement, puis cochez la case.");
      }
      await undertake(deskOf(app), seen.mandate);
      await app.redraw();
    })),
  );
}

/** The agenda by association, with what this member declared of each dossier. */
function agenda(app: App, sitting: Sitting, seen: Declarable): HTMLElement {
  const desk = deskOf(app);
  const index = desk.view.ledger;
  const messages = h("div");
  const boxes: HTMLInputElement[] = [];
  const items = listed(index, agendaOf(index, sitting.sitting));
  const shown = new Set([...seen.openToMe, ...seen.recused]);
  const groups = [...new Set(items.map((item) => item.association))].map((association) => {
    const mine = items.filter((item) => item.association === association && shown.has(item.dossier));
    if (mine.length === 0) return null;
    const rows = mine.map((item) => [
      { content: h("code", {}, item.dossier), head: true },
      kindOf(app, sitting.sitting, item.dossier),
      stand(seen, item.dossier, boxes),
      seen.recused.has(item.dossier) ? "" : stepAside(app, sitting, item.dossier, messages),
    ]);
    return table(associationLabel(index, association), [t("Dossier"), t("Demande"), t("Votre position"), t("Se déporter")], rows);
  });
  const hidden = items.length - items.filter((item) => shown.has(item.dossier)).length;
  const due = seen.openToMe.filter((each) => !seen.declared.has(each));
  return h(
    "div",
    {},
    h("h3", {}, t("Ordre du jour")),
    due.length > 0 && cards(app, sitting, seen),
    due.length > 0 && h("p", {}, t("Pour chaque dossier, déclarez que vous n'avez pas de conflit d'intérêts, ou déportez-vous. Aucun dossier ne s'ouvre avant.")),
    ...groups,
    hidden > 0 && h("p", { class: "soft" }, t("Dossiers retirés, ou de votre propre organisme, qui ne vous sont pas remis : {count}.", { count: hidden })),
    messages,
    due.length > 0 &&
      h("div", { class: "actions" }, action(t("Signer ma déclaration"), messages, async () => {
        const wanted = boxes.filter((box) => box.checked).map((box) => box.value);
        if (wanted.length === 0) {
          throw new ExplainedError("usage", "Cochez au moins un dossier, ou déportez-vous.");
        }
        await declare(desk, seen, wanted);
        await app.redraw();
      })),
  );
}

/** Who the dossiers are about, as far as a conflict needs it: shown on demand, and kept nowhere. */
function cards(app: App, sitting: Sitting, seen: Declarable): HTMLElement | null {
  const desk = deskOf(app);
  if (stateOf(desk.view.ledger, sitting, desk.now) !== "open" || cardsToRead(desk, seen).length === 0) return null;
  const messages = h("div");
  const place = h("div");
  const show = action(t("Lire les fiches de conflit"), messages, async () => {
    const { shown, refused, faulty } = await readCards(desk, seen);
    const rows = shown.map(({ reference, card }) => [
      { content: h("code", {}, reference), head: true },
      card.initials,
      String(card.year),
      card.commune,
    ]);
    place.replaceChildren(table(t("Fiches de conflit"), [t("Dossier"), t("Initiales"), t("Année de naissance"), t("Commune")], rows));
    const left = [...refused.map((each) => each.reference), ...faulty.map((each) => each.reference)];
    if (left.length > 0) inform(messages, t("Fiches qui n'ont pas pu être lues : {list}", { list: left.join(", ") }));
  }, "plain");
  return h("div", { class: "panel" },
    h("p", {}, t("Des fiches accompagnent ces dossiers : lisez-les avant de déclarer. Chaque lecture est inscrite au journal.")),
    messages,
    place,
    h("div", { class: "actions" }, show),
  );
}

function kindOf(app: App, sitting: string, reference: string): string {
  const deposited = depositsOf(deskOf(app).view.ledger, sitting).filter((each) => each.reference === reference);
  const first = deposited[0];
  if (first === undefined) return "";
  const kind = first.manifest.statement.kind === "renewal" ? t("renouvellement") : t("entrée dans le parcours");
  return deposited.length > 1 ? t("{kind}, {count} complément(s)", { kind, count: deposited.length - 1 }) : kind;
}

function stand(seen: Declarable, reference: string, boxes: HTMLInputElement[]): HTMLElement {
  if (seen.recused.has(reference)) return h("span", { class: "tag warning" }, t("déporté"));
  if (seen.declared.has(reference)) return h("span", { class: "tag good" }, t("sans conflit, signé"));
  const box = h("input", { type: "checkbox", value: reference, id: `no-conflict-${reference}` });
  boxes.push(box);
  return h("label", { class: "check" }, box, h("span", {}, t("pas de conflit"), h("span", { class: "visually-hidden" }, ` ${reference}`)));
}

function stepAside(app: App, sitting: Sitting, reference: string, messages: HTMLElement): HTMLElement {
  const button = action(t("Me déporter"), messages, async () => {
    const yes = await ask(
      t("Vous déporter du dossier {reference} ?", { reference }),
      t("Vous n'y aurez plus accès, et ne pourrez pas revenir sur ce choix. Le secrétariat en est informé."),
      t("Me déporter"),
      false,
    );
    if (yes === null) return;
    await recuse(deskOf(app), sitting.sitting, [reference]);
    await app.redraw();
  }, "link");
  button.append(h("span", { class: "visually-hidden" }, ` ${reference}`));
  return button;
}

/** Taking, then the list of what was taken. */
async function dossiers(app: App, sitting: Sitting, seen: Declarable): Promise<HTMLElement> {
  const desk = deskOf(app);
  const part = h("div", {}, h("h3", {}, t("Lire")));
  const messages = h("div");
  const state = stateOf(desk.view.ledger, sitting, desk.now);
  if (state === "closed") {
    part.append(h("p", { class: "notice" }, t("La séance est close : plus aucun dossier ne s'ouvre, et ceux qui étaient ici ont été effacés.")));
    return part;
  }
  if (state !== "open") {
    part.append(h("p", { class: "notice" }, t("Les dossiers s'ouvriront le {moment}.", { moment: moment(sitting.opens_at, sitting.zone) })));
    return part;
  }
  const opened = await openPack(app.browser, sitting.sitting);
  if (opened !== null) part.append(takenList(opened));
  const waiting = [...seen.declared].filter((each) => !seen.recused.has(each)).length;
  if (waiting === 0) {
    part.append(h("p", { class: "soft" }, t("Signez d'abord votre déclaration pour les dossiers que vous voulez lire.")));
    return part;
  }
  const label = opened === null ? t("Prendre les dossiers") : t("Prendre de nouveau (compléments)");
  const take = action(label, messages, () => takeAll(app, sitting, messages), opened === null ? "" : "plain");
  part.append(messages, h("div", { class: "actions" }, take, opened !== null && packButton(app, opened.pack)));
  return part;
}

async function takeAll(app: App, sitting: Sitting, messages: HTMLElement): Promise<void> {
  const advance = progressIn(messages, t("Réception et vérification"));
  const { refused } = await takePack(deskOf(app), sitting.sitting, [], (_reference, done, total) => {
    app.idle.seen();
    advance(done, total);
  });
  await app.redraw();
  if (refused.length > 0) {
    const place = h("div");
    app.view.prepend(place);
    inform(place, t("Refusés par le service : {list}", { list: refused.map((each) => `${each.reference} (${each.message})`).join(" ; ") }));
  }
}

export function takenList({ pack, view }: OpenPack): HTMLElement {
  const items = pack.dossiers.map((each, at) => {
    const link = h("a", { class: "button plain", href: `#lecture/${pack.sitting}/${at}` }, t("Lire"));
    link.append(h("span", { class: "visually-hidden" }, ` ${each.stem}`));
    return [{ content: h("code", {}, each.stem.split("/")[1] ?? each.stem), head: true }, associationLabel(view.ledger, each.association), link];
  });
  return h(
    "div",
    {},
    h("p", {}, t("Dossiers pris, scellés dans ce navigateur, lisibles même hors ligne jusqu'au {moment}.", { moment: moment(parseInstant(pack.closesAt)) })),
    table(t("Dossiers pris"), [t("Dossier"), t("Association"), t("Lecture")], items),
  );
}

function packButton(app: App, pack: Pack): HTMLElement {
  const button: HTMLButtonElement = h("button", { type: "button", class: "plain", onclick: () =>
    void attempt(h("div"), button, async () => {
      handOut(packTar(pack, app.browser.clock()), "seance.tar");
    }) }, t("Télécharger le lot scellé"));
  return button;
}
