import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckpointKeeper, checkpointOf } from "../core/checkpoints.ts";
import { ExplainedError } from "../core/errors.ts";
import { LogPolicy } from "../core/log_policy.ts";
import type { StatementOf } from "../core/statements.ts";
import { memoryStore } from "../core/store.ts";
import { octets, vectors } from "./vectors.ts";

interface Grown {
  readonly older: string;
  readonly newer: string;
  readonly proof: readonly string[];
}

const [stated] = vectors<StatementOf<"trust-policy">>("receipts", "policies", 1);
const policy = new LogPolicy(stated as StatementOf<"trust-policy">);
const grown = vectors<Grown>("receipts", "consistent", 6);
const last = grown.at(-1) as Grown; // from 5 entries to 9
const now = Date.UTC(2026, 10, 24);

/** A browser that saw another history of `size` entries than the one that is shown from now on. */
async function forked(size: number) {
  const store = memoryStore();
  const text = last.newer.split("\n");
  text[1] = String(size);
  text[2] = Buffer.alloc(32, 7).toString("base64");
  await store.put("profile", "checkpoint", text.join("\n"));
  const keeper = new CheckpointKeeper(store, async (older, newer) => {
    const found = grown.find(
      (each) => checkpointOf(each.older).size === older && checkpointOf(each.newer).size === newer,
    );
    return (found?.proof ?? []).map(octets);
  });
  await keeper.begin();
  return { store, keeper };
}

const shown = [policy.verifyCheckpoint(last.newer)];

test("a log that was rewritten is refused without a recovery, and by one that names another history", async () => {
  for (const size of [9, 12]) {
    const { store, keeper } = await forked(size);
    const other = { ...checkpointOf(last.older), root: new Uint8Array(32) };
    keeper.permit("a".repeat(64), other);
    await assert.rejects(keeper.accept(shown, now), ExplainedError);
    assert.equal((await store.keys("evidence")).length, 1);
  }
});

test("a recovery lets the log go on from what it names, once", async () => {
  for (const size of [9, 12]) {
    const { store, keeper } = await forked(size);
    const seen = await store.get<string>("profile", "checkpoint");
    keeper.permit("a".repeat(64), checkpointOf(last.older));
    await keeper.accept(shown, now);
    assert.equal(await store.get("profile", "checkpoint"), last.newer);
    assert.equal((await store.keys("evidence")).length, 1);
    await store.put("profile", "checkpoint", seen);
    await keeper.begin();
    await assert.rejects(keeper.accept(shown, now), ExplainedError);
  }
});
