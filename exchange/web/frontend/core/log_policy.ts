/**
 * Which checkpoints count: log keys and a quorum of witnesses (C2SP tlog-policy; audit/policy.py).
 *
 * Every log key of the trust policy signed, the quorum is met, and the witness named `broker` cosigned,
 * whatever the quorum says; it is required and never counted as independent.
 */
import { sameBytes } from "./bytes.ts";
import { hostile, malformed } from "./errors.ts";
import { COSIGNATURE, type Checkpoint, ED25519, type NoteVerifier, parseCheckpoint, parseNote, parseVerifier, sameVerifier, verifyNote } from "./note.ts"; // prettier-ignore
import type { StatementOf } from "./statements.ts";

export const BROKER = "broker";
const NO_QUORUM = "none";
const MAX_POLICY_LINES = 256;

export interface Witness {
  readonly name: string;
  readonly verifier: NoteVerifier;
}

interface Group {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

interface WitnessPolicy {
  readonly logs: readonly NoteVerifier[];
  readonly witnesses: readonly Witness[];
  readonly groups: readonly Group[];
  readonly quorum: string;
}

/** An emergency: from `begins` until before `ends` (ms, the broker's cosignature) so many are enough. */
export interface LoweredQuorum {
  readonly quorum: number;
  readonly begins: number;
  readonly ends: number;
}

declare const MADE_HERE: unique symbol;

/** A checkpoint that met a `LogPolicy`. Only that policy makes one. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: string;
  readonly cosigned: ReadonlyMap<string, number>;
  readonly [MADE_HERE]: true;
}

/** What a checkpoint must carry to be believed. */
export class LogPolicy {
  readonly origin: string;
  private readonly logKeys: readonly NoteVerifier[];
  private readonly witnesses: WitnessPolicy;
  private readonly lowered: readonly LoweredQuorum[];
  /** Notes that verified: the receipts of one answer stand under the same one. */
  private readonly verified = new Map<string, VerifiedCheckpoint>();

  /** `lowered`: exceptions that the caller has verified. */
  constructor(policy: StatementOf<"trust-policy">, lowered: readonly LoweredQuorum[] = []) {
    this.lowered = lowered;
    this.origin = policy.origin;
    this.logKeys = policy.log_keys.map(parseVerifier);
    this.witnesses = parseWitnessPolicy(policy.witness_policy);
    this.check();
  }

  private check(): void {
    const { origin, logKeys, witnesses } = this;
    if (logKeys.some((key) => key.name !== origin || key.type !== ED25519)) {
      throw malformed(
        "Chaque clé du journal doit être une clé Ed25519 au nom de l'origine « {origin} ».",
        { origin },
      );
    }
    if (!witnesses.witnesses.some((witness) => witness.name === BROKER)) {
      throw malformed(
        "La politique de témoins doit nommer le gardien des clés : « witness broker … ».",
      );
    }
    const all = [...logKeys, ...witnesses.witnesses.map((witness) => witness.verifier)];
    if (all.some((key, at) => all.slice(0, at).some((other) => sameBytes(key.key, other.key)))) {
      throw malformed(
        "Une même clé ne peut pas être deux fois journal ou témoin : elle ne compterait que pour une.",
      );
    }
    const named = witnesses.logs;
    const differ =
      named.some((log) => !logKeys.some((key) => sameVerifier(log, key))) ||
      logKeys.some((key) => !named.some((log) => sameVerifier(log, key)));
    if (named.length > 0 && differ) {
      throw malformed("Les lignes « log » contredisent les clés du journal.");
    }
  }

  /** The witnesses beside the broker that the quorum can count; none means: say so. */
  get independentWitnesses(): readonly string[] {
    return counted(this.witnesses).filter((name) => name !== BROKER);
  }

  /** Verifies signatures and quorum. */
  verifyCheckpoint(note: string): VerifiedCheckpoint {
    const known = this.verified.get(note) ?? this.verifyNew(note);
    this.verified.set(note, known);
    return known;
  }

  private verifyNew(note: string): VerifiedCheckpoint {
    const parsed = parseNote(note);
    const checkpoint = parseCheckpoint(parsed.text);
    if (checkpoint.origin !== this.origin) {
      throw hostile("Ce point de contrôle est celui du journal « {got} », et non de « {expected} ».", {
        got: checkpoint.origin,
        expected: this.origin,
      });
    }
    const witnesses = this.witnesses.witnesses;
    const times = verifyNote(parsed, [...this.logKeys, ...witnesses.map((each) => each.verifier)]);
    if (this.logKeys.some((key) => !times.has(key))) {
      throw hostile("Il manque à ce point de contrôle la signature d'une clé du journal.");
    }
    const cosigned = new Map<string, number>();
    for (const { name, verifier } of witnesses) {
      const time = times.get(verifier);
      if (time !== undefined) cosigned.set(name, time);
    }
    this.requireQuorum(cosigned);
    return { ...checkpoint, note, cosigned } as unknown as VerifiedCheckpoint;
  }

  private requireQuorum(cosigned: ReadonlyMap<string, number>): void {
    const names = new Set(cosigned.keys());
    const time = cosigned.get(BROKER);
    if (time === undefined) {
      throw hostile(
        "Le gardien des clés n'a pas cosigné ce point de contrôle : attendez un point de " +
          "contrôle complet.",
      );
    }
    const independent = this.independentWitnesses.filter((name) => names.has(name)).length;
    const permitted = this.lowered.some(
      (each) => each.begins <= time * 1000 && time * 1000 < each.ends && independent >= each.quorum,
    );
    if (!satisfied(this.witnesses, names) && !permitted) {
      throw hostile(
        "Les témoins exigés par la politique de confiance n'ont pas tous cosigné ce point " +
          "de contrôle ({names}) : attendez un point de contrôle complet.",
        { names: [...names].sort().join(", ") },
      );
    }
  }
}

function satisfied(policy: WitnessPolicy, names: ReadonlySet<string>): boolean {
  if (policy.quorum === NO_QUORUM) return true;
  const reached = new Set(policy.witnesses.map((each) => each.name).filter((each) => names.has(each)));
  for (const group of policy.groups) {
    // Members stand on earlier lines: one pass is enough.
    if (group.members.filter((each) => reached.has(each)).length >= group.threshold) {
      reached.add(group.name);
    }
  }
  return reached.has(policy.quorum);
}

function counted(policy: WitnessPolicy): readonly string[] {
  const members = new Map(policy.groups.map((group) => [group.name, group.members]));
  const pending = [policy.quorum];
  const reached = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    reached.add(name);
    pending.push(...(members.get(name) ?? []));
  }
  return policy.witnesses.map((each) => each.name).filter((name) => reached.has(name));
}

const refusedLine = (number: number) =>
  malformed(
    "La ligne {number} de la politique de témoins n'est pas conforme : corrigez-la avant de la " +
      "faire signer.",
    { number },
  );

/** Reads lines in order, because a name must be defined before it is used. */
export function parseWitnessPolicy(text: string): WitnessPolicy {
  const lines = text.split("\n");
  if (lines.length > MAX_POLICY_LINES || /[\u0000-\u0008\u000b-\u001f]/.test(text)) {
    throw malformed("Cette politique de témoins est trop longue ou illisible.");
  }
  const reader = new PolicyReader();
  lines.forEach((line, at) => {
    const words = line.replaceAll("\t", " ").split(" ").filter((word) => word !== "");
    if (words.length > 0 && !words[0]?.startsWith("#")) reader.read(at + 1, words);
  });
  return reader.finish();
}

class PolicyReader {
  private readonly logs: NoteVerifier[] = [];
  private readonly witnesses: Witness[] = [];
  private readonly groups: Group[] = [];
  private quorum: string | null = null;
  private readonly names = new Set<string>();
  private readonly members = new Set<string>();

  read(number: number, words: readonly string[]): void {
    const [verb, first, second, ...rest] = words;
    if (verb === "log" && first !== undefined && rest.length === 0) {
      this.logs.push(this.key(number, first, this.logs, ED25519));
    } else if (verb === "witness" && first !== undefined && second !== undefined && rest.length <= 1) {
      this.define(number, first);
      const known = this.witnesses.map((each) => each.verifier);
      this.witnesses.push({ name: first, verifier: this.key(number, second, known, COSIGNATURE) });
    } else if (verb === "group" && first !== undefined && second !== undefined && rest.length > 0) {
      this.group(number, first, second, rest);
    } else if (verb === "quorum" && first !== undefined && words.length === 2 && this.quorum === null) {
      if (first !== NO_QUORUM && !this.names.has(first)) throw refusedLine(number);
      this.quorum = first;
    } else {
      throw refusedLine(number);
    }
  }

  finish(): WitnessPolicy {
    if (this.quorum === null) {
      throw malformed("Cette politique de témoins n'a pas de ligne « quorum ».");
    }
    return { logs: this.logs, witnesses: this.witnesses, groups: this.groups, quorum: this.quorum };
  }

  private key(number: number, vkey: string, known: readonly NoteVerifier[], type: number): NoteVerifier {
    const verifier = parseVerifier(vkey);
    const twice = known.some((other) => sameBytes(other.key, verifier.key));
    if (verifier.type !== type || twice) throw refusedLine(number);
    return verifier;
  }

  private group(number: number, name: string, given: string, members: readonly string[]): void {
    const distinct = new Set(members);
    const repeated = distinct.size !== members.length || members.some((each) => this.members.has(each));
    if (repeated || members.some((each) => !this.names.has(each))) throw refusedLine(number);
    const words: Readonly<Record<string, number>> = { any: 1, all: members.length };
    const decimal = /^[1-9][0-9]{0,2}$/.test(given) ? Number(given) : 0;
    const threshold = Object.hasOwn(words, given) ? (words[given] ?? 0) : decimal;
    if (threshold < 1 || threshold > members.length) throw refusedLine(number);
    this.define(number, name);
    for (const each of members) this.members.add(each);
    this.groups.push({ name, threshold, members });
  }

  private define(number: number, name: string): void {
    if (name === NO_QUORUM || this.names.has(name)) throw refusedLine(number);
    this.names.add(name);
  }
}
