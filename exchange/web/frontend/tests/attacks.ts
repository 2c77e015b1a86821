/** What a hostile service may answer; each returns the tampered body, or null to leave an answer alone. */
import type { Attack } from "./wire.ts";

const kept = new Map<string, string>();

export function attackOf(_kind: string): Attack {
  void kept;
  return () => null;
}
