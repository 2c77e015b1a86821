import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, systemEntropy } from "../core/bytes.ts";
import { CHUNK_BYTES, openPayload, payloadLength, sealPayload } from "../core/payload.ts";

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(...all);
}

const SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES];

test("a payload of any length around a chunk's border opens again, and has the length foreseen", async () => {
  for (const size of SIZES) {
    const [key, nonce, plain] = [systemEntropy(16), systemEntropy(16), systemEntropy(size)];
    const sealed = await gathered(sealPayload(key, nonce, [plain.subarray(0, 7), plain.subarray(7)]));
    assert.equal(sealed.length, payloadLength(size));
    assert.deepEqual(await gathered(openPayload(key, [sealed])), plain);
  }
});

test("a payload that was cut, extended or altered anywhere is refused", async () => {
  const [key, nonce] = [systemEntropy(16), systemEntropy(16)];
  const sealed = await gathered(sealPayload(key, nonce, [systemEntropy(2 * CHUNK_BYTES)]));
  const altered = sealed.slice();
  altered[altered.length - 5]! ^= 1;
  const cases = [sealed.subarray(0, -1), sealed.subarray(0, 16 + CHUNK_BYTES + 16), altered];
  cases.push(concat(sealed, new Uint8Array(16)), new Uint8Array(3));
  for (const bad of cases) {
    await assert.rejects(gathered(openPayload(key, [bad])), { name: "ExplainedError" });
  }
});
