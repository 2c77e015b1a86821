import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, textOf } from "../core/bytes.ts";
import { cardBytes, parseConflictCard } from "../core/conflict_card.ts";
import { type Piece, cardJson, containerLength, parseCard, readContainer, writeContainer } from "../core/container.ts"; // prettier-ignore
import { sha256 } from "../core/digests.ts";
import { ExplainedError } from "../core/errors.ts";
import { checkDistinct } from "../core/paths.ts";
import { paddedLength } from "../core/tar.ts";
import { utf8 } from "../core/bytes.ts";
import { octets, vectors } from "./vectors.ts";

interface Read {
  readonly name: string;
  readonly card: string;
  readonly files: Readonly<Record<string, string>>;
  readonly container: string;
}

async function unpacked(container: Uint8Array): Promise<{ card: string; files: Record<string, string> }> {
  const files: Record<string, Uint8Array[]> = {};
  const card = await readContainer([container.subarray(0, 700), container.subarray(700)], {
    card: () => undefined,
    data: ({ path }, data) => void (files[path] ??= []).push(data.slice()),
    end: ({ path }) => void (files[path] ??= []),
  });
  const joined = Object.entries(files).map(([path, parts]) => [path, Buffer.from(concat(...parts)).toString("base64")]);
  return { card: new TextDecoder().decode(cardJson(card)), files: Object.fromEntries(joined) };
}

test("containers are read as Python reads them, and written to the same octets", async () => {
  for (const { name, card, files, container } of vectors<Read>("containers", "read", 2)) {
    const found = await unpacked(octets(container));
    assert.equal(found.card, card, name);
    assert.deepEqual(found.files, files, name);
    const parsed = parseCard(utf8(card));
    const pieces: Piece[] = parsed.pieces.map((piece) => ({
      ...piece,
      open: () => [octets(files[piece.path] ?? "")],
    }));
    const written: Uint8Array[] = [];
    for await (const data of writeContainer(parsed, pieces)) written.push(data.slice());
    assert.equal(sha256(concat(...written)), sha256(octets(container)), name);
    assert.equal(containerLength(parsed), octets(container).length);
  }
});

test("every dangerous or inexact container is refused", async () => {
  for (const { name, container } of vectors<{ name: string; container: string }>("containers", "refused", 49)) {
    await assert.rejects(unpacked(octets(container)), ExplainedError, name);
  }
});

test("conflict cards are read and written as in Python, and nothing else passes for one", () => {
  interface Card {
    readonly initials: string;
    readonly year: number;
    readonly commune: string;
    readonly json: string;
  }
  for (const { json, ...card } of vectors<Card>("containers", "conflict_cards", 3)) {
    assert.deepEqual({ ...parseConflictCard(utf8(json)) }, card);
    assert.equal(textOf(cardBytes(card)), json);
  }
  for (const { name, json } of vectors<{ name: string; json: string }>("containers", "conflict_cards_refused", 12)) {
    assert.throws(() => parseConflictCard(utf8(json)), ExplainedError, name);
  }
});

test("lengths are padded as in Python", () => {
  for (const { content, padded } of vectors<{ content: number; padded: number }>("containers", "padded_lengths", 10)) {
    assert.equal(paddedLength(content), padded, String(content));
  }
});

test("names that some file system takes for one collide as in Python", () => {
  for (const { paths, distinct } of vectors<{ paths: string[]; distinct: boolean }>("containers", "collisions", 18)) {
    if (distinct) checkDistinct(paths);
    else assert.throws(() => checkDistinct(paths), ExplainedError, paths.join(" | "));
  }
});
