/**
 * The field types of statements: one accepted spelling of each value (crypto/statements/fields.py).
 *
 * A value stays as JSON has it (an instant is its text, a key its base64), checked; so what is written
 * is what was read. `fieldsOf` refuses unknown and missing keys.
 */
import { decodeBase64, parseDay, parseDigest, parseDossierReference, parseInstant, parseOpaqueId } from "./encoding.ts"; // prettier-ignore
import { ExplainedError } from "./errors.ts";
import { RECIPIENT_BYTES, checkVerifyKey } from "./keys.ts";
import type { Json } from "./strict_json.ts";

export const MAX_LABEL_CHARS = 200;
export const MAX_REASON_CHARS = 2_000;
export const MAX_TEXT_CHARS = 20_000;
export const MAX_ITEMS = 1_000;

/** What is wrong with a field; turned into a sentence that names the field, never its value. */
export class FieldError extends Error {
  readonly where: string;
  constructor(where: string, detail: string) {
    super(detail);
    this.where = where;
  }
}

export type Field<T> = (value: Json | undefined, where: string) => T;
export type Shape = Readonly<Record<string, Field<unknown>>>;
export type Of<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> };

const wrong = (where: string, detail: string) => new FieldError(where, detail);

function text(value: Json | undefined, where: string): string {
  if (typeof value !== "string") throw wrong(where, "expected a string");
  return value;
}

const checked =
  (check: (text: string) => unknown): Field<string> =>
  (value, where) => {
    const found = text(value, where);
    try {
      check(found);
    } catch (error) {
      if (error instanceof ExplainedError) throw wrong(where, error.message);
      throw error;
    }
    return found;
  };

const sized =
  (least: number, most: number): Field<string> =>
  (value, where) => {
    const found = text(value, where);
    let length = 0;
    for (const _letter of found) length += 1; // code points, as Python counts
    if (length < least || length > most) throw wrong(where, `expected ${least} to ${most} letters`);
    return found;
  };

const matching =
  (pattern: RegExp): Field<string> =>
  (value, where) => {
    const found = text(value, where);
    if (!pattern.test(found)) throw wrong(where, "not of the pattern");
    return found;
  };

const base64Of = (length: number): Field<string> =>
  checked((found) => {
    if (decodeBase64(found).length !== length) {
      throw new ExplainedError("malformed", `expected ${length} bytes in base64`);
    }
  });

const from =
  (least: number): Field<number> =>
  (value, where) => {
    if (typeof value !== "number" || value < least) throw wrong(where, `at least ${least}`);
    return value;
  };

export const opaqueId = checked(parseOpaqueId);
export const dossierReference = checked(parseDossierReference);
export const digest = checked(parseDigest);
export const instant = checked(parseInstant);
export const day = checked(parseDay);
export const verifyKey = checked((found) => checkVerifyKey(decodeBase64(found)));
export const recipient = base64Of(RECIPIENT_BYTES);
export const bytes16 = base64Of(16);
export const bytes32 = base64Of(32);
export const code = matching(/^[a-z0-9][a-z0-9-]{0,39}$/);
export const rna = matching(/^W[0-9][0-9A-Z][0-9]{7}$/);
export const label = sized(1, MAX_LABEL_CHARS);
export const reason = sized(1, MAX_REASON_CHARS);
export const longText = sized(1, MAX_TEXT_CHARS);
export const count = from(0);
export const version = from(1);
export { matching, sized };

export const bool: Field<boolean> = (value, where) => {
  if (typeof value !== "boolean") throw wrong(where, "expected true or false");
  return value;
};

export const oneOf =
  <const T extends string>(...allowed: readonly T[]): Field<T> =>
  (value, where) => {
    const found = allowed.find((each) => each === value);
    if (found === undefined) throw wrong(where, `one of ${allowed.join(", ")}`);
    return found;
  };

export const nullable =
  <T>(field: Field<T>): Field<T | null> =>
  (value, where) =>
    value === null ? null : field(value, where);

export const many =
  <T>(field: Field<T>, least = 0, most = MAX_ITEMS): Field<readonly T[]> =>
  (value, where) => {
    if (!Array.isArray(value)) throw wrong(where, "expected an array");
    if (value.length < least || value.length > most) throw wrong(where, `${least} to ${most} items`);
    return value.map((each: Json, at) => field(each, `${where}.${at}`));
  };

export const part =
  <S extends Shape>(shape: S): Field<Of<S>> =>
  (value, where) =>
    fieldsOf(shape, value, where);

export const dictionary =
  <T>(key: Field<string>, field: Field<T>): Field<Readonly<Record<string, T>>> =>
  (value, where) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw wrong(where, "expected an object");
    }
    const found = Object.create(null) as Record<string, T>;
    for (const [name, each] of Object.entries(value as Record<string, Json>)) {
      found[key(name, where)] = field(each, `${where}.${name}`);
    }
    return found;
  };

/** Every key of `shape` and no other; the result has the shape's order, for writing. */
export function fieldsOf<S extends Shape>(
  shape: S,
  value: Json | undefined,
  where = "",
  optional: Readonly<Record<string, Json>> = {},
): Of<S> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw wrong(where || "?", "expected an object");
  }
  const given = value as Record<string, Json>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shape, name)) throw wrong(name, "unknown field");
  }
  const found: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    const present = Object.hasOwn(given, name);
    if (!present && !Object.hasOwn(optional, name)) throw wrong(name, "missing");
    found[name] = field(present ? given[name] : optional[name], where ? `${where}.${name}` : name);
  }
  return found as Of<S>;
}
