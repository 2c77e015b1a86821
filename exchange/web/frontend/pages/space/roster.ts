/** The composition of the commission: seats, mandates, approved associations. */
import { ExplainedError } from "../../core/errors.ts";
import { newOpaqueId } from "../../core/encoding.ts";
import { certificates, publishRoster } from "../../core/registrar.ts";
import { latestRoster } from "../../core/registry.ts";
import type { Capacity, RosterSeat, StatementOf } from "../../core/statements.ts";
import { onSubmit } from "../parts/attempts.ts";
import { cloned, h, table, within } from "../parts/dom.ts";
import { day, t } from "../parts/words.ts";
import { type App, deskOf, personName } from "./app.ts";
import { approvalsPart, endMandate } from "./approvals.ts";

type Roster = StatementOf<"roster">;

export async function rosterView(app: App, place: HTMLElement): Promise<void> {
  const desk = deskOf(app);
  await desk.load("roster");
  await desk.load("invitation");
  await certificates(desk);
  const roster = latestRoster(desk.view.ledger)?.statement ?? null;
  place.append(h("h1", {}, t("Composition de la commission")));
  if (roster === null) place.append(h("p", { class: "notice" }, t("Aucune composition n'est encore publiée : ajoutez un premier siège.")));
  else place.append(seatsTable(app, roster), approvalsPart(app, roster), mandateForm(app, roster));
  place.append(seatForm(app, roster));
}

function seatsTable(app: App, roster: Roster): HTMLElement {
  const { ledger } = deskOf(app).view;
  const messages = h("div");
  const rows = roster.seats.map((seat) => {
    const holders = roster.mandates
      .filter((each) => each.seat === seat.seat)
      .map((each) => {
        const name = personName(ledger, each.person);
        const term = `${name} (${each.capacity === "titular" ? t("titulaire") : t("suppléant")}, ${day(each.from_day)} – ${day(each.to_day)}) `;
        return h("div", {}, term, endMandate(app, roster, each, name, messages));
      });
    const list = holders.length === 0 ? t("vacant") : h("div", {}, ...holders);
    return [{ content: seat.label, head: true }, seat.kind === "guest" ? t("invité") : seat.voting ? t("voix délibérative") : t("voix consultative"), list];
  });
  return h("div", {}, messages, table(t("Version {version}", { version: roster.version }), [t("Siège"), t("Voix"), t("Mandats")], rows));
}

function mandateForm(app: App, roster: Roster): HTMLElement {
  const desk = deskOf(app);
  const form = cloned<HTMLFormElement>("tpl-mandate");
  const field = (id: string) => within<HTMLInputElement & HTMLSelectElement>(form, id);
  for (const seat of roster.seats) field("#mandate-seat").append(h("option", { value: seat.seat }, seat.label));
  const people = new Set([...desk.view.ledger.find("invitation"), ...desk.view.ledger.find("certificate")].map((each) => each.statement.person));
  for (const person of people) field("#mandate-person").append(h("option", { value: person }, personName(desk.view.ledger, person)));
  onSubmit(form, within(form, ".messages"), async () => {
    const [from_day, to_day] = [field("#mandate-from").value, field("#mandate-to").value];
    if (from_day === "" || to_day === "" || from_day > to_day) {
      throw new ExplainedError("usage", "Indiquez le premier et le dernier jour du mandat, dans l'ordre.");
    }
    const mandate = {
      mandate: newOpaqueId(desk.browser.entropy),
      seat: field("#mandate-seat").value,
      person: field("#mandate-person").value,
      capacity: field("#mandate-capacity").value as Capacity,
      from_day,
      to_day,
      decree: field("#mandate-decree").value.trim() || null,
    };
    await publishRoster(desk, { mandates: [...roster.mandates, mandate] });
    await app.redraw();
  });
  return form;
}

function seatForm(app: App, roster: Roster | null): HTMLElement {
  const form = cloned<HTMLFormElement>("tpl-seat");
  const field = (id: string) => within<HTMLInputElement & HTMLSelectElement>(form, id);
  onSubmit(form, within(form, ".messages"), async () => {
    const [label, seat, organisation] = ["#seat-label", "#seat-code", "#seat-organisation"].map((id) => field(id).value.trim()) as [string, string, string];
    if (label === "" || !/^[a-z0-9][a-z0-9-]*$/.test(seat)) {
      throw new ExplainedError("usage", "Indiquez l'institution, et un code en minuscules, chiffres et tirets.");
    }
    const added: RosterSeat = {
      seat,
      kind: field("#seat-kind").value as RosterSeat["kind"],
      label,
      voting: field("#seat-voting").checked,
      alternates: field("#seat-alternates").checked,
      organisation: organisation === "" ? null : organisation,
      basis: field("#seat-basis").value.trim() || null,
    };
    await publishRoster(deskOf(app), { seats: [...(roster?.seats ?? []), added] });
    await app.redraw();
  });
  return h("details", { open: roster === null }, h("summary", {}, t("Ajouter un siège")), form);
}
