/**
 * Which file names a container may hold: those that mean one thing on every system (crypto/edge/paths.py).
 */
import { utf8 } from "./bytes.ts";
import { ExplainedError } from "./errors.ts";

export const MAX_PATH_BYTES = 400;
const MAX_NAME_BYTES = 200;
const MAX_DEPTH = 8;
/** What Windows forbids; and controls, invisible and direction-changing characters. */
const FORBIDDEN = /[\\:*?"<>|\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;

export const unsafe = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("unsafe-container", message, params);

/** Throws kind "unsafe-container" unless `path` is relative, portable and in Unicode form C. */
export function checkPath(path: string): void {
  const names = path.split("/");
  if (path.startsWith("/") || names.some((name) => name === "" || name === "." || name === "..")) {
    throw unsafe("Un nom de fichier du dossier sort du dossier : il est refusé.");
  }
  if (names.length > MAX_DEPTH || utf8(path).length > MAX_PATH_BYTES) {
    throw unsafe("Un nom de fichier du dossier est trop long.");
  }
  if (path.normalize("NFC") !== path) {
    throw unsafe("Un nom de fichier n'est pas en forme Unicode composée (NFC).");
  }
  for (const name of names) checkName(name);
}

/** `path` in Unicode form C (macOS hands out form D), checked. */
export function normalisePath(path: string): string {
  const normal = path.normalize("NFC");
  checkPath(normal);
  return normal;
}

function checkName(name: string): void {
  if (utf8(name).length > MAX_NAME_BYTES) throw unsafe("Un nom de fichier du dossier est trop long.");
  if (FORBIDDEN.test(name)) {
    throw unsafe("Un nom de fichier du dossier contient un caractère interdit.");
  }
  if (name !== name.trim() || name.endsWith(".")) {
    throw unsafe(
      "Un nom de fichier du dossier commence ou finit par une espace, ou finit par un point.",
    );
  }
  if (RESERVED.test(name)) throw unsafe("Un nom de fichier du dossier est réservé par Windows.");
}

/** Throws kind "unsafe-container" when two paths are one on some file system, or one is inside one. */
export function checkDistinct(paths: readonly string[]): void {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths) {
    const key = collisionKey(path);
    const parents = [...key.matchAll(/\//g)].map((match) => key.slice(0, match.index));
    if (files.has(key) || folders.has(key) || parents.some((parent) => files.has(parent))) {
      throw unsafe("Deux fichiers du dossier portent le même nom, à la casse ou aux accents près.");
    }
    files.add(key);
    for (const parent of parents) folders.add(parent);
  }
}

/**
 * Equal for names that some file system takes for one. JavaScript has no case folding: upper and then
 * lower case folds what folding folds (ß and ss, final sigma), but for two letters: ẞ folds to ss, and
 * the dotless ı to itself.
 */
function collisionKey(path: string): string {
  const whole = path.normalize("NFKC").replaceAll("ẞ", "ss");
  const folded = whole.split("ı").map((part) => part.toUpperCase().toLowerCase());
  return folded.join("ı").replaceAll("ς", "σ").normalize("NFKC");
}
