/**
 * People in browsers, driven from outside: one JSON request a line in, one JSON answer a line out.
 * pytest lets them meet the real service and the command line (tests/integration/test_frontend_interop.py).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as core from "../core/index.ts";
import { utf8 } from "../core/bytes.ts";
import { sha256 } from "../core/digests.ts";
import { attackOf } from "./attacks.ts";
import { nodeWire } from "./wire.ts";

interface Actor {
  readonly browser: core.Browser;
  readonly wire: ReturnType<typeof nodeWire>;
  identity?: core.Identity;
  desk?: core.Desk;
}

const PASSPHRASE_LOG_N = 10;
const quiet = () => undefined;
const actors = new Map<string, Actor>();

type Request = { readonly do: string; readonly who: string; readonly [name: string]: any };

function actorOf(request: Request): Actor {
  const known = actors.get(request.who);
  if (known !== undefined) return known;
  const wire = nodeWire(String(request["url"]));
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => void setTimeout(resolve, milliseconds / 10));
  const browser = core.makeBrowser({ store: core.memoryStore(), wire: wire.send, pause });
  const made: Actor = { browser, wire };
  actors.set(request.who, made);
  return made;
}

function deskOf(actor: Actor): core.Desk {
  if (actor.desk === undefined) throw new Error("nobody is logged in");
  return actor.desk;
}

const files = (given: Record<string, string>): core.DepositFile[] =>
  Object.entries(given).map(([path, text]) => ({
    path,
    content: new Blob([text], { type: "application/pdf" }),
  }));

type Act = (actor: Actor, request: Request) => Promise<unknown>;

const ACTS: Record<string, Act> = {
  enrol: async (actor, { invitation, device, passphrase }) => {
    const file = core.readInvitation(readFileSync(String(invitation), "utf8"));
    const wish = { device, passphrase, logN: PASSPHRASE_LOG_N };
    const done = await core.enrol(actor.browser, file, wish);
    actor.identity = done.identity;
    const { person } = await actor.browser.profile.settings();
    const { fingerprint, recoveryKey } = done;
    return { fingerprint, recoveryKey, trustFingerprint: file.trustFingerprint, person };
  },
  import: async (actor, { keyFile, trust, passphrase, kind }) => {
    actor.identity = await core.importKey(actor.browser, {
      trust: core.parseTrust(new Uint8Array(readFileSync(String(trust)))),
      keyFile: new Uint8Array(readFileSync(String(keyFile))),
      kind,
      passphrase,
      logN: PASSPHRASE_LOG_N,
    });
    return { fingerprint: actor.identity.spoken };
  },
  unlock: async (actor, { passphrase }) => {
    actor.identity = await core.unlock(actor.browser, passphrase);
    return { fingerprint: actor.identity.spoken };
  },
  login: async (actor) => {
    if (actor.identity === undefined) throw new Error("no identity");
    actor.desk = await core.logIn(actor.browser, actor.identity);
    return actor.desk.who;
  },
  sittings: async (actor) =>
    (await deskOf(actor).sittings()).map((each) => each.statement.sitting),
  deposit: async (actor, { sitting, kind, pieces, complementOf, cutAfter, deadFor }) => {
    const desk = deskOf(actor);
    const wanted = { sitting, kind, files: files(pieces), complementOf: complementOf ?? null, pathway: kind === "renewal" ? "new" : null };
    const honest = await core.planDeposit(desk, wanted);
    const own = desk.identity.recipient;
    // A dishonest depositor: what is listed for this person is sealed to the depositor's own key.
    const crooked = honest.readers.map((each) => (each.name === deadFor ? { ...each, recipient: own } : each));
    const plan = { ...honest, readers: crooked };
    const pending = await core.sealDeposit(desk, plan, quiet);
    const readers = plan.readers.map(({ name, seatLabel, isNew }) => ({ name, seatLabel, isNew }));
    if (cutAfter !== undefined) {
      actor.wire.cutParts(Number(cutAfter));
      await core.send(desk, pending, quiet).catch(quiet);
      actor.wire.cutParts(null);
      return { reference: plan.reference, key: pending.key, readers };
    }
    const { reference, receipt } = await core.send(desk, pending, quiet);
    return { reference, receipt, readers };
  },
  resume: async (actor, { key }) => {
    const sent = actor.wire.parts();
    const { reference } = await core.resume(deskOf(actor), key, quiet);
    const left = await core.pendingDeposits(actor.browser);
    return { reference, parts: actor.wire.parts() - sent, left: left.length };
  },
  grantAll: async (actor, { sitting, reason }) => {
    const desk = deskOf(actor);
    const missing = await core.missingGrants(desk, sitting);
    for (const each of missing) await core.grantMissing(desk, sitting, each, reason);
    return missing.map(({ deposited, addressees }) => ({
      reference: deposited.reference,
      names: addressees.map((each) => each.name),
    }));
  },
  withdraw: async (actor, { reference, reason }) => {
    const ended = await core.withdraw(deskOf(actor), reference, reason);
    const kept = await actor.browser.profile.store.keys("filekeys");
    return { ...ended, filekeys: kept.length };
  },
  look: async (actor, { sitting }) => {
    const seen = await core.look(deskOf(actor), sitting);
    const { undertaken, openToMe, declared, recused } = seen;
    return { undertaken, openToMe, declared: [...declared], recused: [...recused] };
  },
  card: async (actor, { sitting, reference, initials, year, commune }) => {
    const desk = deskOf(actor);
    const plan = await core.planCard(desk, sitting, reference, { initials, year, commune });
    const pending = await core.sealDeposit(desk, plan, quiet);
    return (await core.send(desk, pending, quiet)).deposit;
  },
  cards: async (actor, { sitting, only }) => {
    const desk = deskOf(actor);
    const seen = await core.look(desk, sitting);
    if (!seen.undertaken) await core.undertake(desk, seen.mandate);
    const { shown, refused, faulty } = await core.readCards(desk, seen, only ?? []);
    return { shown, refused, faulty };
  },
  declare: async (actor, { sitting, references }) => {
    const desk = deskOf(actor);
    const seen = await core.look(desk, sitting);
    if (!seen.undertaken) await core.undertake(desk, seen.mandate);
    return core.declare(desk, seen, references ?? seen.openToMe);
  },
  recuse: async (actor, { sitting, references }) =>
    core.recuse(deskOf(actor), sitting, references),
  take: async (actor, { sitting, only }) => {
    const { pack, refused, faulty } = await core.takePack(deskOf(actor), sitting, only ?? [], quiet);
    return { stems: pack.dossiers.map((each) => each.stem), refused, faulty };
  },
  complain: async (actor, { reference }) => core.complain(deskOf(actor), reference),
  open: async (actor, { sitting, stem }) => {
    actor.wire.unplug(true); // opening needs no network
    try {
      const opened = await core.openPack(actor.browser, sitting);
      if (opened === null || actor.identity === undefined) throw new Error("nothing was taken");
      const { card, files: found } = await core.openDossier(actor.browser, actor.identity, opened, stem);
      const hashes: Record<string, string> = {};
      for (const { piece, content } of found) {
        hashes[piece.path] = sha256(new Uint8Array(await content.arrayBuffer()));
      }
      return { note: card.note, files: hashes };
    } finally {
      actor.wire.unplug(false);
    }
  },
  clean: async (_actor, { path, data }) => {
    const { content, traces, kept } = await core.cleaned(path, new Blob([Buffer.from(data, "base64")]));
    const bytes = Buffer.from(await content.arrayBuffer());
    return { data: bytes.toString("base64"), type: content.type, traces: [...traces].sort(), kept };
  },
  packFile: async (actor, { sitting, out }) => {
    const opened = await core.openPack(actor.browser, sitting);
    if (opened === null) throw new Error("nothing was taken");
    const tar = core.packTar(opened.pack, Date.now());
    writeFileSync(String(out), new Uint8Array(await tar.arrayBuffer()));
    return tar.size;
  },
  invite: async (actor, { name, organisation, roles, out, url }) => {
    const { invitation, file } = await core.invite(deskOf(actor), url, { name, organisation, roles });
    writeFileSync(String(out), utf8(file));
    return { person: invitation.statement.person };
  },
  certify: async (actor, { fingerprint }) => {
    const desk = deskOf(actor);
    const found = (await core.waiting(desk)).find((each) => each.fingerprint === fingerprint);
    if (found === undefined) throw new Error("no such device waits");
    return (await core.certify(desk, found)).digest;
  },
  revoke: async (actor, { certificate, reason }) => core.revoke(deskOf(actor), certificate, reason),
  roster: async (actor, { mandates }) => {
    const desk = deskOf(actor);
    await desk.load("roster");
    const last = core.latestRoster(desk.view.ledger)?.statement;
    const held = mandates as Omit<core.RosterMandate, "mandate">[];
    const all = [...(last?.mandates ?? []), ...held.map((each) => core.newMandate(desk, each))];
    return (await core.publishRoster(desk, { mandates: all })).statement.version;
  },
  sitting: async (actor, request) => {
    const changes = request["changes"] as core.SittingChanges;
    const { statement } = await core.publishSitting(deskOf(actor), changes);
    return { sitting: statement.sitting, version: statement.version, seats: statement.seats.length };
  },
  agenda: async (actor, { sitting }) =>
    core.listed(deskOf(actor).view.ledger, await core.publishAgenda(deskOf(actor), sitting)).length,
  close: async (actor, { sitting }) => core.closeSitting(deskOf(actor), sitting),
  verify: async (actor) => {
    const verdict = await core.verifyLog(deskOf(actor), quiet);
    return { ...verdict, events: verdict.events.length };
  },
  attack: async (actor, { kind }) => void actor.wire.attack(kind === null ? null : attackOf(kind)),
  evidence: async (actor) => actor.browser.profile.store.keys("evidence"),
};

async function answered(request: Request): Promise<unknown> {
  try {
    const act = ACTS[request.do];
    if (act === undefined) throw new Error(`no act « ${request.do} »`);
    return { result: (await act(actorOf(request), request)) ?? null };
  } catch (error) {
    if (error instanceof core.ExplainedError) return { kind: error.kind, error: error.explain() };
    return { kind: "bug", error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answered(JSON.parse(line) as Request))}\n`);
}
