/**
 * The heavy work, in a worker where there is one: scrypt, sealing and opening of whole dossiers.
 *
 * Files travel as Blobs (the browser passes them by reference) and results come back as Blobs, which the
 * browser may keep outside of memory; in the worker one batch is held at a time.
 */
import { type Bytes, concat } from "./bytes.ts";
import { type CardPiece, type DossierCard, type Piece, readContainer, writeContainer } from "./container.ts"; // prettier-ignore
import { sha256Stream } from "./digests.ts";
import { type ErrorKind, ExplainedError } from "./errors.ts";
import { hex } from "./bytes.ts";
import { openSeed, sealSeed } from "./seed.ts";
import { type Pieces, openPayload, sealPayload } from "./payload.ts";
import { piecesOf } from "./connection.ts";

/** Octets done so far, of the total known to the caller. */
export type Advance = (done: number) => void;

export interface SealedContainer {
  readonly payload: Blob;
  readonly length: number;
  readonly sha256: string;
}

export interface OpenedFile {
  readonly piece: CardPiece;
  readonly content: Blob;
}

export interface OpenedContainer {
  readonly card: DossierCard;
  readonly files: readonly OpenedFile[];
}

export interface Workshop {
  sealSeed(seed: Bytes, passphrase: string, logN: number): Promise<Bytes>;
  openSeed(keyFile: Bytes, passphrase: string): Promise<Bytes>;
  /** Container and payload of `files`, which are in the order of the card's pieces. */
  sealContainer(
    card: DossierCard,
    files: readonly Blob[],
    fileKey: Bytes,
    nonce: Bytes,
    advance: Advance,
  ): Promise<SealedContainer>;
  /** Opens a payload; `keep` false checks everything and hands out the card alone. */
  openContainer(payload: Blob, fileKey: Bytes, keep: boolean, advance: Advance): Promise<OpenedContainer>;
}

const FLUSH_BYTES = 8 * 1_048_576; // collected before it becomes a Blob, which the browser may put to disk

/** Gathers a stream into one Blob without holding more than `FLUSH_BYTES` itself. */
class BlobGatherer {
  private readonly done: Blob[] = [];
  private held: Uint8Array<ArrayBuffer>[] = [];
  private size = 0;

  add(piece: Uint8Array): void {
    this.held.push(piece.slice());
    this.size += piece.length;
    if (this.size >= FLUSH_BYTES) this.flush();
  }

  finish(type = ""): Blob {
    this.flush();
    return new Blob(this.done, { type });
  }

  private flush(): void {
    if (this.held.length > 0) this.done.push(new Blob(this.held));
    this.held = [];
    this.size = 0;
  }
}

const asPiece = (file: Blob, listed: CardPiece): Piece => ({
  path: listed.path,
  type: listed.type,
  size: listed.size,
  open: () => piecesOf(file.stream() as ReadableStream<Uint8Array>),
});

async function sealContainer(
  card: DossierCard,
  files: readonly Blob[],
  fileKey: Bytes,
  nonce: Bytes,
  advance: Advance,
): Promise<SealedContainer> {
  const pieces = card.pieces.map((listed, at) => asPiece(files[at] ?? new Blob(), listed));
  const state = sha256Stream();
  const gathered = new BlobGatherer();
  let length = 0;
  const container = batched(writeContainer(card, pieces));
  for await (const sealed of sealPayload(fileKey, nonce, container)) {
    state.update(sealed);
    gathered.add(sealed);
    length += sealed.length;
    advance(length);
  }
  return { payload: gathered.finish(), length, sha256: hex(state.digest()) };
}

/** Small pieces (headers, padding) joined to batches: fewer turns through the cipher's queue. */
async function* batched(source: Pieces): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source) {
    held.push(piece);
    size += piece.length;
    if (size < 65_536) continue;
    yield concat(...held);
    held = [];
    size = 0;
  }
  yield concat(...held);
}

async function openContainer(
  payload: Blob,
  fileKey: Bytes,
  keep: boolean,
  advance: Advance,
): Promise<OpenedContainer> {
  const files: OpenedFile[] = [];
  let gathered = new BlobGatherer();
  let done = 0;
  const opened = openPayload(fileKey, counted(payload));
  const card = await readContainer(opened, {
    card: () => undefined,
    data: (_piece, data) => {
      if (keep) gathered.add(data);
    },
    end: (piece) => {
      if (keep) files.push({ piece, content: gathered.finish(piece.type) });
      gathered = new BlobGatherer();
    },
  });
  return { card, files };

  async function* counted(blob: Blob): AsyncGenerator<Uint8Array> {
    for await (const piece of piecesOf(blob.stream() as ReadableStream<Uint8Array>)) {
      done += piece.length;
      advance(done);
      yield piece;
    }
  }
}

/** Works on the page's own thread: for tests, and where workers are missing. */
export const inlineWorkshop: Workshop = { sealSeed, openSeed, sealContainer, openContainer };

// --- over a worker's messages --------------------------------------------------------------------

type Task = Exclude<keyof Workshop, symbol>;
interface Question {
  readonly id: number;
  readonly task: Task;
  readonly values: readonly unknown[];
}
type Reply =
  | { readonly id: number; readonly done: number }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure };
interface Failure {
  readonly kind: ErrorKind | null;
  readonly message: string;
  readonly params: Record<string, string | number>;
}

const WITH_PROGRESS: ReadonlySet<Task> = new Set<Task>(["sealContainer", "openContainer"]);

/** The side of the page: one worker, started when it is first needed. */
export function workerWorkshop(url: { toString(): string }): Workshop {
  let worker: Worker | null = null;
  let next = 0;
  const waiting = new Map<number, { advance: Advance; resolve(value: unknown): void; reject(error: unknown): void }>();
  const hear = ({ data }: MessageEvent<Reply>): void => {
    const asked = waiting.get(data.id);
    if (asked === undefined) return;
    if ("done" in data) return asked.advance(data.done);
    waiting.delete(data.id);
    if ("result" in data) asked.resolve(data.result);
    else asked.reject(thrown(data.failure));
  };
  const ask = (task: Task, values: readonly unknown[], advance: Advance): Promise<unknown> => {
    if (worker === null) {
      worker = new Worker(url as unknown as URL, { type: "module" });
      worker.onmessage = hear;
      worker.onerror = () => {
        for (const each of waiting.values()) each.reject(new Error("the worker does not start"));
        waiting.clear();
      };
    }
    const id = next++;
    const question: Question = { id, task, values };
    worker.postMessage(question);
    return new Promise((resolve, reject) => waiting.set(id, { advance, resolve, reject }));
  };
  const call = (task: Task) => (...values: unknown[]) => {
    const advance = WITH_PROGRESS.has(task) ? (values.pop() as Advance) : () => undefined;
    return ask(task, values, advance);
  };
  return {
    sealSeed: call("sealSeed") as Workshop["sealSeed"],
    openSeed: call("openSeed") as Workshop["openSeed"],
    sealContainer: call("sealContainer") as Workshop["sealContainer"],
    openContainer: call("openContainer") as Workshop["openContainer"],
  };
}

/** The side of the worker: answers one question. */
export async function answer(question: Question, post: (reply: Reply) => void): Promise<void> {
  const { id, task, values } = question;
  const advance: Advance = (done) => post({ id, done });
  try {
    const act = inlineWorkshop[task] as (...given: unknown[]) => Promise<unknown>;
    const given = WITH_PROGRESS.has(task) ? [...values, advance] : values;
    post({ id, result: await act(...given) });
  } catch (error) {
    post({ id, failure: failureOf(error) });
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof ExplainedError) {
    return { kind: error.kind, message: error.message, params: { ...error.params } };
  }
  return { kind: null, message: error instanceof Error ? error.name : "unknown", params: {} };
}

const thrown = (failure: Failure): Error =>
  failure.kind === null
    ? new Error(failure.message)
    : new ExplainedError(failure.kind, failure.message, failure.params);
