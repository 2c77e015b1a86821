/** A person's own space: unlock the key, then work; every view is drawn from verified statements. */
import { inThisBrowser } from "../core/browser.ts";
import { type Desk, logIn } from "../core/desk.ts";
import { inForce } from "../core/emergency.ts";
import { ExplainedError } from "../core/errors.ts";
import type { Identity } from "../core/identity.ts";
import { forgetClosedPacks } from "../core/pack_store.ts";
import { action, attempt, tell } from "./parts/attempts.ts";
import { byId, focusOn, h, show } from "./parts/dom.ts";
import { lockWhenIdle } from "./parts/idle.ts";
import { roleScripts } from "./parts/roles.ts";
import { keepForOffline, scriptUrl } from "./parts/trusted.ts";
import { language, loadWords, moment, t } from "./parts/words.ts";
import { accountView } from "./space/account.ts";
import type { App, View } from "./space/app.ts";
import { sittingView } from "./space/sitting.ts";
import { sittingsView } from "./space/sittings.ts";
import { prepareUnlock } from "./space/unlock.ts";

const VIEWS: readonly (readonly [RegExp, View])[] = [
  [/^#seance\/([a-z2-7]{26})$/, sittingView],
  [/^#lecture\/([a-z2-7]{26})\/(\d{1,4})$/, async (app, place, sitting, at) => (await roleScripts("member")).readingView(app, place, sitting, at)],
  [/^#personnes$/, async (app, place) => (await roleScripts("registrar")).peopleView(app, place)],
  [/^#composition$/, async (app, place) => (await roleScripts("registrar")).rosterView(app, place)],
  [/^#journal$/, async (app, place) => (await roleScripts("auditor")).auditView(app, place)],
  [/^#cle$/, accountView],
  [/^/, sittingsView],
];

/** What can be shown without a network; elsewhere stands the list of what was taken. */
const OFFLINE_TOO = /^#(lecture\/|cle$)/;

/** Draws the view that the fragment names. A fragment never leaves the browser. */
async function draw(app: App): Promise<void> {
  const { hash } = location;
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".tabs a")) {
    const current = link.hash === hash || (hash === "" && link.hash === "#seances");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const [pattern, view] = VIEWS.find(([each]) => each.test(hash)) ?? [/^/, sittingsView];
  const found = pattern.exec(hash) ?? [];
  delete app.view.dataset["drawn"];
  app.view.replaceChildren(h("p", { class: "soft", role: "status" }, t("Vérification en cours…")));
  try {
    const drawn = h("div");
    if (app.offline && !OFFLINE_TOO.test(hash)) await (await roleScripts("member")).offlineView(app, drawn);
    else await view(app, drawn, ...found.slice(1));
    if (location.hash !== hash) return; // the person went on meanwhile
    app.view.replaceChildren(drawn);
    app.view.dataset["drawn"] = hash;
  } catch (error) {
    if (location.hash !== hash) return;
    const place = h("div");
    app.view.replaceChildren(
      h("h1", {}, t("Cette page ne peut pas s'afficher")),
      place,
      h("div", { class: "actions" }, h("a", { class: "button plain", href: "#seances" }, t("Retour aux séances"))),
    );
    tell(place, error);
    app.view.dataset["drawn"] = hash;
    return;
  }
  const title = app.view.querySelector<HTMLElement>("h1");
  if (title !== null) {
    document.title = `${title.textContent ?? ""} – ${t("Échange de dossiers")}`;
    focusOn(title);
  }
}

let idle: ReturnType<typeof lockWhenIdle> | null = null; // from the first unlock on

/** Logs in; without a network, what was taken before can still be read. */
async function enter(identity: Identity): Promise<void> {
  const app: App = {
    browser,
    identity,
    desk: null,
    offline: false,
    view: byId("view"),
    idle: (idle ??= lockWhenIdle()),
    redraw: () => draw(app),
  };
  try {
    app.desk = await logIn(browser, identity);
  } catch (error) {
    if (error instanceof ExplainedError && error.kind === "unreachable") app.offline = true;
    else if (await waitsForCertificate(error)) return showWaiting(identity);
    else throw error;
  }
  document.documentElement.dataset["open"] = "yes";
  show(byId("unlock"), false);
  show(byId("work"));
  show(byId("offline"), app.offline);
  if (app.desk !== null) byId("log-notices").replaceChildren(...logNotices(app.desk));
  const roles: readonly string[] = app.desk === null ? [] : app.desk.isRegistrar ? ["registrar"] : app.desk.who.roles;
  for (const tab of document.querySelectorAll<HTMLElement>("[data-for]")) {
    show(tab, roles.includes(tab.dataset["for"] ?? ""));
  }
  fetchAhead(roles);
  addEventListener("hashchange", () => void draw(app));
  await draw(app);
}

/** What everybody who relies on the log must know: fewer witnesses for a while, a restored backup. */
function logNotices(desk: Desk): HTMLElement[] {
  const lowered = inForce(desk.view.ledger, desk.now).map((each) =>
    t("Jusqu'au {until}, le secrétariat a abaissé à {quorum} le nombre de témoins du journal ({reason}).", {
      until: moment(each.expires_at),
      quorum: each.quorum,
      reason: each.reason,
    }),
  );
  const restored = desk.source.keeper.steppedBack
    ? [t("Le service a été restauré d'une sauvegarde, et la racine l'a signé. Ce qui fut fait depuis cette sauvegarde est perdu : vérifiez vos derniers dépôts, déclarations et déports.")]
    : [];
  return [...lowered, ...restored].map((words) => h("p", { class: "notice warning" }, words));
}

/** Starts fetching what these roles' views will ask for; a failure is told by the view that needs it. */
function fetchAhead(roles: readonly string[]): void {
  const wanted = { association: "depositor", auditor: "auditor", member: "member", registrar: "registrar" } as const;
  for (const [script, role] of Object.entries(wanted)) {
    if (roles.includes(role)) void roleScripts(script as keyof typeof wanted).catch(() => undefined);
  }
}

/** A refusal of a key that was presented and waits for the secretariat is no fault. */
async function waitsForCertificate(error: unknown): Promise<boolean> {
  const { certificate, enrolment, kind } = await browser.profile.settings();
  const waits = kind === "device" && certificate === null && enrolment !== null;
  return waits && error instanceof ExplainedError && error.kind === "refused";
}

/** What is normal is told calmly, with what comes next; the key stays open for the next look. */
function showWaiting(identity: Identity): void {
  const place = byId("unlock-messages");
  const messages = h("div");
  const notice = h(
    "div",
    { class: "notice", role: "status" },
    h("strong", {}, t("Votre clé n'est pas encore certifiée : c'est l'étape suivante")),
    h("p", {}, t("Lisez ces chiffres au secrétariat, par téléphone, à un numéro que vous connaissez déjà. Il certifie alors votre clé, et cette page s'ouvre.")),
    h("p", { class: "fingerprint" }, identity.spoken),
    messages,
    h("div", { class: "actions" }, action(t("Vérifier de nouveau"), messages, () => enter(identity))),
  );
  place.replaceChildren(notice);
  show(byId("has-key"), false);
  show(byId("bring"), false);
  focusOn(notice);
}

const browser = inThisBrowser(scriptUrl("workshop"), language());
await loadWords();
byId("lock").addEventListener("click", () => location.reload());
await attempt(byId("unlock-messages"), null, async () => {
  await forgetClosedPacks(browser);
  await prepareUnlock(browser, enter);
});
document.documentElement.dataset["ready"] = "yes";
void keepForOffline();
