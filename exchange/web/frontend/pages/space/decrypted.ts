/** Decrypted files on disk, where the commission allows it: asked for one by one, after a warning. */
import { BLOCK, END_BLOCKS, entryHeader } from "../../core/tar.ts";
import type { OpenedContainer, OpenedFile } from "../../core/workshop.ts";
import { ask } from "../parts/attempts.ts";
import { byId } from "../parts/dom.ts";
import { handOut } from "../parts/files.ts";
import { t } from "../parts/words.ts";

const OWNER_ONLY = 0o600;

/** The page says so; what is allowed is the operator's setting, and not a secret. */
export const mayDownloadDecrypted = (): boolean => byId("work").dataset["decrypted"] === "yes";

async function warned(what: string): Promise<boolean> {
  const yes = await ask(
    what,
    t("Le fichier sera lisible par quiconque ouvre cet ordinateur. Ne l'enregistrez ni dans un dossier synchronisé (OneDrive, iCloud, Google Drive, Dropbox : il partirait chez eux), ni sur une clé USB, et effacez-le après la séance. Le journal ne saura rien de cette copie."),
    t("Enregistrer en clair"),
    false,
  );
  return yes !== null;
}

/** One piece. Its name on disk says nothing of the person: browsers keep a list of downloads. */
export async function savePiece(file: OpenedFile, number: number): Promise<void> {
  if (!(await warned(t("Enregistrer cette pièce déchiffrée ?")))) return;
  const extension = /\.[a-z0-9]{1,5}$/i.exec(file.piece.path)?.[0]?.toLowerCase() ?? "";
  handOut(file.content, `piece-${String(number).padStart(2, "0")}${extension}`);
}

/** All pieces under their own names, in one tar that every system opens. */
export async function saveDossier(content: OpenedContainer, reference: string, now: number): Promise<void> {
  if (!(await warned(t("Enregistrer tout le dossier déchiffré ?")))) return;
  const parts: BlobPart[] = [];
  for (const { content: body, piece } of content.files) {
    parts.push(entryHeader(piece.path, body.size, OWNER_ONLY, Math.floor(now / 1000)), body);
    parts.push(new Uint8Array((BLOCK - (body.size % BLOCK)) % BLOCK));
  }
  parts.push(new Uint8Array(END_BLOCKS));
  handOut(new Blob(parts, { type: "application/x-tar" }), `${reference}.tar`);
}
