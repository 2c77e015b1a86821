/** The service's routes, as functions: JSON in and out, nothing believed yet (exchange/client/api.py). */
import type { AgendaOpening, AgendaShown } from "./agenda.ts";
import { type Bytes, textOf } from "./bytes.ts";
import { type Connection, unreachable } from "./connection.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";

/** A statement's envelope with its receipt, as the service sent them. */
export interface Attested {
  readonly envelope: string;
  readonly receipt: string;
}

/** `answer[name]` read by `kind`; throws kind "unreachable" when it is not there or not so. */
export function field<T>(answer: unknown, name: string, kind: (value: unknown) => T): T {
  try {
    return kind((answer as Record<string, unknown>)[name]);
  } catch (error) {
    if (error instanceof TypeError || error instanceof ExplainedError) {
      throw unreachable(
        "La réponse du service n'a pas la forme attendue (champ « {field} ») : le service et cette page " +
          "n'ont peut-être pas la même version. Rechargez la page.",
        { field: name },
      );
    }
    throw error;
  }
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("expected a string");
  return value;
}

export function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError("expected an integer");
  return value as number;
}

export const octets = (value: unknown): Bytes => decodeBase64(text(value));

export const attested = (value: unknown): Attested => ({
  envelope: field(value, "envelope", text),
  receipt: field(value, "receipt", text),
});

const agendaOpening = (value: unknown): AgendaOpening => ({
  opening: field(value, "opening", text),
  item: field(value, "item", text),
});

export const agendaShown = (value: unknown): AgendaShown => ({
  agenda: field(value, "agenda", text),
  openings: field(value, "openings", many(agendaOpening)),
});

export const optional =
  <T>(kind: (value: unknown) => T) =>
  (value: unknown): T | null =>
    value === null || value === undefined ? null : kind(value);

export const many =
  <T>(kind: (value: unknown) => T) =>
  (value: unknown): readonly T[] => {
    if (!Array.isArray(value)) throw new TypeError("expected an array");
    return value.map(kind);
  };

export const record = (value: unknown): Record<string, unknown> => {
  if (value === null || typeof value !== "object") throw new TypeError("expected an object");
  return value as Record<string, unknown>;
};

const API = "/api/v1";
const step = encodeURIComponent;

export class Api {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  trust(): Promise<unknown> {
    return this.connection.get(`${API}/trust`);
  }

  /** The RFC 6962 proof between two sizes of the log. */
  async consistency(older: number, newer: number): Promise<readonly Bytes[]> {
    const lines = textOf(
      await this.connection.getBytes(`${API}/log/consistency`, [
        ["from", String(older)],
        ["to", String(newer)],
      ]),
    );
    return lines.split(/\s+/).filter((line) => line !== "").map(decodeBase64);
  }

  challenge(): Promise<unknown> {
    return this.connection.post(`${API}/login/challenge`, {});
  }

  login(statement: string): Promise<unknown> {
    return this.connection.post(`${API}/login`, { statement });
  }

  async logout(): Promise<void> {
    await this.connection.post(`${API}/logout`, {});
  }

  enrol(invitation: string, statement: string): Promise<unknown> {
    return this.connection.post(`${API}/invitations/${step(invitation)}/enrolment`, { statement });
  }

  /** An agenda goes with the openings of all its items. */
  postStatement(statement: string, openings: readonly AgendaOpening[] = []): Promise<unknown> {
    const body = openings.length > 0 ? { statement, openings } : { statement };
    return this.connection.post(`${API}/statements`, body);
  }

  async statement(digest: string): Promise<Attested> {
    return attested(await this.connection.get(`${API}/statements/${step(digest)}`));
  }

  async statements(type: string, references: Record<string, string> = {}): Promise<readonly Attested[]> {
    const query = [["type", type] as const, ...Object.entries(references)];
    return field(await this.connection.get(`${API}/statements`, query), "statements", many(attested));
  }

  async status(nonce: Bytes, sitting: string | null, includes: readonly string[]): Promise<string> {
    const query: (readonly [string, string])[] = [["nonce", encodeBase64(nonce)]];
    if (sitting !== null) query.push(["sitting", sitting]);
    for (const digest of includes) query.push(["statement", digest]);
    return field(await this.connection.get(`${API}/status`, query), "status", text);
  }

  async sittings(): Promise<readonly Attested[]> {
    return field(await this.connection.get(`${API}/sittings`), "sittings", many(attested));
  }

  /** What this login needs for one sitting, and what its agenda lists for this login. */
  async sitting(
    sitting: string,
  ): Promise<{ statements: readonly Attested[]; agenda: AgendaShown | null }> {
    const answer = await this.connection.get(`${API}/sittings/${step(sitting)}`);
    return {
      statements: field(answer, "statements", many(attested)),
      agenda: field(answer, "agenda", optional(agendaShown)),
    };
  }

  beginDeposit(sitting: string, sittingDigest: string, key: string): Promise<unknown> {
    return this.connection.post(`${API}/deposits`, { sitting, sitting_sha256: sittingDigest }, key);
  }

  putPart(deposit: string, number: number, data: Bytes): Promise<void> {
    return this.connection.put(`${API}/deposits/${step(deposit)}/parts/${number}`, data);
  }

  async commitDeposit(
    deposit: string,
    manifest: string,
    envelopes: readonly Bytes[],
    key: string,
  ): Promise<string> {
    const body = { manifest, envelopes: envelopes.map(encodeBase64) };
    const path = `${API}/deposits/${step(deposit)}/commit`;
    return field(await this.connection.post(path, body, key), "receipt", text);
  }

  /** The deposit's release key by the broker that is in charge now. */
  async renewReleaseKey(deposit: string, sittingSha256: string): Promise<Attested> {
    const path = `${API}/deposits/${step(deposit)}/release-key`;
    return attested(await this.connection.post(path, { sitting_sha256: sittingSha256 }));
  }

  /** The receipts of the releases of a deposit of one's own association. */
  async releasesOf(deposit: string): Promise<readonly string[]> {
    return field(await this.connection.get(`${API}/deposits/${step(deposit)}/releases`), "receipts", many(text));
  }

  async addGrant(deposit: string, grant: string, envelopes: readonly Bytes[]): Promise<string> {
    const body = { grant, envelopes: envelopes.map(encodeBase64) };
    const path = `${API}/deposits/${step(deposit)}/envelopes`;
    return field(await this.connection.post(path, body), "receipt", text);
  }

  release(request: string, key: string): Promise<unknown> {
    return this.connection.post(`${API}/releases`, { request }, key);
  }

  payload(deposit: string, first: number): Promise<ReadableStream<Uint8Array>> {
    return this.connection.stream(`${API}/deposits/${step(deposit)}/payload`, first);
  }

  /** One's own address for notices; null where none was given. */
  async contact(): Promise<string | null> {
    return field(await this.connection.get(`${API}/contact`), "address", optional(text));
  }

  /** Gives an address, or takes it back (null). */
  putContact(address: string | null, language: string): Promise<void> {
    return this.connection.putJson(`${API}/contact`, { address, language });
  }

  disclosures(): Promise<ReadableStream<Uint8Array>> {
    return this.connection.stream(`${API}/disclosures`);
  }

  async brokerRecord(): Promise<{ entries: string; checkpoint: string }> {
    const answer = await this.connection.get(`${API}/broker/record`);
    return { entries: field(answer, "entries", text), checkpoint: field(answer, "checkpoint", text) };
  }

  async checkpoint(): Promise<string> {
    return textOf(await this.connection.getBytes("/log/checkpoint"));
  }

  tile(path: string): Promise<Bytes> {
    return this.connection.getBytes(`/log/${path}`);
  }
}
