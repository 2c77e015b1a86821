/** Without a network: what was taken can be read, until its sitting closes. */
import { openPack } from "../../core/pack.ts";
import { h } from "../parts/dom.ts";
import { t } from "../parts/words.ts";
import type { App } from "./app.ts";
import { takenList } from "./member.ts";

export async function offlineView(app: App, place: HTMLElement): Promise<void> {
  place.append(h("h1", {}, t("Dossiers dans ce navigateur")));
  const sittings = await app.browser.profile.store.keys("packs");
  for (const sitting of sittings) {
    const opened = await openPack(app.browser, sitting);
    if (opened !== null) place.append(takenList(opened));
  }
  if (sittings.length === 0) {
    place.append(h("p", { class: "notice" }, t("Aucun dossier n'a été pris avec ce navigateur.")));
  }
}
