/** The secretariat records who takes part in the meeting. */
import { type Presence, attendanceOf, recordAttendance } from "../../core/meeting.ts";
import type { StatementOf } from "../../core/statements.ts";
import { inform, onSubmit } from "../parts/attempts.ts";
import { h } from "../parts/dom.ts";
import { t } from "../parts/words.ts";
import { type App, deskOf, personName, seatLabel } from "./app.ts";

export function attendanceForm(app: App, sitting: StatementOf<"sitting">): HTMLElement {
  const desk = deskOf(app);
  const { ledger } = desk.view;
  const known = attendanceOf(desk, sitting.sitting);
  const selects = sitting.seats.map((seat) => {
    const select = h("select", { id: `presence-${seat.seat}` },
      h("option", { value: "" }, t("absent")), h("option", { value: "room" }, t("dans la salle")), h("option", { value: "remote" }, t("à distance")));
    select.value = known?.[seat.seat] ?? "";
    return { seat, select };
  });
  const messages = h("div");
  const form = h("form", { class: "panel", novalidate: true },
    known !== null && h("p", { class: "soft" }, t("Les présents sont inscrits ; une nouvelle inscription remplace la précédente.")),
    ...selects.map(({ seat, select }) => h("div", { class: "field" }, h("label", { for: select.id }, `${seatLabel(ledger, seat.seat)} – ${personName(ledger, seat.person)}`), select)),
    messages,
    h("p", { class: "hint" }, t("Le quorum de chaque dossier, déports compris : « dossier registrar quorum ».")),
    h("div", { class: "actions" }, h("button", {}, t("Signer les présences"))));
  onSubmit(form, messages, async () => {
    const present = selects.filter(({ select }) => select.value !== "").map(({ seat, select }) => [seat.seat, select.value as Presence] as const);
    await recordAttendance(desk, sitting.sitting, Object.fromEntries(present));
    inform(messages, t("Présents inscrits : {count} siège(s).", { count: present.length }));
  });
  return h("details", {}, h("summary", {}, t("Inscrire les présents")), form);
}
