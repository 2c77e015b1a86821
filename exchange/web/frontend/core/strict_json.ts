/**
 * JSON that every reader understands alike, or nothing (crypto/statements/model.py).
 *
 * `JSON.parse` keeps the last of two equal keys and rounds long integers, so it is not used for what
 * was signed. Refused here: duplicate keys, floats and integers beyond 2⁵³, invalid UTF-8, lone
 * surrogates, deep nesting, and more than `limit` octets. Objects have no prototype.
 */
import { textOf } from "./bytes.ts";
import { malformed } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const MAX_DEPTH = 8; // the deepest statement nests 3 levels
const SPACE = /[ \t\n\r]*/y;
const INTEGER = /-?(?:0|[1-9][0-9]*)/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
}; // prettier-ignore

/** Reads one document; throws kind "malformed". */
export function parseStrictJson(data: Uint8Array, limit: number): Json {
  if (data.length > limit) throw malformed("Ce document dépasse {limit} octets.", { limit });
  let text: string;
  try {
    text = textOf(data);
  } catch {
    throw notStrict();
  }
  const reader = new Reader(text);
  const value = reader.value(MAX_DEPTH);
  reader.end();
  return value;
}

const notStrict = () => malformed("Ce document n'est pas du JSON strict.");

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  end(): void {
    this.skip();
    if (this.at !== this.text.length) throw notStrict();
  }

  value(left: number): Json {
    if (left === 0) throw malformed("Ce document est imbriqué trop profondément.");
    this.skip();
    switch (this.text[this.at]) {
      case "{":
        return this.object(left);
      case "[":
        return this.array(left);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.integer();
    }
  }

  private object(left: number): JsonObject {
    const found = Object.create(null) as Record<string, Json>;
    this.at += 1;
    if (this.takes("}")) return found;
    do {
      this.skip();
      if (this.text[this.at] !== '"') throw notStrict();
      const key = this.string();
      if (key in found || !this.takes(":")) throw notStrict();
      found[key] = this.value(left - 1);
    } while (this.takes(","));
    if (!this.takes("}")) throw notStrict();
    return found;
  }

  private array(left: number): readonly Json[] {
    const found: Json[] = [];
    this.at += 1;
    if (this.takes("]")) return found;
    do found.push(this.value(left - 1));
    while (this.takes(","));
    if (!this.takes("]")) throw notStrict();
    return found;
  }

  private string(): string {
    let whole = "";
    this.at += 1;
    for (;;) {
      whole += this.match(PLAIN);
      const letter = this.text[this.at];
      this.at += 1;
      if (letter === '"') break;
      if (letter !== "\\") throw notStrict();
      whole += this.escape();
    }
    if (LONE_SURROGATE.test(whole)) {
      throw malformed("Ce document contient un caractère Unicode incomplet.");
    }
    return whole;
  }

  private escape(): string {
    const letter = this.text[this.at] ?? "";
    this.at += 1;
    if (letter !== "u") {
      const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (plain === undefined) throw notStrict();
      return plain;
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw notStrict();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private integer(): number {
    const digits = this.match(INTEGER);
    const next = this.text[this.at] ?? "";
    if (digits === "" || digits === "-0" || /[.eE0-9]/.test(next)) throw notStrict();
    const number = Number(digits);
    if (!Number.isSafeInteger(number)) throw notStrict();
    return number;
  }

  private word<T extends Json>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw notStrict();
    this.at += word.length;
    return value;
  }

  private takes(letter: string): boolean {
    this.skip();
    if (this.text[this.at] !== letter) return false;
    this.at += 1;
    return true;
  }

  private skip(): void {
    this.match(SPACE);
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}
