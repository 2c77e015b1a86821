import assert from "node:assert/strict";
import { test } from "node:test";
import { ExplainedError } from "../core/errors.ts";
import { Profile } from "../core/profile.ts";
import { memoryStore } from "../core/store.ts";
import type { Trust } from "../core/trust.ts";
import { vectors } from "./vectors.ts";
import { parseTrust } from "../core/trust.ts";
import { utf8 } from "../core/bytes.ts";

test("a broker's status number never goes back, nor stays, and each broker key counts for itself", async () => {
  const profile = new Profile(memoryStore());
  assert.equal(await profile.raiseStatusNumber("one", 5), true);
  assert.equal(await profile.raiseStatusNumber("one", 5), false);
  assert.equal(await profile.raiseStatusNumber("one", 4), false);
  assert.equal(await profile.raiseStatusNumber("other", 4), true);
  assert.equal(await profile.raiseStatusNumber("one", 6), true);
});

test("of two tabs with the same number only one is let through", async () => {
  const profile = new Profile(memoryStore());
  const both = await Promise.all([1, 2].map(() => profile.raiseStatusNumber("key", 7)));
  assert.deepEqual(both.sort(), [false, true]);
});

test("another trust is never pinned over the first", async () => {
  const profile = new Profile(memoryStore());
  const [first, second] = vectors<{ trust_json: string }>("fingerprints", "trusts", 3).map((each) =>
    parseTrust(utf8(each.trust_json)),
  ) as [Trust, Trust];
  await profile.pin(first);
  await profile.pin(first);
  await assert.rejects(profile.pin(second), ExplainedError);
  assert.deepEqual({ ...(await profile.trust()) }, { ...first });
});
