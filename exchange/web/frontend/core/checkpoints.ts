/**
 * The last checkpoint that this browser accepted: whatever comes later must grow out of it
 * (exchange/client/checkpoints.py).
 */
import type { Bytes } from "./bytes.ts";
import { sha256 } from "./digests.ts";
import { formatInstant } from "./encoding.ts";
import { ExplainedError, hostile } from "./errors.ts";
import type { VerifiedCheckpoint } from "./log_policy.ts";
import { verifyConsistency } from "./merkle.ts";
import { type Checkpoint, parseCheckpoint, parseNote } from "./note.ts";
import type { Store } from "./store.ts";
import { utf8 } from "./bytes.ts";

export const checkpointOf = (note: string): Checkpoint => parseCheckpoint(parseNote(note).text);

type ConsistencySource = (older: number, newer: number) => Promise<readonly Bytes[]>;

/**
 * `begin` before a request, `accept` with what came: an answer may be under the checkpoint that was
 * last accepted when the request left, or a newer one. Another tab may accept newer ones meanwhile.
 */
export class CheckpointKeeper {
  private readonly store: Store;
  private readonly consistency: ConsistencySource;
  private floor = 0;

  constructor(store: Store, consistency: ConsistencySource) {
    this.store = store;
    this.consistency = consistency;
  }

  /** The note last accepted. */
  last(): Promise<string | null> {
    return this.store.get<string>("profile", "checkpoint");
  }

  /** Marks what is already known: no answer to a later request may be older. */
  async begin(): Promise<void> {
    const note = await this.last();
    this.floor = note === null ? 0 : checkpointOf(note).size;
  }

  /** What comes next lay in a file and is no answer: older is right, but a prefix it must be. */
  beginWithFile(): void {
    this.floor = 0;
  }

  /** Accepts each, or throws kind "hostile" and keeps both notes as evidence. */
  async accept(checkpoints: readonly VerifiedCheckpoint[], now: number): Promise<void> {
    const distinct = new Map(checkpoints.map((each) => [`${each.size} ${sha256(each.root)}`, each]));
    const ordered = [...distinct.values()].sort((one, other) => one.size - other.size);
    await this.store.alone(async () => {
      for (const each of ordered) await this.acceptOne(each, now);
    });
  }

  private async acceptOne(given: VerifiedCheckpoint, now: number): Promise<void> {
    const note = await this.last();
    if (note === null) return this.store.put("profile", "checkpoint", given.note);
    const known = checkpointOf(note);
    if (given.size < this.floor || given.origin !== known.origin) {
      throw await this.contradiction(note, given.note, now);
    }
    const [first, second] = known.size <= given.size ? [known, given] : [given, known];
    if (first.size === second.size) {
      if (sha256(first.root) !== sha256(second.root)) {
        throw await this.contradiction(note, given.note, now);
      }
      return;
    }
    const proof = await this.consistency(first.size, second.size);
    try {
      verifyConsistency(first.size, second.size, first.root, second.root, proof);
    } catch (error) {
      if (!(error instanceof ExplainedError)) throw error;
      throw await this.contradiction(note, given.note, now);
    }
    if (given.size > known.size) await this.store.put("profile", "checkpoint", given.note);
  }

  private async contradiction(older: string, newer: string, now: number): Promise<ExplainedError> {
    const name = `${formatInstant(now)}-${sha256(utf8(newer)).slice(0, 8)}`;
    await this.store.put("evidence", name, { older, newer });
    return hostile(
      "Le journal montré aujourd'hui contredit celui que ce navigateur a déjà vu : il a été réécrit, " +
        "ramené en arrière, ou deux histoires différentes sont montrées. Rien n'a été utilisé. Les deux " +
        "points de contrôle signés sont gardés (« {name} ») : transmettez-les au vérificateur de la " +
        "préfecture, et ne déposez ni ne retirez rien d'ici là.",
      { name },
    );
  }
}
