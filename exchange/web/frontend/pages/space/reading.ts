/** Reading one dossier: decrypted in a worker, shown from memory under a watermark, kept nowhere. */
import { type OpenPack, openDossier, openPack } from "../../core/pack.ts";
import { mySeat, sittingOf } from "../../core/registry.ts";
import type { OpenedContainer, OpenedFile } from "../../core/workshop.ts";
import { ExplainedError } from "../../core/errors.ts";
import { action, attempt } from "../parts/attempts.ts";
import { byId, focusOn, h } from "../parts/dom.ts";
import { scriptUrl } from "../parts/trusted.ts";
import { moment, sizeOf, t } from "../parts/words.ts";
import { type App, associationLabel, seatLabel } from "./app.ts";
import { mayDownloadDecrypted, saveDossier, savePiece } from "./decrypted.ts";
import { pieceLabel } from "./piece_types.ts";
import { READER_READY, type Reader } from "../parts/reader_port.ts";

export async function readingView(app: App, place: HTMLElement, sitting = "", at = "0"): Promise<void> {
  const opened = await openPack(app.browser, sitting);
  const dossier = opened?.pack.dossiers[Number(at)];
  if (opened === null || dossier === undefined) {
    throw new ExplainedError("usage", "Ce dossier n'est pas dans ce navigateur : prenez d'abord les dossiers de la séance.");
  }
  const content = await openDossier(app.browser, app.identity, opened, dossier.stem);
  const back = app.offline ? "#seances" : `#seance/${sitting}`;
  const reference = dossier.stem.split("/")[1] ?? dossier.reference;
  place.append(
    h("p", { class: "no-print" }, h("a", { href: back }, t("Retour à la séance"))),
    h("h1", {}, t("Dossier {reference}", { reference })),
    h("p", { class: "lead" }, headline(opened, content)),
  );
  if (content.card.note !== "") {
    place.append(h("div", { class: "notice" }, h("strong", {}, t("Mot de l'association")), h("p", {}, content.card.note)));
  }
  const absent = content.card.checklist.filter((each) => !each.present).map((each) => pieceLabel(each.piece));
  if (absent.length > 0) {
    place.append(h("p", { class: "notice warning" }, t("Pièces attendues d'ordinaire, absentes : {pieces}.", { pieces: absent.join(", ") })));
  }
  if (mayDownloadDecrypted()) place.append(decryptedPart(app, content, reference));
  place.append(await pieces(app, opened, content));
}

/** Where the commission allows it: the whole dossier on disk. */
function decryptedPart(app: App, content: OpenedContainer, reference: string): HTMLElement {
  const messages = h("div");
  return h("div", { class: "no-print" }, messages, h("div", { class: "actions" },
    action(t("Enregistrer le dossier déchiffré"), messages, () => saveDossier(content, reference, app.browser.clock()), "plain")));
}

function headline(opened: OpenPack, { card, files }: OpenedContainer): string {
  const association = associationLabel(opened.view.ledger, card.association);
  const kind = card.kind === "renewal" ? t("renouvellement") : t("entrée dans le parcours");
  return t("{association}, {kind}, {count} pièce(s)", { association, kind, count: files.length });
}

async function pieces(app: App, opened: OpenPack, content: OpenedContainer): Promise<HTMLElement> {
  const watermark = await watermarkOf(app, opened);
  const sheet = h("div", { class: "sheet" }, h("p", { class: "soft" }, t("Choisissez une pièce.")));
  const buttons = content.files.map((file, at) => {
    const button: HTMLButtonElement = h(
      "button",
      { type: "button", class: "link", "aria-pressed": "false" },
      file.piece.path,
      h("span", { class: "small soft" }, ` (${sizeOf(file.piece.size)})`),
    );
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      const box = h("div"); // a fresh one: a slow piece never draws into the one chosen after it
      sheet.replaceChildren(box);
      void attempt(box, null, () => showPiece(app, { file, number: at + 1 }, box, watermark));
    });
    return button;
  });
  queueMicrotask(() => buttons[0]?.click());
  return h(
    "div",
    { class: "reader" },
    h("nav", { "aria-label": t("Pièces") }, h("ul", {}, ...buttons.map((each) => h("li", {}, each)))),
    sheet,
  );
}

/** Name, seat and time: who photographs the screen photographs their own name. */
async function watermarkOf(app: App, { pack, view }: OpenPack): Promise<string> {
  const { name, person } = await app.browser.profile.settings();
  const { statement } = sittingOf(view.ledger, pack.sitting);
  const seat = person === null ? null : mySeat(statement, person);
  const label = seat === null ? "" : seatLabel(view.ledger, seat.seat);
  return [name ?? "", label, moment(app.browser.clock())].join(" – ");
}

async function showPiece(app: App, { file, number }: { file: OpenedFile; number: number }, sheet: HTMLElement, watermark: string): Promise<void> {
  app.idle.seen();
  const heading = h("h2", {}, file.piece.path);
  sheet.replaceChildren(heading);
  if (mayDownloadDecrypted()) {
    const messages = h("div");
    sheet.append(messages, h("div", { class: "actions" }, action(t("Enregistrer cette pièce déchiffrée"), messages, () => savePiece(file, number), "plain")));
  }
  const reader = await loadReader();
  const shown = await reader.show(file.content, file.piece.path, sheet, {
    watermark,
    pageName: (page, pages) => t("Page {page} sur {pages}", { page, pages }),
    textTitle: t("Texte de cette page"),
    pdfWorker: scriptUrl("pdf"),
  });
  if (!shown) {
    sheet.append(
      h("p", { class: "notice" }, t("Ce type de pièce ne s'affiche pas ici. Téléchargez le lot scellé et ouvrez-le avec la commande « dossier pack open ».")),
    );
  }
  focusOn(heading);
}

let loading: Promise<Reader> | null = null;

/** The reader of PDFs is large: it comes when the first piece is opened, under its integrity. */
function loadReader(): Promise<Reader> {
  loading ??= new Promise<Reader>((resolve, reject) => {
    let ready = false;
    const heard = (event: Event): void => {
      ready = true;
      resolve((event as CustomEvent<Reader>).detail);
    };
    addEventListener(READER_READY, heard, { once: true });
    const script = document.createElement("script");
    script.type = "module";
    script.integrity = byId("reader-script").dataset["integrity"] ?? "";
    const failed = (): void => {
      if (ready) return;
      loading = null;
      reject(new ExplainedError("unreachable", "Le lecteur de documents n'a pas pu être chargé : vérifiez le réseau, puis recommencez."));
    };
    script.onerror = failed;
    script.onload = failed; // it ran without saying that it is ready: it broke
    script.src = scriptUrl("reader") as string;
    document.head.append(script);
  });
  return loading;
}
