/** An association at a sitting: its dossiers and their state, deposits under way, late grants. */
import { discard, pendingDeposits, resume } from "../../core/deposit_send.ts";
import { runningRequest, takesUrgent } from "../../core/deposit_window.ts";
import { withdraw } from "../../core/endings.ts";
import { ExplainedError } from "../../core/errors.ts";
import { type Missing, grantMissing, missingGrants } from "../../core/grant.ts";
import { type Deposited, depositsOf, grantsOf, isClosed, latestAgenda, listed } from "../../core/registry.ts";
import { parseInstant } from "../../core/encoding.ts";
import type { StatementOf } from "../../core/statements.ts";
import { action, ask, progressIn } from "../parts/attempts.ts";
import { h, table } from "../parts/dom.ts";
import { moment, sizeOf, t } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";
import { depositForm } from "./deposit_form.ts";
import { pieceLabel } from "./piece_types.ts";
import { readReceiptsButton } from "./read_receipts.ts";
import { receiptOf } from "./receipt.ts";

type Sitting = StatementOf<"sitting">;

export async function associationPart(app: App, place: HTMLElement, sitting: Sitting): Promise<void> {
  const desk = deskOf(app);
  const index = desk.view.ledger;
  const over = isClosed(index, sitting, desk.now);
  const mine = depositsOf(index, sitting.sitting).filter((each) => each.association === desk.who.organisation);
  const part = h("section", {}, h("h2", {}, t("Les dossiers de mon association")));
  place.append(part);
  part.append(await underWay(app, sitting));
  part.append(list(app, sitting, mine, over));
  if (over) return;
  part.append(grants(app, sitting, await missingGrants(desk, sitting.sitting)));
  part.append(asked(app, sitting, mine));
  const pathways = await pathwaysOf(app);
  const early = desk.now < parseInstant(sitting.deposit_by);
  if (early || takesUrgent(sitting, desk.now)) {
    if (!early) part.append(h("p", { class: "notice warning" }, t("Les dépôts sont terminés depuis le {moment}. Jusqu'à l'ouverture des dossiers, un dépôt part encore, en urgence : le secrétariat décide s'il l'inscrit à l'ordre du jour. Écrivez pourquoi dans le mot aux lecteurs.", { moment: moment(sitting.deposit_by, sitting.zone) })));
    part.append(depositForm(app, sitting, mine, pathways));
  } else if (mine.some((each) => runningRequest(index, sitting.sitting, each.reference, desk.now) !== null)) {
    part.append(depositForm(app, sitting, mine, pathways));
  } else {
    part.append(h("p", { class: "notice" }, t("Les dépôts pour cette séance sont terminés depuis le {moment}. Pour un ajout indispensable, appelez le secrétariat.", { moment: moment(sitting.deposit_by, sitting.zone) })));
  }
}

/** The pathways that this association's dossiers opened, by id: their first dossier's reference and day. */
async function pathwaysOf(app: App): Promise<ReadonlyMap<string, string>> {
  const desk = deskOf(app);
  const found = new Map<string, string>();
  for (const { statement, at } of await desk.load("manifest")) {
    const label = t("{reference}, du {day}", { reference: statement.dossier, day: moment(at) });
    if (!found.has(statement.pathway)) found.set(statement.pathway, label);
  }
  return found;
}

/** What the secretariat asked to be added, and until when. */
function asked(app: App, sitting: Sitting, mine: readonly Deposited[]): HTMLElement {
  const desk = deskOf(app);
  const place = h("div");
  for (const each of mine.filter((one) => one.complement === 0 && !one.withdrawn)) {
    const request = runningRequest(desk.view.ledger, sitting.sitting, each.reference, desk.now);
    if (request === null) continue;
    place.append(h("div", { class: "notice warning" }, h("strong", {}, t("Complément demandé : dossier {reference}", { reference: each.reference })), h("p", {}, t("Pièces attendues avant le {moment} : {pieces}. Déposez-les ci-dessous, en complément de ce dossier.", { moment: moment(request.answer_by, sitting.zone), pieces: request.pieces.map(pieceLabel).join(", ") }))));
  }
  return place;
}

function list(app: App, sitting: Sitting, mine: readonly Deposited[], over: boolean): HTMLElement {
  if (mine.length === 0) return h("p", { class: "soft mine" }, t("Aucun dossier déposé pour cette séance."));
  const messages = h("div");
  const rows = mine.map((each) => [
    { content: h("code", {}, each.fileStem), head: true },
    each.manifest.statement.kind === "renewal" ? t("renouvellement") : t("entrée dans le parcours"),
    stateOfDeposit(app, sitting, each, over),
    `${moment(each.manifest.at)}, ${sizeOf(each.manifest.statement.length)}`,
    h("div", { class: "actions" }, receiptButton(app, each, messages), each.complement === 0 && readReceiptsButton(app, sitting.sitting, each, messages), !over && !each.withdrawn && each.complement === 0 && withdrawButton(app, each, messages)),
  ]);
  return h("div", { class: "mine" }, table(t("Dossiers déposés"), [t("Dossier"), t("Demande"), t("État"), t("Déposé"), t("Actes")], rows), messages);
}

function stateOfDeposit(app: App, sitting: Sitting, each: Deposited, over: boolean): HTMLElement {
  const index = deskOf(app).view.ledger;
  if (each.withdrawn) return h("span", { class: "tag bad" }, t("retiré, clé détruite"));
  if (index.find("complaint", { manifest: each.manifest.digest }).length > 0) {
    return h("span", { class: "tag bad" }, t("un membre signale que sa clé n'ouvre rien"));
  }
  if (over) return h("span", { class: "tag" }, t("séance close"));
  const agenda = listed(index, latestAgenda(index, sitting.sitting));
  const onAgenda = agenda.some((item) => item.manifests.includes(each.manifest.digest));
  const readers = new Set(
    [...each.manifest.statement.envelopes, ...grantsOf(index, each.manifest.digest).flatMap((grant) => grant.statement.envelopes)]
      .filter((entry) => entry.purpose === "read")
      .map((entry) => entry.certificate),
  );
  const text = onAgenda ? t("à l'ordre du jour, {count} appareils peuvent lire", { count: readers.size }) : t("déposé, {count} appareils pourront lire", { count: readers.size });
  return h("span", { class: "tag good" }, text);
}

function receiptButton(app: App, each: Deposited, messages: HTMLElement): HTMLElement {
  const button = action(t("Récépissé"), messages, async () => {
    const name = `deposit-${each.manifest.statement.deposit}`;
    const receipt = (await app.browser.profile.receipt(name)) ?? deskOf(app).view.attested(each.manifest.digest).receipt;
    messages.replaceChildren(receiptOf(app, each.manifest, receipt));
  }, "link");
  button.append(h("span", { class: "visually-hidden" }, ` ${each.fileStem}`));
  return button;
}

function withdrawButton(app: App, each: Deposited, messages: HTMLElement): HTMLElement {
  const button = action(t("Retirer"), messages, async () => {
    const reason = await ask(
      t("Retirer le dossier {reference} ?", { reference: each.reference }),
      t("Ses clés sont détruites : plus personne ne l'ouvrira, vous non plus. Le motif est signé ; n'y nommez personne."),
      t("Retirer le dossier"),
      true,
    );
    if (reason === null) return;
    if (reason === "") throw new ExplainedError("usage", "Donnez un motif pour retirer le dossier.");
    await withdraw(deskOf(app), each.reference, reason);
    await app.redraw();
  }, "danger");
  button.append(h("span", { class: "visually-hidden" }, ` ${each.fileStem}`));
  return button;
}

/** Deposits that were sealed here and did not arrive. */
async function underWay(app: App, sitting: Sitting): Promise<HTMLElement> {
  const waiting = (await pendingDeposits(app.browser)).filter((each) => each.sitting === sitting.sitting);
  const place = h("div");
  for (const each of waiting) {
    const messages = h("div");
    const buttons = h(
      "div",
      { class: "actions" },
      action(t("Reprendre l'envoi"), messages, async () => {
        const advance = progressIn(messages, t("Envoi"));
        await resume(deskOf(app), each.key, (done) => {
          app.idle.seen();
          advance(done, each.payload.size);
        });
        await app.redraw();
      }),
      action(t("Abandonner"), messages, async () => {
        await discard(deskOf(app), each.key);
        await app.redraw();
      }, "plain"),
    );
    place.append(h("div", { class: "notice warning" }, h("strong", {}, t("Un dépôt n'est pas arrivé : {reference}", { reference: each.reference })), h("p", {}, t("Il est scellé dans ce navigateur ({size}) ; l'envoi reprend où il s'est arrêté.", { size: sizeOf(each.payload.size) })), messages, buttons));
  }
  return place;
}

/** Members named since the deposit, and new devices: one click gives them their envelope. */
function grants(app: App, sitting: Sitting, missing: readonly Missing[]): HTMLElement {
  const place = h("div");
  if (missing.length === 0) return place;
  const messages = h("div");
  const rows = missing.flatMap(({ deposited, addressees }) =>
    addressees.map((each) => [
      { content: h("code", {}, deposited.fileStem), head: true },
      each.name,
      each.seatLabel ?? t("collègue de l'association"),
      h("span", { class: "mono" }, each.fingerprint),
    ]),
  );
  place.append(
    h("div", { class: "panel" },
      h("h3", {}, t("Accès à donner")),
      h("p", {}, t("Depuis le dépôt, ces personnes ont été nommées ou ont changé de clé. Comparez leur empreinte par téléphone si vous avez un doute.")),
      table(t("Personnes sans accès"), [t("Dossier"), t("Personne"), t("Siège"), t("Empreinte")], rows),
      messages,
      h("div", { class: "actions" }, action(t("Donner tous ces accès"), messages, async () => {
        for (const each of missing) {
          await grantMissing(deskOf(app), sitting.sitting, each, "nommé ou certifié depuis le dépôt");
        }
        await app.redraw();
      }))),
  );
  return place;
}
