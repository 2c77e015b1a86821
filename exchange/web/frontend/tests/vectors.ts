/** The shared vectors of tests/vectors, as the README beside them describes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bech32 } from "@scure/base";

/** One group of one file; throws when it is empty, so that no test passes on nothing. */
export function vectors<T>(file: string, group: string, count: number): readonly T[] {
  const folder = process.env["VECTORS"] ?? "";
  const loaded = JSON.parse(readFileSync(join(folder, `${file}.json`), "utf8")) as Record<string, T[]>;
  const found = loaded[group] ?? [];
  if (found.length < count) throw new Error(`${file}/${group}: ${found.length} of ${count} vectors`);
  return found;
}

export const octets = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(text, "base64"));

/** The 32 octets of `AGE-SECRET-KEY-PQ-1…`. */
export const ageIdentity = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bech32.decodeToBytes(text).bytes);
