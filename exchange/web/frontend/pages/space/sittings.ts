/** My sittings, as the service may show them to me and as this browser verified them. */
import { latestSitting } from "../../core/registry.ts";
import { h, table } from "../parts/dom.ts";
import { roleScripts } from "../parts/roles.ts";
import { moment, t } from "../parts/words.ts";
import { type App, deskOf, stateLabel, stateOf } from "./app.ts";

export async function sittingsView(app: App, place: HTMLElement): Promise<void> {
  const desk = deskOf(app);
  await desk.load("closing");
  const found = [...(await desk.sittings())]
    .map((each) => latestSitting(desk.view.ledger, each.statement.sitting) ?? each)
    .sort((one, other) => (one.statement.opens_at < other.statement.opens_at ? 1 : -1));
  place.append(h("h1", {}, t("Séances")));
  if (found.length === 0) {
    place.append(h("p", { class: "notice" }, t("Aucune séance ne vous concerne pour l'instant.")));
  } else {
    const rows = found.map(({ statement }) => {
      const state = stateOf(desk.view.ledger, statement, desk.now);
      const date = moment(statement.opens_at, statement.zone);
      return [
        { content: h("a", { href: `#seance/${statement.sitting}` }, date), head: true },
        h("span", { class: `tag${state === "open" ? " good" : ""}` }, stateLabel(state)),
        moment(statement.deposit_by, statement.zone),
        moment(statement.closes_at, statement.zone),
      ];
    });
    place.append(table(t("Les plus récentes d'abord"), [t("Ouverture"), t("État"), t("Fin des dépôts"), t("Clôture")], rows));
  }
  if (desk.isRegistrar) place.append((await roleScripts("registrar")).newSittingForm(app));
}
