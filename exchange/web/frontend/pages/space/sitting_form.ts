/** The dates of a sitting, new or next version, signed with the secretariat's key. */
import { ExplainedError } from "../../core/errors.ts";
import { type SittingChanges, publishSitting } from "../../core/registrar.ts";
import type { StatementOf } from "../../core/statements.ts";
import { onSubmit } from "../parts/attempts.ts";
import { cloned, within } from "../parts/dom.ts";
import { t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";

const DAY = 86_400_000;

const localInput = (instant: number): string => {
  const at = new Date(instant);
  return new Date(instant - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

export function instantIn(form: HTMLElement, id: string, name: string): number {
  const at = new Date(within<HTMLInputElement>(form, id).value).getTime();
  if (Number.isNaN(at)) throw new ExplainedError("usage", "Indiquez la date et l'heure : {name}.", { name });
  return at;
}

function datesIn(form: HTMLElement): SittingChanges {
  const urgency = within<HTMLInputElement>(form, "#urgency").value.trim();
  return {
    depositBy: instantIn(form, "#deposit-by", t("Fin des dépôts")),
    opensAt: instantIn(form, "#opens-at", t("Ouverture de la lecture")),
    closesAt: instantIn(form, "#closes-at", t("Clôture")),
    ...(urgency === "" ? {} : { urgency }),
  };
}

function filled(form: HTMLElement, dates: readonly [number, number, number]): void {
  ["#deposit-by", "#opens-at", "#closes-at"].forEach((id, at) => {
    within<HTMLInputElement>(form, id).value = localInput(dates[at] ?? 0);
  });
}

export function newSittingForm(app: App): HTMLElement {
  const form = cloned<HTMLFormElement>("tpl-sitting");
  within(form, "h2").textContent = t("Prévoir une séance");
  const now = Math.ceil(deskOf(app).now / 3_600_000) * 3_600_000;
  filled(form, [now + 14 * DAY, now + 21 * DAY, now + 22 * DAY]);
  onSubmit(form, within(form, ".messages"), async () => {
    const made = await publishSitting(deskOf(app), datesIn(form));
    location.hash = `#seance/${made.statement.sitting}`;
  });
  return form;
}

export function datesForm(app: App, sitting: StatementOf<"sitting">): HTMLElement {
  const form = cloned<HTMLFormElement>("tpl-sitting");
  filled(form, [sitting.deposit_by, sitting.opens_at, sitting.closes_at].map((each) => Date.parse(each)) as [number, number, number]);
  within<HTMLInputElement>(form, "#urgency").value = sitting.urgency ?? "";
  onSubmit(form, within(form, ".messages"), async () => {
    await publishSitting(deskOf(app), { sitting: sitting.sitting, ...datesIn(form) });
    await app.redraw();
  });
  return form;
}
