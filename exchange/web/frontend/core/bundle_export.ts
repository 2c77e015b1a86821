/**
 * The auditor's export: log, statements, disclosures and the broker's record in one tar, whose index this
 * auditor signs (exchange/client/audit_export.py, exchange/usecases/bundle_layout.py).
 *
 * Nothing is judged here; what is copied is judged by the verification. But the checkpoint is verified, and
 * must grow out of the last one that this browser accepted.
 */
import { agendaShown, field, integer, octets, text } from "./api.ts";
import { cut, linesOf } from "./auditor.ts";
import { type Bytes, utf8 } from "./bytes.ts";
import type { Desk } from "./desk.ts";
import { sha256 } from "./digests.ts";
import { parseAny } from "./dsse.ts";
import { encodeBase64 } from "./encoding.ts";
import { BLOCK, END_BLOCKS, entryHeader } from "./tar.ts";

export const CHECKPOINT_PATH = "log/checkpoint";
export const INDEX_PATH = "index.json";
const RECORD_PATH = "broker/record.jsonl";
const RECORD_CHECKPOINT_PATH = "broker/checkpoint";
const TILE_WIDTH = 256;

export interface Exported {
  readonly file: Blob;
  /** Entries of the log. */
  readonly size: number;
  readonly files: number;
}

/** The tar; `advance` gets entries read and their total. */
export async function exportBundle(desk: Desk, advance: (done: number, total: number) => void): Promise<Exported> {
  const parts: BlobPart[] = [];
  const files: { path: string; sha256: string; length: number }[] = [];
  const seen = new Set<string>();
  const mtime = Math.floor(desk.now / 1000);
  const write = (path: string, data: Bytes): void => {
    parts.push(entryHeader(path, data.length, 0o644, mtime), data, new Uint8Array((BLOCK - (data.length % BLOCK)) % BLOCK));
  };
  const add = (path: string, data: Bytes): void => {
    if (seen.has(path)) return;
    seen.add(path);
    files.push({ path, sha256: sha256(data), length: data.length });
    write(path, data);
  };
  const { api } = desk.browser;
  await desk.source.begin();
  const lines = linesOf(await api.disclosures());
  const first = await lines.next();
  if (first.done === true) throw cut();
  const note = field(first.value, "checkpoint", text);
  const checkpoint = desk.view.log.verifyCheckpoint(note);
  await desk.source.accept([checkpoint], desk.now);
  add(CHECKPOINT_PATH, utf8(note));
  await disclosed(lines, checkpoint.size, add);
  const tiles = tilesOf(checkpoint.size);
  for (const [at, tile] of tiles.entries()) {
    add(`log/${tile}`, await api.tile(tile));
    advance(at + 1, tiles.length);
  }
  const record = await api.brokerRecord();
  add(RECORD_PATH, utf8(record.entries));
  add(RECORD_CHECKPOINT_PATH, utf8(record.checkpoint));
  write(INDEX_PATH, utf8(desk.draft("bundle-index", { checkpoint: note, files }).envelope));
  parts.push(new Uint8Array(END_BLOCKS));
  return { file: new Blob(parts, { type: "application/x-tar" }), size: checkpoint.size, files: files.length + 1 };
}

/** Disclosures, agendas and statements; throws kind "unreachable" unless the stream says that it ended. */
async function disclosed(
  lines: AsyncGenerator<Record<string, unknown>>,
  size: number,
  add: (path: string, data: Bytes) => void,
): Promise<void> {
  for await (const line of lines) {
    if (line["end"] === true) return;
    if ("agenda" in line) {
      const { agenda, openings } = agendaShown(line);
      add(`agendas/${agenda}.json`, utf8(JSON.stringify({ agenda, openings })));
    } else if ("statement" in line) {
      const envelope = field(line, "statement", text);
      add(`statements/${parseAny(envelope).digest}.json`, utf8(envelope));
    } else if ("details" in line) {
      const index = field(line, "index", integer);
      if (index < 0 || index >= size) throw cut();
      const [details, opening] = [field(line, "details", octets), field(line, "opening", octets)];
      add(`disclosures/${index}.json`, utf8(JSON.stringify({ details: encodeBase64(details), opening: encodeBase64(opening) })));
    } // else erased by the retention rule
  }
  throw cut();
}

/** Every tile of a log of that size, as tlog-tiles names them: hashes level by level, then entries. */
export function tilesOf(size: number): readonly string[] {
  const found: string[] = [];
  for (let [left, level] = [size, 0]; left > 0; left = Math.floor(left / TILE_WIDTH), level += 1) {
    found.push(...row(String(level), left));
  }
  return [...found, ...row("entries", size)];
}

/** The tiles of one level, the partial one last. */
export function row(level: string, width: number): readonly string[] {
  const full = Math.floor(width / TILE_WIDTH);
  const names = Array.from({ length: full }, (_each, at) => `tile/${level}/${numberPath(at)}`);
  const rest = width % TILE_WIDTH;
  return rest > 0 ? [...names, `tile/${level}/${numberPath(full)}.p/${rest}`] : names;
}

/** 1234067 is x001/x234/067. */
function numberPath(number: number): string {
  const last = String(number % 1000).padStart(3, "0");
  const groups: string[] = [last];
  for (let left = Math.floor(number / 1000); left > 0; left = Math.floor(left / 1000)) {
    groups.unshift(`x${String(left % 1000).padStart(3, "0")}`);
  }
  return groups.join("/");
}
