/** A conversation with the service: JSON, problems, retries of what is idempotent (client/connection.py). */
import { type Bytes, concat, textOf } from "./bytes.ts";
import { sha256Bytes } from "./digests.ts";
import { encodeBase64 } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";

/** Sends one request; `target` is path and query. In a browser `fetch`, in tests a hostile server. */
export type Wire = (target: string, request: RequestInit) => Promise<Response>;

export const MAX_ANSWER_BYTES = 64 * 1_048_576;
const PAUSES = [500, 2_000, 5_000]; // milliseconds before the second, third and fourth attempt
const RETRY_STATUS: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const PROBLEM_PREFIX = "urn:dossier-exchange:problem:";

/** The browser's own transport: same origin, no referrer, no redirect, no cache. */
export const fetchWire: Wire = (target, request) =>
  fetch(target, {
    ...request,
    credentials: "same-origin",
    redirect: "error",
    referrerPolicy: "no-referrer",
    cache: "no-store",
  });

/** The service answered and said no. */
export class RefusedError extends ExplainedError {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, detail: string) {
    super("refused", "Le service a refusé : {detail}", { detail });
    this.code = code;
    this.status = status;
  }
}

export type Query = readonly (readonly [string, string])[];

export class Connection {
  private readonly wire: Wire;
  private readonly language: string;
  readonly pause: (milliseconds: number) => Promise<void>;

  constructor(wire: Wire, language: string, pause: (milliseconds: number) => Promise<void>) {
    this.wire = wire;
    this.language = language;
    this.pause = pause;
  }

  async get(path: string, query: Query = []): Promise<unknown> {
    return jsonOf(await this.getBytes(path, query));
  }

  async getBytes(path: string, query: Query = []): Promise<Bytes> {
    return whole(await this.send(withQuery(path, query), { method: "GET" }, true));
  }

  /** The body of a GET in pieces, from octet `first` on. */
  async stream(path: string, first = 0): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = first > 0 ? { Range: `bytes=${first}-` } : {};
    const answer = await this.send(path, { method: "GET", headers }, true);
    if (first > 0 && answer.status !== 206) {
      throw unreachable(
        "Le service ne sait pas reprendre un téléchargement : recommencez depuis le début.",
      );
    }
    return answer.body ?? new ReadableStream<Uint8Array>({ start: (each) => each.close() });
  }

  /** POST JSON; with an idempotency `key` it may be sent again after a broken connection. */
  async post(path: string, body: unknown, key: string | null = null): Promise<unknown> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (key !== null) headers["Idempotency-Key"] = key;
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await whole(await this.send(path, request, key !== null));
    return answer.length > 0 ? jsonOf(answer) : null;
  }

  /** PUT JSON; the same twice is the same as once. */
  async putJson(path: string, body: unknown): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    await whole(await this.send(path, { method: "PUT", headers, body: JSON.stringify(body) }, true));
  }

  /** PUT one part, with its RFC 9530 digest. The same part twice is the same as once. */
  async put(path: string, data: Bytes): Promise<void> {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Digest": `sha-256=:${encodeBase64(sha256Bytes(data))}:`,
    };
    // A Blob and not the octets: browsers send it from their own store, at a third of the memory.
    await whole(await this.send(path, { method: "PUT", headers, body: new Blob([data]) }, true));
  }

  private async send(target: string, request: RequestInit, repeatable: boolean): Promise<Response> {
    const dressed = {
      ...request,
      headers: { "Accept-Language": this.language, ...(request.headers as Record<string, string>) },
    };
    const attempts = repeatable ? PAUSES.length + 1 : 1;
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt === attempts - 1;
      const answer = await this.attempt(target, dressed, last);
      if (answer?.ok === true) return answer;
      if (answer !== null && (last || !RETRY_STATUS.has(answer.status))) throw await refusal(answer);
      await answer?.body?.cancel();
      await this.pause(PAUSES[attempt] ?? 0);
    }
  }

  private async attempt(target: string, request: RequestInit, last: boolean): Promise<Response | null> {
    try {
      return await this.wire(target, request);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      if (last) {
        throw unreachable(
          "Le service ne répond pas : vérifiez la connexion, puis recommencez ; rien n'a été perdu.",
        );
      }
      return null;
    }
  }
}

export const unreachable = (message: string, params: Record<string, string | number> = {}) =>
  new ExplainedError("unreachable", message, params);

const withQuery = (path: string, query: Query): string =>
  query.length > 0 ? `${path}?${new URLSearchParams(query.map(([name, value]) => [name, value]))}` : path;

async function whole(answer: Response): Promise<Bytes> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (answer.body === null) return new Uint8Array(0);
  try {
    for await (const piece of piecesOf(answer.body)) {
      length += piece.length;
      if (length > MAX_ANSWER_BYTES) break;
      pieces.push(piece);
    }
  } catch {
    throw brokenOff();
  }
  if (length > MAX_ANSWER_BYTES) {
    throw unreachable(
      "La réponse du service dépasse {limit} octets : ce n'est pas une réponse attendue.",
      { limit: MAX_ANSWER_BYTES },
    );
  }
  return concat(...pieces);
}

export const brokenOff = () =>
  unreachable("La réponse du service s'est interrompue avant sa fin : recommencez.");

/** The pieces of a stream; browsers differ in whether streams can be iterated. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(data));
  } catch {
    throw unreachable(
      "Ce qui répond à cette adresse n'est pas un service d'échange de dossiers (réponse illisible) : " +
        "vérifiez l'adresse.",
    );
  }
}

/** A refusal with the service's own explanation; without one, it is no service of ours. */
async function refusal(answer: Response): Promise<ExplainedError> {
  const { status } = answer;
  const problem = await problemOf(answer);
  if (problem === null) {
    return unreachable(
      "Ce qui répond à cette adresse n'est pas un service d'échange de dossiers (réponse HTTP {status} " +
        "sans explication) : vérifiez l'adresse, ou réessayez plus tard.",
      { status },
    );
  }
  const code = String(problem["type"] ?? "").replace(PROBLEM_PREFIX, "");
  const detail = String(problem["detail"] ?? problem["title"] ?? code);
  if (status >= 500) {
    return unreachable("Le service ne peut pas répondre pour l'instant : {detail}", { detail });
  }
  return new RefusedError(code, status, detail);
}

async function problemOf(answer: Response): Promise<Record<string, unknown> | null> {
  if (!(answer.headers.get("content-type") ?? "").startsWith("application/problem+json")) return null;
  try {
    const loaded = jsonOf(await whole(answer));
    return loaded !== null && typeof loaded === "object" ? (loaded as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}


