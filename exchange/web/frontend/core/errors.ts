/**
 * Errors that a person can act on.
 *
 * `message` is a French template with `{name}` fields (the same msgid as the Python client's where the
 * rule is the same); pages translate it with the catalogue that the server puts into the page, then
 * fill in `params`. A parameter never holds a secret or anything of a dossier's content.
 */
export type ErrorKind =
  | "malformed" // not of the format, or not in its one canonical form
  | "signature" // a signature does not verify
  | "untrusted" // does not end in the pinned root, or no longer counts
  | "hostile" // the service showed something that it cannot honestly have shown
  | "refused" // the service refused, and says why
  | "unreachable" // no answer
  | "not-for-this-key" // ciphertext for another key
  | "broken-ciphertext" // altered or cut
  | "unsafe-container" // file names or entries that are dangerous to unpack
  | "usage"; // the person asked for something that cannot be

export class ExplainedError extends Error {
  readonly kind: ErrorKind;
  readonly params: Readonly<Record<string, string | number>>;

  constructor(kind: ErrorKind, message: string, params: Record<string, string | number> = {}) {
    super(message);
    this.name = "ExplainedError";
    this.kind = kind;
    this.params = params;
  }

  /** The French text, filled in; `translate` maps the template first. */
  explain(translate: (template: string) => string = (template) => template): string {
    return translate(this.message).replace(/\{(\w+)\}/g, (whole, name: string) =>
      name in this.params ? String(this.params[name]) : whole,
    );
  }
}

export const malformed = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("malformed", message, params);
export const untrusted = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("untrusted", message, params);
export const hostile = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("hostile", message, params);
