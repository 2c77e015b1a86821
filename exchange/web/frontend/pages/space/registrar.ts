/** The secretariat at a sitting: seats, agenda, convocation, closing; each signed in this browser. */
import { closeSitting } from "../../core/endings.ts";
import { publishAgenda, publishSitting, urgentDossiers } from "../../core/registrar.ts";
import { type Deposited, depositsOf, isClosed, latestAgenda, listed, rosterOf } from "../../core/registry.ts";
import type { StatementOf } from "../../core/statements.ts";
import { action, ask, inform } from "../parts/attempts.ts";
import { h, table } from "../parts/dom.ts";
import { moment, t } from "../parts/words.ts";
import { type App, associationLabel, deskOf, personName } from "./app.ts";
import { attendanceForm } from "./attendance.ts";
import { complementForm } from "./complement_form.ts";
import { datesForm } from "./sitting_form.ts";

type Sitting = StatementOf<"sitting">;

export async function registrarPart(app: App, place: HTMLElement, sitting: Sitting): Promise<void> {
  const desk = deskOf(app);
  await desk.load("certificate");
  const over = isClosed(desk.view.ledger, sitting, desk.now);
  const messages = h("div");
  place.append(
    h("section", {}, h("h2", {}, t("Dossiers déposés")), deposits(app, sitting), messages, over ? null : acts(app, sitting, messages)),
  );
  if (over) return;
  const open = depositsOf(desk.view.ledger, sitting.sitting).filter((each) => each.complement === 0 && !each.withdrawn);
  if (open.length > 0) place.append(h("details", {}, h("summary", {}, t("Demander un complément")), complementForm(app, sitting, open)));
  if (sitting.stage === "convoked") place.append(attendanceForm(app, sitting));
  place.append(h("details", {}, h("summary", {}, t("Choisir qui siège")), seatsForm(app, sitting)));
  place.append(h("details", {}, h("summary", {}, t("Changer les dates")), datesForm(app, sitting)));
}

function deposits(app: App, sitting: Sitting): HTMLElement {
  const { ledger } = deskOf(app).view;
  const found = depositsOf(ledger, sitting.sitting);
  if (found.length === 0) return h("p", { class: "soft" }, t("Aucun dossier déposé pour cette séance."));
  const items = listed(ledger, latestAgenda(ledger, sitting.sitting));
  const onAgenda = new Set(items.flatMap((item) => item.manifests));
  const urgent = urgentDossiers(ledger, sitting.sitting);
  const state = (each: Deposited): HTMLElement => {
    if (each.withdrawn) return h("span", { class: "tag bad" }, t("retiré"));
    return onAgenda.has(each.manifest.digest)
      ? h("span", { class: "tag good" }, t("à l'ordre du jour"))
      : h("span", { class: "tag warning" }, urgent.has(each.reference) ? t("déposé en urgence, pas à l'ordre du jour") : t("pas encore à l'ordre du jour"));
  };
  const rows = found.map((each) => [
    { content: h("code", {}, each.fileStem), head: true },
    associationLabel(ledger, each.association),
    each.complement > 0 ? t("complément") : each.manifest.statement.kind === "renewal" ? t("renouvellement") : t("entrée dans le parcours"),
    state(each),
    moment(each.manifest.at),
  ]);
  return table(t("Références seulement : le secrétariat ne peut pas lire les dossiers"), [t("Dossier"), t("Association"), t("Demande"), t("État"), t("Déposé")], rows);
}

function acts(app: App, sitting: Sitting, messages: HTMLElement): HTMLElement {
  const desk = deskOf(app);
  const version = latestAgenda(desk.view.ledger, sitting.sitting)?.statement.version ?? 0;
  const convoked = sitting.stage === "convoked";
  return h(
    "div",
    { class: "actions" },
    action(version === 0 ? t("Signer l'ordre du jour") : t("Signer un nouvel ordre du jour"), messages, async () => {
      await publishAgenda(desk, sitting.sitting);
      await app.redraw();
    }, version === 0 ? "" : "plain"),
    ...urgentActs(app, sitting, messages),
    !convoked && action(t("Convoquer"), messages, async () => {
      const yes = await ask(
        t("Convoquer la séance ?"),
        t("La convocation est signée et part au journal. Elle précède la séance d'au moins cinq jours, sauf urgence motivée (CRPA R133-8)."),
        t("Convoquer"),
        false,
      );
      if (yes === null) return;
      await publishSitting(desk, { sitting: sitting.sitting, convoke: true });
      await app.redraw();
    }, version === 0 ? "plain" : ""),
    action(t("Clore la séance"), messages, async () => {
      const yes = await ask(
        t("Clore la séance ?"),
        t("Toutes ses clés sont détruites : plus aucun dossier ne s'ouvrira, pour personne. On ne revient pas dessus."),
        t("Clore définitivement"),
        false,
      );
      if (yes === null) return;
      const { destroyed } = await closeSitting(desk, sitting.sitting);
      await app.redraw();
      const place = h("div");
      app.view.prepend(place);
      inform(place, destroyed === null ? t("Séance close. Le gardien n'a pas encore rendu compte de la destruction des clés.") : t("Séance close : {count} clés de dépôt détruites.", { count: destroyed }));
    }, "danger"),
  );
}

/** An urgent dossier goes on the agenda by an act of its own. */
function urgentActs(app: App, sitting: Sitting, messages: HTMLElement): readonly HTMLElement[] {
  const desk = deskOf(app);
  const items = listed(desk.view.ledger, latestAgenda(desk.view.ledger, sitting.sitting));
  const onAgenda = new Set(items.map((item) => item.dossier));
  return [...urgentDossiers(desk.view.ledger, sitting.sitting)]
    .filter((reference) => !onAgenda.has(reference))
    .map((reference) =>
      action(t("Inscrire {reference}, déposé en urgence", { reference }), messages, async () => {
        await publishAgenda(desk, sitting.sitting, [reference]);
        await app.redraw();
      }, "plain"),
    );
}

/** One choice a seat, among those who hold a mandate there. */
function seatsForm(app: App, sitting: Sitting): HTMLElement {
  const desk = deskOf(app);
  const { ledger } = desk.view;
  const { seats, mandates } = rosterOf(ledger).statement;
  const selects = seats
    .filter((seat) => seat.kind !== "guest")
    .map((seat) => {
      const select = h("select", { id: `seat-${seat.seat}` });
      const now = sitting.seats.find((each) => each.seat === seat.seat)?.person ?? "";
      select.append(h("option", { value: "" }, t("personne (pas d'appareil certifié)")));
      for (const mandate of mandates.filter((each) => each.seat === seat.seat)) {
        const capacity = mandate.capacity === "titular" ? t("titulaire") : t("suppléant");
        select.append(h("option", { value: mandate.person }, `${personName(ledger, mandate.person)} (${capacity})`));
      }
      select.value = now;
      return { seat, select };
    });
  const messages = h("div");
  return h(
    "div",
    { class: "panel" },
    ...selects.map(({ seat, select }) => h("div", { class: "field" }, h("label", { for: select.id }, seat.label), select)),
    messages,
    h("div", { class: "actions" }, action(t("Signer qui siège"), messages, async () => {
      const chosen = Object.fromEntries(selects.filter(({ select }) => select.value !== "").map(({ seat, select }) => [seat.seat, select.value]));
      await publishSitting(desk, { sitting: sitting.sitting, seats: chosen });
      await app.redraw();
    })),
  );
}
