/** The secretariat asks for missing pieces of a dossier, by their kinds, until a moment. */
import { ExplainedError } from "../../core/errors.ts";
import { requestComplement } from "../../core/registrar.ts";
import { type Deposited } from "../../core/registry.ts";
import type { StatementOf } from "../../core/statements.ts";
import { onSubmit } from "../parts/attempts.ts";
import { h, within } from "../parts/dom.ts";
import { t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";
import { pieceTypes } from "./piece_types.ts";
import { instantIn } from "./sitting_form.ts";

export function complementForm(app: App, sitting: StatementOf<"sitting">, dossiers: readonly Deposited[]): HTMLElement {
  const dossier = h("select", { id: "asked-dossier" }, ...dossiers.map((each) => h("option", { value: each.reference }, each.reference)));
  const boxes = pieceTypes().map(([code, label]) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "asked-piece", value: code }), h("span", {}, ` ${label}`)),
  );
  const messages = h("div");
  const form = h(
    "form",
    { class: "panel", novalidate: "" },
    h("div", { class: "field" }, h("label", { for: "asked-dossier" }, t("Dossier")), dossier),
    h("fieldset", {}, h("legend", {}, t("Pièces attendues")), ...boxes),
    h("div", { class: "field short" }, h("label", { for: "answer-by" }, t("Attendues avant")), h("input", { type: "datetime-local", id: "answer-by" })),
    messages,
    h("div", { class: "actions" }, h("button", {}, t("Signer la demande"))),
  ) as HTMLFormElement;
  onSubmit(form, messages, async () => {
    const pieces = [...form.querySelectorAll<HTMLInputElement>("[name=asked-piece]:checked")].map((each) => each.value);
    if (pieces.length === 0) throw new ExplainedError("usage", "Cochez au moins une pièce attendue.");
    const answerBy = instantIn(form, "#answer-by", t("Attendues avant"));
    await requestComplement(deskOf(app), sitting.sitting, within<HTMLSelectElement>(form, "#asked-dossier").value, pieces, answerBy);
    await app.redraw();
  });
  return form;
}
