/**
 * The auditor's verification in the browser: structure, signatures, consistency, commitments.
 *
 * The export of the service is read once; nothing of it is believed. The tree is computed again from the
 * entries and compared with the signed root; each disclosure with the entry that commits to it; each
 * statement with its signer as certified when it was logged. Findings are collected, never thrown: an
 * auditor needs all of them. Whether each release was right (the policy run again) is judged by
 * `dossier audit verify`, which is other code on another machine.
 */
import { field, integer, octets, optional, text } from "./api.ts";
import { verifyStatement } from "./authority.ts";
import { type Bytes, hex, sameBytes } from "./bytes.ts";
import { piecesOf, unreachable } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { type Unverified, parse, parseAny } from "./dsse.ts";
import { parseInstant } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";
import { type Accepted, LedgerBefore, MemoryLedger } from "./ledger.ts";
import type { LogPolicy, VerifiedCheckpoint } from "./log_policy.ts";
import { leafHash, rootOf } from "./merkle.ts";
import { type EventDetails, checkDisclosure, parseLeaf } from "./receipts.ts";
import { type Trust, type TrustedPolicy, acceptFirst, acceptNext } from "./trust.ts";

const MAX_LINE_BYTES = 4_194_304;
const MAX_FINDINGS = 1_000;

/** One thing that is wrong: a French template and its values, as in ExplainedError. */
export interface Finding {
  readonly message: string;
  readonly params: Readonly<Record<string, string | number>>;
}

/** One line of the timeline. `details` is null where they were erased (or withheld). */
export interface LoggedEvent {
  readonly index: number;
  readonly day: string;
  readonly details: EventDetails | null;
}

export interface Verdict {
  readonly ok: boolean;
  readonly size: number;
  readonly root: string;
  readonly events: readonly LoggedEvent[];
  readonly undisclosed: number;
  readonly statements: Readonly<Record<string, number>>;
  /** Witnesses beside the broker that cosigned; none deserves a sentence in the verdict. */
  readonly independentWitnesses: readonly string[];
  readonly cosigned: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** What is to be judged: read from the service, or from a bundle's file. */
export interface Export {
  readonly checkpoint: VerifiedCheckpoint;
  readonly leaves: readonly Bytes[];
  readonly events: readonly LoggedEvent[];
  readonly statements: readonly { readonly envelope: string; readonly index: number | null }[];
  readonly findings: Finding[];
  /** What else is judged once the statements are known. */
  readonly afterwards?: (ledger: MemoryLedger, policy: TrustedPolicy | null, add: AddFinding) => void;
}

/** Verifies the whole log as the service shows it to this auditor now. `advance` gets entries read. */
export async function verifyLog(desk: Desk, advance: (entries: number) => void): Promise<Verdict> {
  return judged(await readExport(desk, advance), desk.view.trust, desk.view.log);
}

/** The verdict; what reading already found counts too. */
export function judged(shown: Export, trust: Trust, log: LogPolicy): Verdict {
  const { checkpoint, leaves, findings, events } = shown;
  const add = (message: string, params: Finding["params"] = {}): void => {
    if (findings.length < MAX_FINDINGS) findings.push({ message, params });
  };
  if (leaves.length !== checkpoint.size) {
    add("Le journal annonce {due} événements et en montre {got}.", {
      due: checkpoint.size,
      got: leaves.length,
    });
  }
  if (!sameBytes(rootOf(leaves.map(leafHash)), checkpoint.root)) {
    add(
      "Les entrées ne donnent pas la racine signée : elles ont été modifiées après la signature.",
    );
  }
  const { taken, ledger, policy } = verifyStatements(trust, shown, add);
  shown.afterwards?.(ledger, policy, add);
  const counts: Record<string, number> = {};
  for (const { type } of taken) counts[type] = (counts[type] ?? 0) + 1;
  const independent = log.independentWitnesses;
  return {
    ok: findings.length === 0,
    size: checkpoint.size,
    root: hex(checkpoint.root),
    events,
    undisclosed: events.filter((each) => each.details === null).length,
    statements: counts,
    independentWitnesses: independent.filter((name) => checkpoint.cosigned.has(name)),
    cosigned: Object.fromEntries(checkpoint.cosigned),
    findings,
  };
}

export type AddFinding = (message: string, params?: Finding["params"]) => void;

async function readExport(desk: Desk, advance: (entries: number) => void): Promise<Export> {
  await desk.source.begin();
  const lines = linesOf(await desk.browser.api.disclosures());
  const first = await lines.next();
  if (first.done === true) throw cut();
  const checkpoint = desk.view.log.verifyCheckpoint(field(first.value, "checkpoint", text));
  await desk.source.accept([checkpoint], desk.now);
  const leaves: Bytes[] = [];
  const events: LoggedEvent[] = [];
  const statements: { envelope: string; index: number | null }[] = [];
  const findings: Finding[] = [];
  let ended = false;
  for await (const line of lines) {
    if (line["end"] === true) {
      ended = true;
      break;
    }
    // What the agendas list is judged by the whole verification, outside the browser.
    if ("agenda" in line) continue;
    if ("statement" in line) {
      const index = field(line, "index", optional(integer));
      statements.push({ envelope: field(line, "statement", text), index });
      continue;
    }
    if (field(line, "index", integer) !== leaves.length) throw cut();
    const leaf = field(line, "leaf", octets);
    events.push(eventOf(desk.view.log.origin, leaves.length, leaf, line, findings));
    leaves.push(leaf);
    if (leaves.length % 256 === 0) advance(leaves.length);
  }
  if (!ended) throw cut();
  advance(leaves.length);
  return { checkpoint, leaves, events, statements, findings };
}

export function eventOf(
  origin: string,
  index: number,
  leaf: Bytes,
  line: Record<string, unknown>,
  findings: Finding[],
): LoggedEvent {
  let day = "";
  try {
    day = parseLeaf(leaf).day;
    const details = field(line, "details", optional(octets));
    const opening = field(line, "opening", optional(octets));
    if (details === null || opening === null) return { index, day, details: null };
    return { index, day, details: checkDisclosure(leaf, origin, { index, details, opening }) };
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    if (findings.length < MAX_FINDINGS) {
      findings.push({
        message: "L'entrée n° {index} ne se vérifie pas. {reason}",
        params: { index, reason: error.explain() },
      });
    }
    return { index, day, details: null };
  }
}

/** Statements in the order of the log, each by a key that counted then, each cited by its event. */
function verifyStatements(
  trust: Trust,
  shown: Export,
  add: AddFinding,
): { taken: readonly Accepted[]; ledger: MemoryLedger; policy: TrustedPolicy | null } {
  const recorded = recordedStatements(shown.events);
  const ledger = new MemoryLedger();
  const taken: Accepted[] = [];
  let policy: TrustedPolicy | null = null;
  const ordered = [...shown.statements].sort((one, other) => (one.index ?? 0) - (other.index ?? 0));
  for (const { envelope } of ordered) {
    try {
      const given = parseAny(envelope);
      const place = recorded.get(given.digest);
      if (place === undefined) {
        add("Une déclaration « {type} » n'est citée par aucun événement du journal ({digest}…).", {
          type: given.type,
          digest: given.digest.slice(0, 12),
        });
        continue;
      }
      if (given.type === "trust-policy") {
        const next = parse("trust-policy", envelope);
        policy = policy === null ? acceptFirst(trust, next) : acceptNext(policy, next);
      } else {
        requirePolicy(policy, ledger, given, place);
      }
      const accepted = { ...given, order: place.index, at: place.at } as Accepted;
      ledger.add(accepted);
      taken.push(accepted);
      recorded.delete(given.digest);
    } catch (error) {
      if (!(error instanceof ExplainedError)) throw error;
      add("Une déclaration du journal ne se vérifie pas. {reason}", { reason: error.explain() });
    }
  }
  return { taken, ledger, policy };
}

function requirePolicy(
  policy: TrustedPolicy | null,
  ledger: MemoryLedger,
  given: Unverified,
  place: Place,
): void {
  if (policy === null) {
    throw new ExplainedError("untrusted", "Aucune politique de confiance n'a encore été publiée.");
  }
  verifyStatement(policy, new LedgerBefore(ledger, place.index), given, place.at);
}

interface Place {
  readonly index: number;
  readonly at: number;
}

/** The role under which each event cites the statement that it records. */
const RECORDS: Readonly<Record<string, string>> = {
  "statement.accepted": "statement",
  "login.accepted": "login",
  "login.refused": "login",
  "deposit.begun": "release_key",
  "deposit.committed": "manifest",
  "deposit.rekeyed": "release_key",
  "grant.added": "grant",
  "release.authorised": "access_request",
  "release.refused": "access_request",
  "release.failed": "access_request",
  "key.destroyed": "destruction",
  "purge.done": "purge",
  "retention.applied": "retention",
};

/** The first event that records each statement. */
export function recordedStatements(events: readonly LoggedEvent[]): Map<string, Place> {
  const found = new Map<string, Place>();
  for (const { index, details } of events) {
    const role = details === null ? undefined : RECORDS[details.type];
    const digest = role === undefined ? undefined : details?.cites[role];
    if (details === null || digest === undefined || found.has(digest)) continue;
    found.set(digest, { index, at: parseInstant(details.at) });
  }
  return found;
}

/** The JSON objects of an NDJSON stream. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const piece of piecesOf(stream)) {
    rest += decoder.decode(piece, { stream: true });
    const whole = rest.split("\n");
    rest = whole.pop() ?? "";
    if (rest.length > MAX_LINE_BYTES) throw cut();
    for (const line of whole) if (line !== "") yield objectOf(line);
  }
  if (rest !== "") yield objectOf(rest);
}

function objectOf(line: string): Record<string, unknown> {
  try {
    const loaded: unknown = JSON.parse(line);
    if (loaded !== null && typeof loaded === "object") return loaded as Record<string, unknown>;
  } catch {
    // explained below
  }
  throw cut();
}

export const cut = () =>
  unreachable("L'export s'est interrompu ou n'a pas la forme attendue : recommencez.");

