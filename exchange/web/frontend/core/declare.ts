/** Before a first opening: the undertaking of confidentiality, and "no conflict of interest". */
import { utf8 } from "./bytes.ts";
import { sha256 } from "./digests.ts";
import type { Desk } from "./desk.ts";
import { hostile } from "./errors.ts";
import type { Accepted } from "./ledger.ts";
import { forgetDossiers } from "./pack_store.ts";
import { agendaOf, hasDeclared, impossible, isWhole, isWithdrawn, listed, myMandate, mySeat, recusedPersons, rosterOf, seatOf, seesWholeAgenda, sittingOf, undertakingsOf } from "./registry.ts"; // prettier-ignore
import type { StatementOf } from "./statements.ts";
import { UNDERTAKING_TEXT } from "./undertaking_text.ts";

export { UNDERTAKING_TEXT };

/** What a member may declare at a sitting, and what is missing. */
export interface Declarable {
  readonly sitting: Accepted<"sitting">;
  readonly mandate: string;
  readonly undertaken: boolean;
  /** Dossiers of the agenda from which this member is not recused, grouped as the agenda is. */
  readonly openToMe: readonly string[];
  readonly declared: ReadonlySet<string>;
  readonly recused: ReadonlySet<string>;
}

/** Loads a sitting and sees what this member has declared so far. */
export async function look(desk: Desk, sitting: string): Promise<Declarable> {
  await desk.loadSitting(sitting);
  await desk.status(sitting);
  const index = desk.view.ledger;
  const { person } = desk.certificate.statement;
  const found = sittingOf(index, sitting);
  const mandate = myMandate(index, found.statement, person);
  const own = ownAssociations(desk, found.statement);
  const agenda = agendaOf(index, sitting);
  requireWhole(desk, sitting, agenda);
  const items = listed(index, agenda);
  const visible = items
    .filter((item) => !own.has(item.association) && !isWithdrawn(index, item.dossier))
    .map((item) => item.dossier);
  const withdrawn = items.filter((item) => isWithdrawn(index, item.dossier));
  await forgetDossiers(desk.browser, sitting, withdrawn.map((item) => item.dossier));
  const recused = visible.filter((each) => recusedPersons(index, sitting, each).has(person));
  return {
    sitting: found,
    mandate,
    undertaken: undertakingsOf(index, person).some((each) => each.statement.mandate === mandate),
    openToMe: visible.filter((each) => !recused.includes(each)),
    declared: new Set(visible.filter((each) => hasDeclared(index, sitting, each, person))),
    recused: new Set(recused),
  };
}

/** A member from whom nothing can be kept must have been shown every item, decoys included. */
function requireWhole(desk: Desk, sitting: string, agenda: Accepted<"agenda">): void {
  const index = desk.view.ledger;
  const { person, organisation } = desk.certificate.statement;
  if (!seesWholeAgenda(index, sitting, person, organisation) || isWhole(index, agenda)) return;
  throw hostile(
    "Le service ne montre pas tout l'ordre du jour que le secrétariat a signé, alors que rien ne vous en " +
      "écarte : un dossier peut vous être caché. Rien n'a été utilisé. Recommencez, puis prévenez le " +
      "secrétariat.",
  );
}

function ownAssociations(desk: Desk, sitting: StatementOf<"sitting">): ReadonlySet<string> {
  const { person, organisation } = desk.certificate.statement;
  const taken = mySeat(sitting, person);
  const seat = taken === null ? null : seatOf(rosterOf(desk.view.ledger).statement, taken.seat);
  return new Set([organisation, seat?.organisation ?? ""]);
}

/** Signs the undertaking of confidentiality, once a mandate (CP 226-13). */
export async function undertake(desk: Desk, mandate: string): Promise<string> {
  const given = desk.draft("undertaking", { mandate, text_sha256: sha256(utf8(UNDERTAKING_TEXT)) });
  await desk.submit(given);
  return given.digest;
}

/** Declares no conflict in `wanted` dossiers; returns those that were not declared before. */
export async function declare(
  desk: Desk,
  seen: Declarable,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const unknown = wanted.find((each) => !seen.openToMe.includes(each));
  if (unknown !== undefined) {
    throw impossible(
      "Le dossier « {reference} » n'est pas à l'ordre du jour pour vous : il n'existe pas à cette " +
        "séance, ou votre siège en est déporté.",
      { reference: unknown },
    );
  }
  const due = wanted.filter((each) => !seen.declared.has(each));
  if (due.length > 0) {
    const { sitting } = seen.sitting.statement;
    await desk.submit(desk.draft("declaration", { sitting, dossiers: due }));
  }
  return due;
}

/** Steps aside from dossiers: done when the broker confirms it, for it ends every access. */
export async function recuse(
  desk: Desk,
  sitting: string,
  references: readonly string[],
): Promise<string> {
  const given = desk.draft("recusal", { sitting, dossiers: references });
  await desk.submitAndConfirm(given);
  await forgetDossiers(desk.browser, sitting, references);
  return given.digest;
}
