/** A person at work: their key, a logged-in connection, and a trusted view (exchange/client/desk.py). */
import type { AgendaOpening } from "./agenda.ts";
import { type Attested, attested, field, many, optional, record, text } from "./api.ts";
import { type Beyond, type Browser, commonFields } from "./browser.ts";
import { CheckpointKeeper } from "./checkpoints.ts";
import type { Unverified } from "./dsse.ts";
import { formatInstant, parseInstant } from "./encoding.ts";
import { ExplainedError, hostile } from "./errors.ts";
import type { Identity } from "./identity.ts";
import type { Accepted } from "./ledger.ts";
import type { VerifiedCheckpoint } from "./log_policy.ts";
import type { Checkpoint } from "./note.ts";
import { impossible } from "./registry.ts";
import type { StatementOf, StatementType } from "./statements.ts";
import { fetchStatus, requireCurrent, waitUntilAcknowledged } from "./status.ts";
import { type Trust, sameTrust, trustFrom } from "./trust.ts";
import { type Source, TrustedView, narrowed } from "./view.ts";
import type { Json } from "./strict_json.ts";

const LOGIN_LIFETIME = 5 * 60_000; // clocks differ a little; a stolen login is worth nothing after it
const AGAIN_AFTER = 500; // milliseconds

/** Gives a view what it lacks, from the service, under this browser's last checkpoint. */
export class OnlineSource implements Source {
  readonly keeper: CheckpointKeeper;
  private readonly browser: Browser;

  constructor(browser: Browser) {
    this.browser = browser;
    this.keeper = new CheckpointKeeper(browser.profile.store, (older, newer) =>
      browser.api.consistency(older, newer),
    );
  }

  begin(): Promise<void> {
    return this.keeper.begin();
  }

  beginWithFile(): void {
    this.keeper.beginWithFile();
  }

  permit(recovery: string, checkpoint: Checkpoint): void {
    this.keeper.permit(recovery, checkpoint);
  }

  accept(checkpoints: readonly VerifiedCheckpoint[], now: number): Promise<void> {
    return this.keeper.accept(checkpoints, now);
  }

  statement(digest: string): Promise<Attested> {
    return this.browser.api.statement(digest);
  }
}

/** Whom the service logged in. `certificate` is null for a registrar's key. */
export interface Who {
  readonly person: string | null;
  readonly organisation: string | null;
  readonly roles: readonly string[];
  readonly certificate: string | null;
}

/** What came of posting a statement; `destruction` where it ended release keys. */
export interface Submitted<K extends StatementType> {
  readonly accepted: Accepted<K>;
  readonly destruction: Attested | null;
}

export class Desk {
  readonly browser: Browser;
  readonly identity: Identity;
  readonly view: TrustedView;
  readonly source: OnlineSource;
  readonly who: Who;
  /** How this person's statements name their key. */
  readonly signer: string;

  constructor(
    browser: Browser,
    identity: Identity,
    view: TrustedView,
    source: OnlineSource,
    who: Who,
    signer: string,
  ) {
    this.browser = browser;
    this.identity = identity;
    this.view = view;
    this.source = source;
    this.who = who;
    this.signer = signer;
  }

  get now(): number {
    return this.browser.clock();
  }

  get isRegistrar(): boolean {
    return this.who.certificate === null;
  }

  /** The certificate of the person; throws kind "usage" for a registrar's key. */
  get certificate(): Accepted<"certificate"> {
    const found = this.who.certificate === null ? null : this.view.ledger.get(this.who.certificate);
    if (found === null) {
      throw impossible(
        "Cette page est celle d'une personne certifiée ; ce navigateur porte une clé du secrétariat.",
      );
    }
    return narrowed("certificate", found);
  }

  /** Composes and signs a statement of this person. */
  draft<K extends StatementType>(type: K, fields: Beyond<K>): Unverified<K> {
    const common = commonFields(this.browser, this.view.trust, this.signer);
    return this.identity.sign(type, { ...common, ...fields } as unknown as StatementOf<K>);
  }

  /** Fetches and verifies all statements of a type. */
  async load<K extends StatementType>(
    type: K,
    references: Record<string, string> = {},
  ): Promise<readonly Accepted<K>[]> {
    await this.source.begin();
    const taken = await this.view.take(await this.browser.api.statements(type, references));
    return taken.map((each) => narrowed(type, each));
  }

  /** Fetches and verifies everything that this person may see of a sitting. */
  async loadSitting(sitting: string): Promise<void> {
    await this.source.begin();
    const { statements, agenda } = await this.browser.api.sitting(sitting);
    await this.view.take(statements);
    if (agenda !== null) await this.view.takeOpenings(agenda);
  }

  /** The latest version of each sitting that concerns this person. */
  async sittings(): Promise<readonly Accepted<"sitting">[]> {
    await this.source.begin();
    const taken = await this.view.take(await this.browser.api.sittings());
    return taken.map((each) => narrowed("sitting", each));
  }

  /** Posts a statement and verifies its receipt. */
  async submit<K extends StatementType>(
    given: Unverified<K>,
    openings: readonly AgendaOpening[] = [],
  ): Promise<Submitted<K>> {
    await this.source.begin();
    const answer = await this.browser.api.postStatement(given.envelope, openings);
    const receipt = field(answer, "receipt", text);
    const accepted = await this.view.takeAs(given.type, { envelope: given.envelope, receipt });
    await this.keep(given, receipt);
    const destruction = field(answer, "destruction", optional(attested));
    // Now: its receipt may be older than the statement's, which a later request would not allow.
    if (destruction !== null) await this.view.take([destruction]);
    return { accepted, destruction };
  }

  /** Like `submit`, and done only when the broker has acknowledged it. */
  async submitAndConfirm<K extends StatementType>(
    given: Unverified<K>,
    openings: readonly AgendaOpening[] = [],
  ): Promise<Submitted<K>> {
    const done = await this.submit(given, openings);
    await waitUntilAcknowledged(this.view, this.browser, given.digest);
    return done;
  }

  async keep(given: Unverified, receipt: string, name: string = given.digest): Promise<void> {
    await this.browser.profile.keepStatement(given.digest, given.envelope);
    await this.browser.profile.keepReceipt(name, receipt);
  }

  /**
   * A fresh status that agrees with what this browser knows; looks again once. Something may have been
   * accepted between the two requests; a second difference is hiding.
   */
  async status(sitting: string | null = null): Promise<void> {
    try {
      await this.compareStatus(sitting);
    } catch (error) {
      if (!(error instanceof ExplainedError) || error.kind !== "hostile") throw error;
      if (sitting !== null) await this.loadSitting(sitting);
      await this.load("revocation");
      await this.compareStatus(sitting);
    }
  }

  private async compareStatus(sitting: string | null): Promise<void> {
    const status = await fetchStatus(this.view, this.browser, sitting);
    requireCurrent(this.view, status, sitting);
  }
}

/**
 * The trusted view of this browser, with the chain of trust policies walked. `lapsedToo` allows an
 * expired policy, for acts that only take access away.
 */
export async function openView(
  browser: Browser,
  trust: Trust,
  lapsedToo = false,
): Promise<{ view: TrustedView; source: OnlineSource }> {
  const source = new OnlineSource(browser);
  const view = new TrustedView(trust, source, browser.clock);
  await source.begin();
  const answer = await browser.api.trust();
  const shown = trustFrom(field(answer, "trust", record) as unknown as Json);
  if (!sameTrust(shown, trust)) {
    throw hostile(
      "Ce service présente une autre commission ou d'autres clés racine que celles que ce navigateur " +
        "connaît : vérifiez son adresse ; si elle est bonne, prévenez le secrétariat par téléphone.",
    );
  }
  const given = (name: string) => field(answer, name, many(attested));
  await view.takePolicies(given("policies"), given("emergencies"), given("recoveries"));
  if (!lapsedToo) view.policy.requireUnexpired(browser.clock());
  return { view, source };
}

/** Logs in with this browser's key, verifies the receipt, and learns one's own certificate. */
export async function logIn(browser: Browser, identity: Identity, lapsedToo = false): Promise<Desk> {
  const { view, source } = await openView(browser, await browser.profile.trust(), lapsedToo);
  const settings = await browser.profile.settings();
  const signer = settings.certificate ?? identity.fingerprint;
  const { login, answer } = await provenKey(browser, view, identity, signer);
  const who: Who = {
    person: field(answer, "person", optional(text)),
    organisation: field(answer, "organisation", optional(text)),
    roles: field(answer, "roles", many(text)),
    certificate: field(answer, "certificate", optional(text)),
  };
  await view.checkReceipt(field(answer, "receipt", text), ["login.accepted"], { login: login.digest });
  if (who.certificate === null) return new Desk(browser, identity, view, source, who, signer);
  return withCertificate(new Desk(browser, identity, view, source, who, who.certificate));
}

/**
 * Proves the key, a second time with a challenge of its own where the line broke: a nonce serves once, so
 * a login cannot be sent again, and browsers may send the first one over a connection that just ended.
 */
async function provenKey(...given: Parameters<typeof proveKey>): ReturnType<typeof proveKey> {
  try {
    return await proveKey(...given);
  } catch (error) {
    if (!(error instanceof ExplainedError) || error.kind !== "unreachable") throw error;
    await given[0].pause(AGAIN_AFTER);
    return proveKey(...given);
  }
}

/**
 * Answers the service's challenge. The origin signed is the one of the trust policy, never the one that
 * the service names: a login that another site relays is worth nothing there.
 */
async function proveKey(
  browser: Browser,
  view: TrustedView,
  identity: Identity,
  signer: string,
): Promise<{ login: Unverified<"login">; answer: unknown }> {
  const challenge = await browser.api.challenge();
  const { origin } = view.policy.policy;
  if (field(challenge, "origin", text) !== origin) {
    throw hostile(
      "Le service se présente sous une autre origine que celle de la politique de confiance " +
        "({origin}) : rien n'a été signé. Vérifiez son adresse.",
      { origin },
    );
  }
  const offered = field(challenge, "expires_at", (value) => parseInstant(text(value)));
  const login = identity.sign("login", {
    ...commonFields(browser, view.trust, signer),
    origin,
    nonce: field(challenge, "nonce", text),
    expires_at: formatInstant(Math.min(browser.clock() + LOGIN_LIFETIME, offered)),
  });
  return { login, answer: await browser.api.login(login.envelope) };
}

/** Checks that the certificate is of this very key, and remembers it. */
async function withCertificate(desk: Desk): Promise<Desk> {
  const { statement, digest } = await desk.view.need("certificate", desk.signer);
  const { signingKey, recipient } = desk.identity;
  if (statement.signing_key !== signingKey || statement.recipient !== recipient) {
    throw hostile(
      "Le certificat que le service attribue à cet appareil porte d'autres clés que les siennes : " +
        "ne continuez pas et prévenez le secrétariat.",
    );
  }
  const { person, name, organisation, roles } = statement;
  await desk.browser.profile.change({ certificate: digest, person, name, organisation, roles });
  return desk;
}
