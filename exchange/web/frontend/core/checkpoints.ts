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
  private readonly permits = new Map<string, Checkpoint>();
  /** Whether a recovery made this browser leave a longer log. */
  steppedBack = false;

  constructor(store: Store, consistency: ConsistencySource) {
    this.store = store;
    this.consistency = consistency;
  }

  /** A verified recovery: a log that grows out of `checkpoint` may contradict what was seen. */
  permit(recovery: string, checkpoint: Checkpoint): void {
    this.permits.set(recovery, checkpoint);
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
    const grows = given.size >= this.floor && given.origin === known.origin;
    const [first, second] = known.size <= given.size ? [known, given] : [given, known];
    if (!grows || !(await this.isPrefix(first, second))) {
      if (await this.goesOnFromARecovery(known, given, note, now)) return;
      throw await this.contradiction(note, given.note, now);
    }
    if (given.size > known.size) await this.store.put("profile", "checkpoint", given.note);
  }

  private async isPrefix(first: Checkpoint, second: Checkpoint): Promise<boolean> {
    const same = first.size === second.size;
    const proof = same ? [] : await this.consistency(first.size, second.size);
    try {
      verifyConsistency(first.size, second.size, first.root, second.root, proof);
      return true;
    } catch (error) {
      if (!(error instanceof ExplainedError)) throw error;
      return false;
    }
  }

  /**
   * Steps back to `given` if it grew out of what a recovery permits. Each is good once, or whoever holds
   * an old one could take the log back again and again. What was seen is kept as evidence.
   */
  private async goesOnFromARecovery(
    known: Checkpoint,
    given: VerifiedCheckpoint,
    note: string,
    now: number,
  ): Promise<boolean> {
    const used = (await this.store.get<readonly string[]>("profile", "recoveries")) ?? [];
    for (const [recovery, from] of this.permits) {
      const apart = from.origin !== given.origin || known.origin !== given.origin;
      if (used.includes(recovery) || apart || from.size > Math.min(known.size, given.size)) continue;
      if (!(await this.isPrefix(from, given))) continue;
      await this.keep(note, given.note, now);
      await this.store.put("profile", "recoveries", [...used, recovery]);
      await this.store.put("profile", "checkpoint", given.note);
      this.floor = from.size;
      this.steppedBack = true;
      return true;
    }
    return false;
  }

  private async keep(older: string, newer: string, now: number): Promise<string> {
    const name = `${formatInstant(now)}-${sha256(utf8(newer)).slice(0, 8)}`;
    await this.store.put("evidence", name, { older, newer });
    return name;
  }

  private async contradiction(older: string, newer: string, now: number): Promise<ExplainedError> {
    const name = await this.keep(older, newer, now);
    return hostile(
      "Le journal montré aujourd'hui contredit celui que ce navigateur a déjà vu : il a été réécrit, " +
        "ramené en arrière, ou deux histoires différentes sont montrées. Rien n'a été utilisé. Les deux " +
        "points de contrôle signés sont gardés (« {name} ») : transmettez-les au vérificateur de la " +
        "préfecture, et ne déposez ni ne retirez rien d'ici là.",
      { name },
    );
  }
}
