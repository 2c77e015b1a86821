/** To which seats the key of one's own dossier was given, by seat and never by name. */
import { readReceipts } from "../../core/read_receipts.ts";
import type { Deposited } from "../../core/registry.ts";
import { action } from "../parts/attempts.ts";
import { focusOn, h, table, within } from "../parts/dom.ts";
import { moment, t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";

export function readReceiptsButton(app: App, sitting: string, each: Deposited, messages: HTMLElement): HTMLElement {
  const button = action(t("Lectures"), messages, async () => {
    const found = await readReceipts(deskOf(app), sitting, each.reference);
    const rows = found.map((read) => [
      { content: read.label, head: true },
      read.isCard ? t("fiche de conflit") : h("code", {}, read.fileStem),
      moment(read.at),
    ]);
    messages.replaceChildren(
      h("section", { class: "panel" },
        h("h3", {}, t("Lectures du dossier {reference}", { reference: each.reference })),
        rows.length === 0
          ? h("p", {}, t("Aucun siège n'a encore reçu la clé de ce dossier."))
          : table(t("Sièges qui ont reçu la clé"), [t("Siège"), t("De quoi"), t("Moment")], rows),
        h("p", { class: "soft small" }, t("Le journal le prouve, par siège et jamais par personne. Recevoir la clé n'est pas encore avoir lu."))),
    );
    focusOn(within(messages, "h3"));
  }, "link");
  button.append(h("span", { class: "visually-hidden" }, ` ${each.fileStem}`));
  return button;
}
