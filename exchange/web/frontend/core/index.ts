/** What the pages use of the core. See ../README.md for the journeys. */
export { ExplainedError, type ErrorKind } from "./errors.ts";
export { type Bytes, type Entropy, systemEntropy } from "./bytes.ts";
export * from "./encoding.ts";
export * from "./digests.ts";
export * from "./payload.ts";
