/** The log as an auditor reads it: verified here against the pinned keys, verdict first. */
import { type LoggedEvent, type Verdict, verifyLog } from "../../core/auditor.ts";
import { exportBundle } from "../../core/bundle_export.ts";
import { verifyBundle } from "../../core/bundle_file.ts";
import { ExplainedError } from "../../core/errors.ts";
import { action, inform, onSubmit, progressIn } from "../parts/attempts.ts";
import { facts, focusOn, h, table, within } from "../parts/dom.ts";
import { handOut } from "../parts/files.ts";
import { moment, t, translated } from "../parts/words.ts";
import { type App, deskOf } from "./app.ts";
import { eventLabel, fieldLabel, statementLabel, valueLabel } from "./event_words.ts";

const PAGE = 100; // lines shown at once: a year has thousands

export async function auditView(app: App, place: HTMLElement): Promise<void> {
  const result = h("div");
  const messages = h("div");
  place.append(
    h("h1", {}, t("Journal des accès")),
    h("p", { class: "lead" }, t("Ce navigateur relit tout le journal, recalcule sa racine, vérifie chaque signature avec les clés que vous avez épinglées, puis donne son verdict. Cette lecture est elle-même inscrite.")),
    messages,
    h("div", { class: "actions" },
      action(t("Vérifier le journal"), messages, async () => {
        const advance = progressIn(messages, t("Lecture du journal"));
        const verdict = await verifyLog(deskOf(app), (entries) => {
          app.idle.seen();
          advance(entries % PAGE, PAGE);
        });
        messages.replaceChildren();
        result.replaceChildren(shown(app, verdict));
        focusOn(within(result, "h2"));
      }),
      action(t("Exporter le registre signé"), messages, () => exported(app, messages), "plain"),
    ),
    result,
    fromFile(app, result),
  );
}

async function exported(app: App, messages: HTMLElement): Promise<void> {
  const advance = progressIn(messages, t("Export du registre"));
  const { file, size, files } = await exportBundle(deskOf(app), (done, total) => {
    app.idle.seen();
    advance(done, total);
  });
  handOut(file, "registre.tar");
  inform(messages, t("Registre exporté : {size} événements, {files} fichiers, index signé par votre clé. Il se vérifie ici même, hors ligne, ou avec « dossier audit verify ».", { size, files }));
}

/** A bundle exported by anybody, judged against the pinned anchor; the service is asked nothing. */
function fromFile(app: App, result: HTMLElement): HTMLElement {
  const messages = h("div");
  const input = h("input", { type: "file", id: "bundle-file", accept: ".tar" });
  const form = h("form", { class: "panel", novalidate: true },
    h("h2", {}, t("Vérifier un registre exporté")),
    h("p", {}, t("Le fichier est lu et jugé dans ce navigateur, sans rien demander au service.")),
    h("div", { class: "field" }, h("label", { for: input.id }, t("Fichier du registre (.tar)")), input),
    messages,
    h("div", { class: "actions" }, h("button", { class: "plain" }, t("Vérifier ce fichier"))));
  onSubmit(form, messages, async () => {
    const file = input.files?.[0];
    if (file === undefined) throw new ExplainedError("usage", "Choisissez d'abord le fichier du registre.");
    result.replaceChildren(shown(app, await verifyBundle(await app.browser.profile.trust(), file), t("Fichier vérifié : {name}", { name: file.name })));
    focusOn(within(result, "h2"));
  });
  return form;
}


/** `of` names the file that was judged; without it, what the service shows now. */
function shown(app: App, verdict: Verdict, of: string | null = null): HTMLElement {
  const title = verdict.ok ? t("Favorable : le journal est intact et signé") : t("Défavorable : {count} anomalie(s)", { count: verdict.findings.length });
  const findings = verdict.findings.map(({ message, params }) =>
    h("li", {}, translated(message).replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))));
  return h(
    "section",
    {},
    h("div", { class: verdict.ok ? "notice" : "notice bad" }, h("h2", {}, title), of !== null && h("p", {}, of), findings.length > 0 && h("ul", {}, ...findings)),
    h("dl", { class: "panel quiet" }, ...facts(
      [t("Événements"), String(verdict.size)],
      [t("Racine"), h("code", {}, verdict.root)],
      [t("Détails effacés ou non montrés"), String(verdict.undisclosed)],
      [t("Déclarations vérifiées"), Object.entries(verdict.statements).map(([type, count]) => `${statementLabel(type)} : ${count}`).join(", ")],
      [t("Témoins et gardien"), witnesses(verdict)],
    )),
    h("p", { class: "soft" }, t("Ce verdict dit que rien n'a été changé ni signé par qui ne le pouvait. Que chaque remise était permise se vérifie à part, hors ligne : « dossier audit verify ».")),
    of === null && broker(app),
    timeline(verdict.events),
  );
}

function witnesses(verdict: Verdict): HTMLElement {
  const names = Object.entries(verdict.cosigned).map(([name, at]) =>
    h("div", {}, `${name} – ${moment(at * (at < 1e12 ? 1000 : 1))}`));
  const alone = verdict.independentWitnesses.length === 0;
  return h("div", {}, ...names, alone && h("span", { class: "tag warning" }, t("aucun témoin indépendant du service")));
}

function broker(app: App): HTMLElement {
  const place = h("div");
  const messages = h("div");
  place.append(messages, h("div", { class: "actions" }, action(t("Voir l'état du gardien des clés"), messages, async () => {
    const { entries, checkpoint } = await deskOf(app).browser.api.brokerRecord();
    const count = entries.split("\n").filter((line) => line !== "").length;
    messages.replaceChildren(h("dl", { class: "panel quiet" }, ...facts(
      [t("Actes au registre du gardien"), String(count)],
      [t("Son état signé"), h("code", {}, checkpoint.split("\n").slice(0, 3).join(" · "))],
    )));
  }, "plain")));
  return place;
}

/** Newest first, by type and by words; erased parts are shown as such. */
function timeline(events: readonly LoggedEvent[]): HTMLElement {
  const kinds = [...new Set(events.map((each) => each.details?.type ?? ""))].sort();
  const kind = h("select", { id: "filter-kind" }, h("option", { value: "*" }, t("tous")));
  for (const each of kinds) kind.append(h("option", { value: each }, each === "" ? t("détails effacés") : eventLabel(each)));
  const words = h("input", { id: "filter-words", autocomplete: "off" });
  const place = h("div");
  let most = PAGE;
  const draw = (): void => {
    const wanted = words.value.trim().toLowerCase();
    const found = events.filter((each) => {
      const type = each.details?.type ?? "";
      return (kind.value === "*" || kind.value === type) && (wanted === "" || searched(each).includes(wanted));
    });
    const rows = [...found].reverse().slice(0, most).map(line);
    const more = found.length > most && h("button", { type: "button", class: "plain", onclick: () => {
      most += PAGE;
      draw();
    } }, t("Montrer la suite"));
    place.replaceChildren(table(t("{count} événement(s), les plus récents d'abord", { count: found.length }), [t("N°"), t("Moment"), t("Événement"), t("Précisions")], rows), h("div", { class: "actions" }, more));
  };
  kind.addEventListener("change", draw);
  words.addEventListener("input", draw);
  draw();
  return h("section", {}, h("h2", {}, t("Chronologie")),
    h("div", { class: "field short" }, h("label", { for: "filter-kind" }, t("Type d'événement")), kind),
    h("div", { class: "field" }, h("label", { for: "filter-words" }, t("Contient (référence, empreinte, séance)")), words), place);
}

/** What the filter looks through: the log's own words and those shown. */
const searched = ({ details }: LoggedEvent): string =>
  details === null ? "" : `${JSON.stringify(details)} ${Object.entries(details.facts).map(([name, value]) => valueLabel(name, value)).join(" ")}`.toLowerCase();

function line(event: LoggedEvent): readonly (Node | string | { content: string; head: boolean })[] {
  const { index, day, details } = event;
  if (details === null) {
    return [{ content: String(index), head: true }, day, h("span", { class: "tag warning" }, t("détails effacés")), t("Seule l'empreinte reste ; elle est bien au journal.")];
  }
  const said = [...Object.entries(details.facts), ...Object.entries(details.cites).map(([name, digest]) => [name, `${digest.slice(0, 12)}…`])];
  return [{ content: String(index), head: true }, moment(details.at), eventLabel(details.type), h("span", { class: "small mono" }, said.map(([name = "", value = ""]) => `${fieldLabel(name)} : ${valueLabel(name, value)}`).join(" · "))];
}
