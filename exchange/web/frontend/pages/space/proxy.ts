/** A member who cannot come lets another seat speak for theirs. */
import { giveProxy, myProxy, otherSeats } from "../../core/meeting.ts";
import type { StatementOf } from "../../core/statements.ts";
import { action } from "../parts/attempts.ts";
import { h } from "../parts/dom.ts";
import { t } from "../parts/words.ts";
import { type App, deskOf, seatLabel } from "./app.ts";

export function proxyPart(app: App, sitting: StatementOf<"sitting">): HTMLElement {
  const desk = deskOf(app);
  const { ledger } = desk.view;
  const messages = h("div");
  const give = async (holder: string | null): Promise<void> => {
    await giveProxy(desk, sitting.sitting, holder);
    await app.redraw();
  };
  const holder = myProxy(desk, sitting.sitting);
  if (holder !== null) {
    return h("details", { open: true }, h("summary", {}, t("Si vous ne pouvez pas venir")),
      h("p", {}, t("Mandat donné : {seat} parle pour votre siège.", { seat: seatLabel(ledger, holder) })), messages,
      h("div", { class: "actions" }, action(t("Reprendre mon mandat"), messages, () => give(null), "plain")));
  }
  const select = h("select", { id: "proxy-holder" });
  for (const seat of otherSeats(desk, sitting)) select.append(h("option", { value: seat }, seatLabel(ledger, seat)));
  return h("details", {}, h("summary", {}, t("Si vous ne pouvez pas venir")),
    h("p", {}, t("Un autre membre peut parler pour votre siège ; il ne peut tenir qu'un mandat (CRPA R133-9). Cela n'ouvre aucun dossier.")),
    h("div", { class: "field" }, h("label", { for: select.id }, t("Siège à qui vous donnez mandat")), select), messages,
    h("div", { class: "actions" }, action(t("Donner mandat"), messages, () => give(select.value), "plain")));
}
