/** Words in the page's language. French is written here; English comes from the service's catalogue. */
const ENGLISH = "/textes/en.json";

let catalogue: Readonly<Record<string, string>> = {};

export const language = (): string => document.documentElement.lang || "fr";

/** Fetches the English messages where the page is in English; without them it speaks French. */
export async function loadWords(): Promise<void> {
  if (language() !== "en") return;
  try {
    const answer = await fetch(ENGLISH, { credentials: "same-origin", referrerPolicy: "no-referrer" });
    if (answer.ok) catalogue = (await answer.json()) as Record<string, string>;
  } catch {
    // French it is
  }
}

export const translated = (message: string): string => catalogue[message] ?? message;

/** A French message in the page's language, with its `{values}` filled in. */
export const t = (message: string, values: Readonly<Record<string, string | number>> = {}): string =>
  translated(message).replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );

export const moment = (instant: string | number, zone?: string): string =>
  new Intl.DateTimeFormat(language(), {
    dateStyle: "long",
    timeStyle: "short",
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).format(new Date(instant));

export const day = (instant: string | number): string =>
  new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(new Date(instant));

const UNIT = 1_000;

/** 1,4 Mo */
export function sizeOf(octets: number): string {
  const format = (value: number) =>
    new Intl.NumberFormat(language(), { maximumFractionDigits: 1 }).format(value);
  if (octets < UNIT) return t("{n} octets", { n: octets });
  if (octets < UNIT * UNIT) return t("{n} ko", { n: format(octets / UNIT) });
  return t("{n} Mo", { n: format(octets / UNIT / UNIT) });
}
