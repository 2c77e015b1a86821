/** One sitting: its dates and seats, then what this person may do there. */
import { isClosed, latestRoster, sittingOf } from "../../core/registry.ts";
import type { StatementOf } from "../../core/statements.ts";
import { facts, h, table } from "../parts/dom.ts";
import { roleScripts } from "../parts/roles.ts";
import { moment, t } from "../parts/words.ts";
import { type App, deskOf, personName, seatLabel, stateLabel, stateOf } from "./app.ts";

export async function sittingView(app: App, place: HTMLElement, id = ""): Promise<void> {
  const desk = deskOf(app);
  await desk.loadSitting(id);
  if (latestRoster(desk.view.ledger) === null) await desk.load("roster");
  const { statement: sitting } = sittingOf(desk.view.ledger, id);
  place.append(
    h("p", { class: "no-print" }, h("a", { href: "#seances" }, t("Toutes les séances"))),
    h("h1", {}, t("Séance du {moment}", { moment: moment(sitting.opens_at, sitting.zone) })),
    overview(app, sitting),
  );
  const roles = desk.who.roles;
  if (desk.isRegistrar) await (await roleScripts("registrar")).registrarPart(app, place, sitting);
  if (roles.includes("member") && sitting.seats.some((seat) => seat.person === desk.who.person)) {
    await (await roleScripts("member")).memberPart(app, place, sitting);
  }
  if (roles.includes("depositor")) await (await roleScripts("association")).associationPart(app, place, sitting);
  place.append(seats(app, sitting));
}

function overview(app: App, sitting: StatementOf<"sitting">): HTMLElement {
  const desk = deskOf(app);
  const state = stateOf(desk.view.ledger, sitting, desk.now);
  const list = h("dl", { class: "panel quiet" });
  list.append(
    ...facts(
      [t("État"), h("span", { class: `tag${state === "open" ? " good" : ""}` }, stateLabel(state))],
      [t("Fin des dépôts"), moment(sitting.deposit_by, sitting.zone)],
      [t("Lecture"), t("du {from} au {to}", { from: moment(sitting.opens_at, sitting.zone), to: moment(sitting.closes_at, sitting.zone) })],
    ),
  );
  if (sitting.urgency !== null) list.append(...facts([t("Urgence"), sitting.urgency]));
  return list;
}

function seats(app: App, sitting: StatementOf<"sitting">): HTMLElement {
  const index = deskOf(app).view.ledger;
  const rows = sitting.seats.map((seat) => [
    { content: seatLabel(index, seat.seat), head: true },
    personName(index, seat.person),
    seat.capacity === "titular" ? t("titulaire") : t("suppléant"),
  ]);
  const open = isClosed(index, sitting, deskOf(app).now) ? {} : { open: rows.length < 6 };
  return h(
    "details",
    open,
    h("summary", {}, t("Qui siège ({count} sièges)", { count: rows.length })),
    table(t("Formation restreinte"), [t("Siège"), t("Personne"), t("Qualité")], rows),
  );
}
