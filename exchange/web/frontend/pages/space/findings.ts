/** What was taken out of the files before sealing, and what could not be. */
import type { Cleaned, Kept, Trace } from "../../core/scrub.ts";
import { h } from "../parts/dom.ts";
import { t } from "../parts/words.ts";

const label = (trace: Trace): string => {
  switch (trace) {
    case "author":
      return t("auteur ou titre");
    case "dates":
      return t("dates de création et de modification");
    case "software":
      return t("logiciel employé");
    case "place":
      return t("position GPS de la prise de vue");
    case "camera":
      return t("données de l'appareil photo (EXIF)");
    case "comments":
      return t("commentaires cachés");
    case "history":
      return t("historique et vignettes d'un logiciel");
  }
};

const reason = (kept: Kept): string => {
  switch (kept) {
    case "signed":
      return t("ce PDF est signé, et le modifier casserait sa signature");
    case "locked":
      return t("ce PDF est verrouillé par un mot de passe");
    case "packed":
      return t("ce PDF range une partie de ses objets sous une forme que cette page ne lit pas ; la commande « dossier deposit » sait le nettoyer");
  }
};

/** A list for the confirmation, or nothing where no file gave anything away. */
export function findingsList(findings: readonly Cleaned[]): HTMLElement | false {
  if (findings.length === 0) return false;
  const lines = findings.map(({ path, traces, kept }) => {
    const names = traces.map(label).join(", ");
    if (kept === null) return h("li", {}, t("{path} : retiré avant l'envoi ({names})", { path, names }));
    return h("li", {}, t("{path} : laissé, car {reason}", { path, reason: reason(kept) }));
  });
  return h("div", {}, h("h3", {}, t("Ce que les fichiers disaient en plus")), h("ul", {}, ...lines));
}
