/**
 * What a hostile service may answer, by name. Each returns the tampered body, or null to leave an answer
 * alone. The service holds no key of anybody: it can only alter, exchange, hold back and replay.
 */
import type { Attack } from "./wire.ts";

type Json = any;

const json = (body: string): Json => JSON.parse(Buffer.from(body, "latin1").toString("utf8"));
const bytes = (value: Json): string => Buffer.from(JSON.stringify(value), "utf8").toString("latin1");
const path = (target: string): string => target.split("?")[0] ?? "";

/** The statement inside an envelope, and the envelope with another statement and the old signature. */
const inside = (envelope: string): Json =>
  JSON.parse(Buffer.from(JSON.parse(envelope).payload, "base64").toString("utf8"));
const typeOf = (envelope: string): string => JSON.parse(envelope).payloadType;
function rewritten(envelope: string, changes: Json): string {
  const outer = JSON.parse(envelope);
  const body = JSON.stringify({ ...inside(envelope), ...changes });
  return JSON.stringify({ ...outer, payload: Buffer.from(body).toString("base64") });
}

const onSitting = (change: (statements: Json[]) => Json[]): Attack => (target, body) => {
  if (!/^\/api\/v1\/(sittings\/|statements$)/.test(path(target))) return null;
  const answer = json(body);
  if (!Array.isArray(answer.statements)) return null;
  return bytes({ ...answer, statements: change(answer.statements) });
};

const onOpenings = (change: (openings: Json[]) => Json[]): Attack => (target, body) => {
  if (!/^\/api\/v1\/sittings\//.test(path(target))) return null;
  const answer = json(body);
  if (!answer.agenda) return null;
  return bytes({ ...answer, agenda: { ...answer.agenda, openings: change(answer.agenda.openings) } });
};

const certificates = (statements: Json[]): Json[] =>
  statements.filter((each) => typeOf(each.envelope).includes(".certificate."));

/** Answers recorded while `record` was on, by target. */
const recorded = new Map<string, string>();

const flip = (body: string, at: number): string =>
  body.slice(0, at) + String.fromCharCode(body.charCodeAt(at) ^ 1) + body.slice(at + 1);

const ATTACKS: Record<string, Attack> = {
  "other-root": (target, body) => {
    if (path(target) !== "/api/v1/trust") return null;
    const answer = json(body);
    const [key] = answer.trust.root_keys as string[];
    return bytes({ ...answer, trust: { ...answer.trust, root_keys: [`A${(key ?? "").slice(1)}`] } });
  },
  "policy-left-out": (target, body) =>
    path(target) === "/api/v1/trust" ? bytes({ ...json(body), policies: [] }) : null,
  "other-origin": (target, body) =>
    path(target) === "/api/v1/login/challenge" ? bytes({ ...json(body), origin: "ailleurs.example" }) : null,
  "wrong-certificate": onSitting((statements) => {
    const [first, second] = certificates(statements);
    return statements.map((each) => (each === first ? { ...first, envelope: second.envelope } : each));
  }),
  "invented-member": onSitting((statements) => {
    const [first, second] = certificates(statements);
    const { recipient, signing_key } = inside(second.envelope);
    const envelope = rewritten(first.envelope, { recipient, signing_key });
    return statements.map((each) => (each === first ? { ...first, envelope } : each));
  }),
  "forged-receipt": onSitting((statements) =>
    statements.map((each, at) =>
      at > 0 ? each : { ...each, receipt: each.receipt.replace(/index \d+/, "index 1") },
    ),
  ),
  "exchanged-receipts": onSitting((statements) => {
    const [one, other] = statements;
    return [
      { ...one, receipt: other.receipt },
      { ...other, receipt: one.receipt },
      ...statements.slice(2),
    ];
  }),
  "hidden-revocation": onSitting((statements) =>
    statements.filter((each) => !typeOf(each.envelope).includes(".revocation.")),
  ),
  "hidden-agenda": (target, body) => {
    if (!/^\/api\/v1\/sittings\//.test(path(target))) return null;
    const answer = json(body);
    const statements = answer.statements.filter((each: Json) => !typeOf(each.envelope).includes(".agenda."));
    return bytes({ ...answer, statements, agenda: null });
  },
  "hidden-item": onOpenings((openings) => {
    const at = openings.findIndex(({ item }) => item !== "null");
    return openings.filter((_each, place) => place !== at);
  }),
  "invented-item": onOpenings(([first, ...others]) => [
    { ...first, item: first.item.replace(/null|"rank":\d+/, '"rank":1') },
    ...others,
  ]),
  record: (target, body) => {
    recorded.set(path(target), body);
    return null;
  },
  "older-checkpoint": (target) =>
    /^\/api\/v1\/sittings$/.test(path(target)) ? (recorded.get(path(target)) ?? null) : null,
  "replayed-status": (target) =>
    path(target) === "/api/v1/status" ? (recorded.get(path(target)) ?? null) : null,
  "own-release-key": (target, body) => {
    if (path(target) !== "/api/v1/deposits") return null;
    const answer = json(body);
    const { recipient } = inside(answer.release_key.envelope);
    const own = `${recipient.slice(0, -8)}AAAAAA==`;
    const envelope = rewritten(answer.release_key.envelope, { recipient: own });
    return bytes({ ...answer, release_key: { ...answer.release_key, envelope } });
  },
  "another-release-key": (target, body) => {
    if (path(target) !== "/api/v1/deposits") return null;
    const before = recorded.get(path(target));
    return before === undefined ? null : bytes({ ...json(body), release_key: json(before).release_key });
  },
  "swapped-envelopes": (target, body) => {
    if (path(target) !== "/api/v1/releases") return null;
    const answer = json(body);
    const [one, other] = answer.releases;
    return bytes({
      ...answer,
      releases: [{ ...one, header: other.header }, { ...other, header: one.header }],
    });
  },
  "dossier-left-out": (target, body) => {
    if (path(target) !== "/api/v1/releases") return null;
    const answer = json(body);
    return bytes({ ...answer, releases: answer.releases.slice(1) });
  },
  "unlogged-release": (target, body) => {
    if (path(target) !== "/api/v1/releases") return null;
    const answer = json(body);
    const [one, other] = answer.releases;
    return bytes({ ...answer, releases: [{ ...one, receipt: other.receipt }, other] });
  },
  "altered-payload": (target, body) =>
    path(target).endsWith("/payload") ? flip(body, body.length - 20) : null,
  "altered-entry": (target, body) => {
    if (path(target) !== "/api/v1/disclosures") return null;
    const lines = body.split("\n");
    const line = json(lines[3] ?? "");
    const leaf = Buffer.from(line.leaf, "base64").toString("latin1").replace(/"day":"\d{4}/, '"day":"1999');
    lines[3] = bytes({ ...line, leaf: Buffer.from(leaf, "latin1").toString("base64") });
    return lines.join("\n");
  },
  "cut-export": (target, body) =>
    path(target) === "/api/v1/disclosures" ? body.split("\n").slice(0, -3).join("\n") : null,
};

export function attackOf(kind: string): Attack {
  const found = ATTACKS[kind];
  if (found === undefined) throw new Error(`no attack « ${kind} »`);
  return found;
}
