/** The Merkle tree of RFC 6962 over SHA-256: hashes and the verification of proofs (audit/merkle.py). */
import { type Bytes, concat, sameBytes } from "./bytes.ts";
import { sha256Bytes } from "./digests.ts";
import { hostile } from "./errors.ts";

const MAX_PROOF_HASHES = 64;
export const EMPTY_ROOT = sha256Bytes(new Uint8Array(0));

export const leafHash = (entry: Uint8Array): Bytes => sha256Bytes(concat(Uint8Array.of(0), entry));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Bytes =>
  sha256Bytes(concat(Uint8Array.of(1), left, right));

/**
 * The root over consecutive subtree hashes of one level. Pairing neighbours and lifting an odd last one
 * gives RFC 6962's tree, because its split is at the largest power of two.
 */
export function rootOf(hashes: readonly Bytes[]): Bytes {
  let row = [...hashes];
  while (row.length > 1) {
    const next: Bytes[] = [];
    for (let at = 0; at < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]];
      if (left !== undefined) next.push(right === undefined ? left : nodeHash(left, right));
    }
    row = next;
  }
  return row[0] ?? EMPTY_ROOT;
}

const odd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2); // shifts would cut at 32 bits

/** Throws kind "hostile" unless the leaf hash is at `index` (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: Bytes,
  index: number,
  size: number,
  proof: readonly Bytes[],
  root: Bytes,
): void {
  const refused = () =>
    hostile(
      "La preuve que l'événement n° {index} est dans le journal de {size} événements ne tient " +
        "pas : refusez ce récépissé et signalez-le au vérificateur.",
      { index, size },
    );
  checkHashes([leaf, root, ...proof]);
  if (!(index >= 0 && index < size)) throw refused();
  let [node, last, computed] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw refused();
    if (odd(node) || node === last) {
      computed = nodeHash(sibling, computed);
      while (!odd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      computed = nodeHash(computed, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (last !== 0 || !sameBytes(computed, root)) throw refused();
}

/** Throws kind "hostile" unless the newer tree begins with the older (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  old: number,
  grown: number,
  oldRoot: Bytes,
  newRoot: Bytes,
  proof: readonly Bytes[],
): void {
  const refused = () =>
    hostile(
      "Le journal de {new} événements ne prolonge pas celui de {old} : l'un des deux a été " +
        "réécrit. Conservez les deux points de contrôle et signalez-les au vérificateur.",
      { old, new: grown },
    );
  checkHashes([oldRoot, newRoot, ...proof]);
  if (!(old >= 0 && old <= grown)) throw refused();
  if (old === 0 || old === grown) {
    // RFC 9162 leaves these two out: neither has anything to prove.
    const expected = old === 0 ? EMPTY_ROOT : newRoot;
    const emptyWrong = grown === 0 && !sameBytes(newRoot, EMPTY_ROOT);
    if (proof.length > 0 || !sameBytes(oldRoot, expected) || emptyWrong) throw refused();
    return;
  }
  const roots = consistencyRoots(old, grown, oldRoot, proof);
  if (roots === null || !sameBytes(roots[0], oldRoot) || !sameBytes(roots[1], newRoot)) {
    throw refused();
  }
}

function consistencyRoots(
  old: number,
  grown: number,
  oldRoot: Bytes,
  proof: readonly Bytes[],
): readonly [Bytes, Bytes] | null {
  const [start, ...path] = isPowerOfTwo(old) ? [oldRoot, ...proof] : proof;
  if (start === undefined) return null;
  let [node, last] = [old - 1, grown - 1];
  while (odd(node)) [node, last] = [half(node), half(last)];
  let [first, second] = [start, start];
  for (const sibling of path) {
    if (last === 0) return null;
    if (odd(node) || node === last) {
      [first, second] = [nodeHash(sibling, first), nodeHash(sibling, second)];
      while (!odd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      second = nodeHash(second, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? [first, second] : null;
}

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

function checkHashes(hashes: readonly Bytes[]): void {
  if (hashes.length > MAX_PROOF_HASHES + 2 || hashes.some((each) => each.length !== 32)) {
    throw hostile("Cette preuve n'est pas faite d'empreintes de 32 octets.");
  }
}
