/** The receipt of a deposit: to keep as a file, to print, to check with other software. */
import type { Accepted } from "../../core/ledger.ts";
import { facts, h } from "../parts/dom.ts";
import { handOut } from "../parts/files.ts";
import { moment, sizeOf, t } from "../parts/words.ts";
import { type App, deskOf, signerName } from "./app.ts";

export function receiptOf(app: App, manifest: Accepted<"manifest">, receipt: string): HTMLElement {
  const { statement } = manifest;
  const index = deskOf(app).view.ledger;
  const readers = statement.envelopes.filter((entry) => entry.purpose === "read");
  const names = [...new Set(readers.map((entry) => signerName(index, entry.certificate)))];
  return h(
    "section",
    { class: "panel", "aria-label": t("Récépissé de dépôt") },
    h("h3", {}, t("Récépissé de dépôt")),
    h("p", { class: "verdict" }, t("Déposé et inscrit au journal : dossier {reference}", { reference: statement.dossier })),
    h("dl", {}, ...facts(
      [t("Inscrit le"), moment(manifest.at)],
      [t("Numéro au journal"), String(manifest.order)],
      [t("Déposé par"), signerName(index, statement.signer)],
      [t("Taille chiffrée"), sizeOf(statement.length)],
      [t("Scellé pour"), names.join(", ")],
      [t("Empreinte du contenu"), h("code", {}, statement.sha256)],
    )),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "plain", onclick: () => window.print() }, t("Imprimer")),
      h("button", { type: "button", class: "plain", onclick: () => handOut(new Blob([receipt], { type: "text/plain" }), `recepisse-${statement.dossier}.txt`) }, t("Enregistrer le récépissé")),
    ),
  );
}
