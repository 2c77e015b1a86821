/** Forgets the key when nobody is there: people walk away from shared desks. */
import { byId } from "./dom.ts";

const IDLE_MS = 10 * 60_000; // before the page locks
const WARN_MS = 60_000; // the warning comes this long before, and any act puts it off (WCAG 2.2.1)
const LOOK_MS = 5_000;

/** Reloads the page after ten idle minutes: with the page, the key and all that it opened are gone. */
export function lockWhenIdle(clock: () => number = Date.now): { seen(): void } {
  const dialog = byId<HTMLDialogElement>("idle");
  let last = clock();
  const seen = (): void => {
    last = clock();
    if (dialog.open) dialog.close();
  };
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, seen, { passive: true });
  }
  setInterval(() => {
    const idle = clock() - last;
    if (idle >= IDLE_MS) location.reload();
    else if (idle >= IDLE_MS - WARN_MS && !dialog.open) dialog.showModal();
  }, LOOK_MS);
  return { seen };
}
