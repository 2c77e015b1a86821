/** What a piece is (exchange/domain/pieces.py); it becomes the folder under which readers find it. */
import type { Kind } from "../../core/statements.ts";
import { t } from "../parts/words.ts";

type PieceType = readonly [code: string, label: string, expectedIn: readonly Kind[]];

export const pieceTypes = (): readonly PieceType[] => [
  ["demande", t("formulaire de demande"), ["engagement", "renewal"]],
  ["avis", t("avis de l'association"), ["engagement", "renewal"]],
  ["identite", t("identité"), ["engagement"]],
  ["cessation", t("attestation de cessation d'activité"), ["engagement"]],
  ["bilan", t("bilan des actions et des engagements"), ["renewal"]],
  ["sejour", t("séjour"), []],
  ["sante", t("santé"), []],
  ["hebergement", t("hébergement"), []],
  ["ressources", t("ressources"), []],
  ["plainte", t("plainte ou procédure"), []],
  ["autre", t("autre pièce"), []],
];

/** What a request of this kind usually holds. */
export const expectedIn = (kind: Kind): readonly PieceType[] =>
  pieceTypes().filter(([, , kinds]) => kinds.includes(kind));

/** A piece in the person's language; a code of the commission's own as it is. */
export const pieceLabel = (code: string): string => pieceTypes().find(([known]) => known === code)?.[1] ?? code;
