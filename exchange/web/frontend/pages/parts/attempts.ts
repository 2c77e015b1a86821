/** Doing what a person asked for, and saying what came of it. */
import { ExplainedError } from "../../core/errors.ts";
import { byId, focusOn, h } from "./dom.ts";
import { t, translated } from "./words.ts";

/** What the service cannot honestly have shown: nobody should go on after it. */
const GRAVE: ReadonlySet<string> = new Set(["hostile", "untrusted", "signature", "broken-ciphertext"]);

export function explained(error: unknown): { text: string; grave: boolean } {
  if (error instanceof ExplainedError) {
    return { text: error.explain(translated), grave: GRAVE.has(error.kind) };
  }
  const name = error instanceof Error ? error.name : "?";
  return {
    text: t("Cette page a rencontré une erreur inattendue ({name}). Rechargez-la et recommencez.", { name }),
    grave: false,
  };
}

/** Says in `place` what went wrong, and moves the reader there. */
export function tell(place: HTMLElement, error: unknown): void {
  const { text, grave } = explained(error);
  const title = grave
    ? t("Arrêtez-vous : une vérification a échoué.")
    : t("Cela n'a pas été fait.");
  const notice = h("div", { class: "notice bad", role: "alert" }, h("strong", {}, title), h("p", {}, text));
  place.replaceChildren(notice);
  focusOn(notice);
}

export function inform(place: HTMLElement, text: string): void {
  place.replaceChildren(h("p", { class: "notice", role: "status" }, text));
}

/** Announces to screen readers what is under way. */
export const announce = (text: string): void => {
  const place = document.getElementById("working");
  if (place !== null) place.textContent = text;
};

/** Runs an act once at a time: its button rests meanwhile, a failure is told in `place`. */
export async function attempt(
  place: HTMLElement,
  button: HTMLButtonElement | null,
  act: () => Promise<void>,
): Promise<boolean> {
  place.replaceChildren();
  if (button !== null) button.disabled = true;
  document.body.setAttribute("aria-busy", "true");
  announce(t("Un instant…"));
  try {
    await act();
    announce("");
    return true;
  } catch (error) {
    announce("");
    tell(place, error);
    return false;
  } finally {
    document.body.removeAttribute("aria-busy");
    if (button !== null) button.disabled = false;
  }
}

/** A form's act, with its own button and its own place for messages. */
export function onSubmit(form: HTMLFormElement, place: HTMLElement, act: () => Promise<void>): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector<HTMLButtonElement>("button:not([type=button])");
    void attempt(place, button, act);
  });
}

/** A button that acts. */
export function action(
  label: string,
  place: HTMLElement,
  act: () => Promise<void>,
  look = "",
): HTMLButtonElement {
  const made: HTMLButtonElement = h(
    "button",
    { type: "button", class: look, onclick: () => void attempt(place, made, act) },
    label,
  );
  return made;
}

/** A progress bar in `place`; call the result as it goes. */
export function progressIn(place: HTMLElement, label: string): (done: number, total: number) => void {
  const bar = h("progress", { max: "1", "aria-label": label });
  const text = h("p", { class: "small soft" }, label);
  place.replaceChildren(text, bar);
  return (done, total) => {
    bar.value = total > 0 ? Math.min(1, done / total) : 0;
    text.textContent = `${label} ${Math.round(bar.value * 100)} %`;
  };
}

/** Asks before an act that cannot be undone; the reason typed, "" where none is asked for, null for no. */
export function ask(title: string, text: string, yes: string, withReason: boolean): Promise<string | null> {
  const dialog = byId<HTMLDialogElement>("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  byId("ask-field").hidden = !withReason;
  const reason = byId<HTMLInputElement>("ask-reason");
  reason.value = "";
  reason.required = withReason;
  dialog.returnValue = "no";
  document.body.removeAttribute("aria-busy"); // it is the person's turn now
  announce("");
  dialog.showModal();
  return new Promise((resolve) => {
    const answered = (): void => {
      document.body.setAttribute("aria-busy", "true");
      resolve(dialog.returnValue === "yes" ? reason.value.trim() : null);
    };
    dialog.addEventListener("close", answered, { once: true });
  });
}
