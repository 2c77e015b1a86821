/**
 * An exported bundle, verified in the browser without asking anybody: the anchor is the one pinned here,
 * everything else lies in the file (exchange/replay, as far as auditor.ts goes).
 */
import { type AddFinding, type Export, type Finding, type LoggedEvent, type Verdict, eventOf, judged, recordedStatements } from "./auditor.ts"; // prettier-ignore
import { verifyStatement } from "./authority.ts";
import { CHECKPOINT_PATH, INDEX_PATH, row } from "./bundle_export.ts";
import { type Bytes, textOf } from "./bytes.ts";
import { sha256 } from "./digests.ts";
import { parse, parseAny, typeOf } from "./dsse.ts";
import { parseInstant } from "./encoding.ts";
import { logRules } from "./emergency.ts";
import { ExplainedError, malformed } from "./errors.ts";
import { LedgerBefore, type MemoryLedger } from "./ledger.ts";
import { BLOCK } from "./tar.ts";
import { type Trust, type TrustedPolicy, acceptFirst, acceptNext } from "./trust.ts";

const MAX_BUNDLE_BYTES = 1_073_741_824; // read whole into memory; a year of one commission has tens of MB
const MAX_HEADERS = 1_000_000;
const LENGTH_BYTES = 2; // before each entry of an entries tile

type Files = ReadonlyMap<string, Bytes>;

/** Verifies the bundle against the pinned `trust`. Throws kind "malformed" where it is no bundle at all. */
export async function verifyBundle(trust: Trust, file: Blob): Promise<Verdict> {
  if (file.size > MAX_BUNDLE_BYTES) throw notABundle();
  const files = filesIn(new Uint8Array(await file.arrayBuffer()));
  const envelopes = [...files].filter(([path]) => path.startsWith("statements/")).map(([, data]) => textOf(data));
  const log = logRules(policyIn(trust, envelopes), ofType(envelopes, "emergency"));
  const note = files.get(CHECKPOINT_PATH);
  if (note === undefined) throw notABundle();
  const checkpoint = log.verifyCheckpoint(textOf(note));
  const findings: Finding[] = [];
  const leaves = leavesIn(files, checkpoint.size);
  const events = leaves.map((leaf, index) => eventOf(log.origin, index, leaf, disclosureIn(files, index), findings));
  const shown: Export = {
    checkpoint,
    leaves,
    events,
    findings,
    statements: inOrder(envelopes, events),
    afterwards: (ledger, policy, add) => judgeIndex(files, { ledger, policy, at: checkpoint.size }, add),
  };
  return judged(shown, trust, log);
}

const notABundle = () =>
  malformed("Ce fichier n'est pas un registre exporté par ce service : choisissez le fichier .tar de l'export.");

/** A plain tar of plain files. */
function filesIn(tar: Bytes): Files {
  const found = new Map<string, Bytes>();
  for (let at = 0, headers = 0; at + BLOCK <= tar.length && headers < MAX_HEADERS; headers += 1) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((octet) => octet === 0)) return found;
    const size = Number.parseInt(cString(header, 124, 12), 8);
    const kind = header[156];
    const prefix = cString(header, 345, 155);
    const name = (prefix === "" ? "" : `${prefix}/`) + cString(header, 0, 100);
    const end = at + BLOCK + size;
    if (!Number.isSafeInteger(size) || end > tar.length || (kind !== 0x30 && kind !== 0) || found.has(name)) throw notABundle();
    found.set(name, tar.subarray(at + BLOCK, end) as Bytes);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw notABundle();
}

function cString(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return String.fromCharCode(...field.subarray(0, end < 0 ? length : end)).trim();
}

const ofType = <K extends "trust-policy" | "emergency">(envelopes: readonly string[], type: K) =>
  envelopes.filter((each) => typeOf(each) === type).map((each) => parse(type, each));

/** The last policy of the chain that begins at the pinned anchor. */
function policyIn(trust: Trust, envelopes: readonly string[]): TrustedPolicy {
  const policies = [...ofType(envelopes, "trust-policy")].sort((one, other) => one.statement.version - other.statement.version);
  let current: TrustedPolicy | null = null;
  for (const each of policies) current = current === null ? acceptFirst(trust, each) : acceptNext(current, each);
  if (current === null) throw notABundle();
  return current;
}

/** The entries, each after its length in two bytes; those that are missing are left out and found out. */
function leavesIn(files: Files, size: number): readonly Bytes[] {
  const leaves: Bytes[] = [];
  for (const tile of row("entries", size)) {
    const data = files.get(`log/${tile}`) ?? new Uint8Array(0);
    for (let at = 0; at + LENGTH_BYTES <= data.length; ) {
      const end = at + LENGTH_BYTES + (data[at] as number) * 256 + (data[at + 1] as number);
      leaves.push(data.slice(at + LENGTH_BYTES, end));
      at = end;
    }
  }
  return leaves;
}

function disclosureIn(files: Files, index: number): Record<string, unknown> {
  const data = files.get(`disclosures/${index}.json`);
  if (data === undefined) return {};
  try {
    return JSON.parse(textOf(data)) as Record<string, unknown>;
  } catch {
    return { details: "?", opening: "?" }; // no base64: the entry is found not to verify
  }
}

/** Each statement with the place of the event that records it. */
function inOrder(envelopes: readonly string[], events: readonly LoggedEvent[]): Export["statements"] {
  const places = recordedStatements(events);
  return envelopes.map((statement) => ({ envelope: statement, index: places.get(parseAny(statement).digest)?.index ?? null }));
}

/** The exporting auditor signed every file, and there is no other. */
function judgeIndex(
  files: Files,
  known: { readonly ledger: MemoryLedger; readonly policy: TrustedPolicy | null; readonly at: number },
  add: AddFinding,
): void {
  const data = files.get(INDEX_PATH);
  if (data === undefined || known.policy === null) {
    add("Le registre exporté n'a pas d'index signé : rien ne dit qui l'a exporté ni qu'il est entier.");
    return;
  }
  try {
    const given = parse("bundle-index", textOf(data));
    verifyStatement(known.policy, new LedgerBefore(known.ledger, known.at), given, parseInstant(given.statement.issued_at));
    if (given.statement.checkpoint !== textOf(files.get(CHECKPOINT_PATH) as Bytes)) {
      add("L'index du registre a été signé pour un autre point de contrôle que le sien.");
    }
    const signed = new Map(given.statement.files.map((each) => [each.path, each]));
    for (const [path, content] of files) {
      if (path !== INDEX_PATH && signed.get(path)?.sha256 !== sha256(content)) {
        add("Le fichier « {path} » du registre n'est pas celui que l'index signé nomme.", { path });
      }
    }
    for (const path of signed.keys()) {
      if (!files.has(path)) add("Le fichier « {path} », que l'index signé nomme, manque au registre.", { path });
    }
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    add("L'index du registre n'est pas signé par un vérificateur certifié. {reason}", { reason: error.explain() });
  }
}
