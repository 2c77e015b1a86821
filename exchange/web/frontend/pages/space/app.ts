/** What the views of the space share. */
import type { Browser } from "../../core/browser.ts";
import type { Desk } from "../../core/desk.ts";
import { ExplainedError } from "../../core/errors.ts";
import type { Identity } from "../../core/identity.ts";
import { type Accepted, type StatementIndex, ofType } from "../../core/ledger.ts";
import { isClosed, latestRoster } from "../../core/registry.ts";
import { parseInstant } from "../../core/encoding.ts";
import { t } from "../parts/words.ts";

export interface App {
  readonly browser: Browser;
  readonly identity: Identity;
  /** null while there is no network. */
  desk: Desk | null;
  offline: boolean;
  readonly view: HTMLElement;
  readonly idle: { seen(): void };
  readonly redraw: () => Promise<void>;
}

/** Draws into `place`; `parts` are what the fragment names. */
export type View = (app: App, place: HTMLElement, ...parts: string[]) => Promise<void>;

export function deskOf(app: App): Desk {
  if (app.desk === null) {
    throw new ExplainedError("usage", "Cet acte demande le réseau : recommencez une fois connecté.");
  }
  return app.desk;
}

/** What people call an association: its approval's or its seat's label, else its code. */
export function associationLabel(index: StatementIndex, code: string): string {
  const roster = latestRoster(index)?.statement;
  const approved = roster?.approvals.find((each) => each.organisation === code);
  const seated = roster?.seats.find((each) => each.organisation === code);
  return approved?.label ?? seated?.label ?? code;
}

export const seatLabel = (index: StatementIndex, code: string): string =>
  latestRoster(index)?.statement.seats.find((each) => each.seat === code)?.label ?? code;

/** A person's name, from the latest certificate or invitation that names them. */
export function personName(index: StatementIndex, person: string): string {
  const named = [...index.find("invitation", { person }), ...index.find("certificate", { person })].at(-1);
  return named?.statement.name ?? t("personne inconnue");
}

/** Who signed: the person of the certificate, or the secretariat. */
export function signerName(index: StatementIndex, signer: string): string {
  return ofType(index, "certificate", signer)?.statement.name ?? t("le secrétariat");
}

export type SittingState = "planned" | "convoked" | "open" | "closed";

export function stateOf(index: StatementIndex, sitting: Accepted<"sitting">["statement"], now: number): SittingState {
  if (isClosed(index, sitting, now)) return "closed";
  if (sitting.stage === "planned") return "planned";
  return now >= parseInstant(sitting.opens_at) ? "open" : "convoked";
}

export const stateLabel = (state: SittingState): string =>
  ({
    planned: t("prévue"),
    convoked: t("convoquée"),
    open: t("ouverte à la lecture"),
    closed: t("close"),
  })[state];
