/** Accepted statements, found by identity or by what they refer to (exchange/usecases/ledger.py). */
import type { OpenedItem } from "./agenda.ts";
import type { StatementOf, StatementType } from "./statements.ts";

const REFERENCE_FIELDS = [
  "sitting", "dossier", "deposit", "person", "certificate", "mandate", "manifest", "invitation",
  "enrolment", "signer", "id",
] as const; // prettier-ignore

/** A statement that was verified and recorded. `order` is its index in the log, `at` its time (ms). */
export interface Accepted<K extends StatementType = StatementType> {
  readonly type: K;
  readonly statement: StatementOf<K>;
  readonly digest: string;
  readonly order: number;
  readonly at: number;
}

export type References = Readonly<Partial<Record<(typeof REFERENCE_FIELDS)[number], string>>>;

/** Look-ups over accepted statements. */
export interface StatementIndex {
  get(digest: string): Accepted | null;
  /** All of a type whose references match, oldest first. */
  find<K extends StatementType>(type: K, wanted?: References): readonly Accepted<K>[];
  /** The items of an agenda that were shown here, decoys included. */
  opened(agenda: string): readonly OpenedItem[];
}

export class MemoryLedger implements StatementIndex {
  private readonly byDigest = new Map<string, Accepted>();
  private readonly items = new Map<string, Map<string, OpenedItem>>();

  /** Keeps one; the same digest again changes nothing. */
  add(accepted: Accepted): void {
    if (!this.byDigest.has(accepted.digest)) this.byDigest.set(accepted.digest, accepted);
  }

  /** Keeps what was shown of an agenda; the same item again changes nothing. */
  openItems(agenda: string, items: readonly OpenedItem[]): void {
    const kept = this.items.get(agenda) ?? new Map<string, OpenedItem>();
    for (const each of items) kept.set(each.commitment, each);
    this.items.set(agenda, kept);
  }

  opened(agenda: string): readonly OpenedItem[] {
    return [...(this.items.get(agenda)?.values() ?? [])];
  }

  get(digest: string): Accepted | null {
    return this.byDigest.get(digest) ?? null;
  }

  find<K extends StatementType>(type: K, wanted: References = {}): readonly Accepted<K>[] {
    const pairs = Object.entries(wanted);
    const matching = (accepted: Accepted): accepted is Accepted<K> =>
      accepted.type === type && pairs.every(([name, value]) => refers(accepted, name, value));
    return [...this.byDigest.values()].filter(matching).sort((one, other) => one.order - other.order);
  }
}

function refers(accepted: Accepted, name: string, value: string): boolean {
  const statement = accepted.statement as Readonly<Record<string, unknown>>;
  const dossiers = statement["dossiers"];
  const listed = name === "dossier" && Array.isArray(dossiers) && dossiers.includes(value);
  return listed || statement[name] === value;
}

/** What was known when the entry `order` was logged: a later revocation undoes no signature. */
export class LedgerBefore implements StatementIndex {
  private readonly index: StatementIndex;
  private readonly order: number;

  constructor(index: StatementIndex, order: number) {
    this.index = index;
    this.order = order;
  }

  get(digest: string): Accepted | null {
    const found = this.index.get(digest);
    return found !== null && found.order < this.order ? found : null;
  }

  find<K extends StatementType>(type: K, wanted: References = {}): readonly Accepted<K>[] {
    return this.index.find(type, wanted).filter((each) => each.order < this.order);
  }

  opened(agenda: string): readonly OpenedItem[] {
    return this.get(agenda) === null ? [] : this.index.opened(agenda);
  }
}

/** The accepted statement of that digest if it is of `type`. */
export function ofType<K extends StatementType>(
  index: StatementIndex,
  type: K,
  digest: string,
): Accepted<K> | null {
  const found = index.get(digest);
  return found !== null && found.type === type ? (found as Accepted<K>) : null;
}
