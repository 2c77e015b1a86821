/**
 * What this browser knows to be true: statements that end in the pinned root and are in the log
 * (exchange/client/trusted_view.py).
 *
 * Each is taken only if (1) its receipt proves that an event which cites exactly this statement is in a
 * log signed and cosigned as the policy asks, (2) that log grows out of the last checkpoint accepted,
 * (3) its signature is by a key certified, unexpired and unrevoked when the event was logged. What was
 * taken is in `ledger`; nothing else is ever used.
 */
import { type AgendaShown, openItem } from "./agenda.ts";
import type { Attested } from "./api.ts";
import { verifyStatement } from "./authority.ts";
import { checkpointOf } from "./checkpoints.ts";
import { logRules } from "./emergency.ts";
import { type Unverified, parse, parseAny } from "./dsse.ts";
import { hostile } from "./errors.ts";
import { keyFingerprint } from "./keys.ts";
import { type Accepted, LedgerBefore, MemoryLedger } from "./ledger.ts";
import type { LogPolicy, VerifiedCheckpoint } from "./log_policy.ts";
import type { Checkpoint } from "./note.ts";
import { type EventType, type VerifiedReceipt, verifyReceipt } from "./receipts.ts";
import type { StatementOf, StatementType } from "./statements.ts";
import { type Trust, type TrustedPolicy, acceptFirst, acceptNext } from "./trust.ts";

/** Which event records a statement, and under which role it cites it (DESIGN, section 5). */
const RECORDED_AS: Readonly<Partial<Record<StatementType, readonly [readonly EventType[], string]>>> = {
  manifest: [["deposit.committed"], "manifest"],
  "release-key": [["deposit.begun", "deposit.rekeyed"], "release_key"],
  grant: [["grant.added"], "grant"],
  "access-request": [["release.authorised", "release.refused", "release.failed"], "access_request"],
  login: [["login.accepted", "login.refused"], "login"],
  destruction: [["key.destroyed"], "destruction"],
};

const MAX_CHAIN = 8; // certificates fetched in turn to verify one statement

/** Where a view gets what it lacks, and who watches the log's growth. */
export interface Source {
  begin(): Promise<void>;
  /** A verified recovery lets the log go on from there. */
  permit(recovery: string, checkpoint: Checkpoint): void;
  accept(checkpoints: readonly VerifiedCheckpoint[], now: number): Promise<void>;
  statement(digest: string): Promise<Attested>;
}

interface Candidate {
  readonly attested: Attested;
  readonly given: Unverified;
  readonly receipt: VerifiedReceipt;
}

export type Cites = Readonly<Record<string, string>>;

export class TrustedView {
  readonly trust: Trust;
  readonly ledger = new MemoryLedger();
  private readonly source: Source;
  private readonly clock: () => number;
  private readonly policies: { readonly order: number; readonly policy: TrustedPolicy }[] = [];
  private logPolicy: LogPolicy | null = null;
  private readonly kept = new Map<string, Attested>();

  constructor(trust: Trust, source: Source, clock: () => number) {
    this.trust = trust;
    this.source = source;
    this.clock = clock;
  }

  // -- policies -----------------------------------------------------------------------------------

  /** The trust policy in force. */
  get policy(): TrustedPolicy {
    const last = this.policies.at(-1);
    if (last === undefined) {
      throw hostile(
        "Aucune politique de confiance n'a encore été publiée pour cette commission : le secrétariat doit " +
          "d'abord en publier une.",
      );
    }
    return last.policy;
  }

  /** Whose signatures a checkpoint needs, by the policy in force. */
  get log(): LogPolicy {
    void this.policy;
    if (this.logPolicy === null) throw new Error("a policy without log rules");
    return this.logPolicy;
  }

  /**
   * Walks the chain of policies, then verifies their receipts under the last one. `emergencies` count
   * as far as they verify under it; they are in the log themselves, or all is refused.
   * By `recoveries` the log may have gone back to what they name.
   */
  async takePolicies(
    items: readonly Attested[],
    emergencies: readonly Attested[] = [],
    recoveries: readonly Attested[] = [],
  ): Promise<void> {
    const chain: { item: Attested; policy: TrustedPolicy }[] = [];
    for (const item of items) {
      const given = parse("trust-policy", item.envelope);
      const last = chain.at(-1);
      const policy = last ? acceptNext(last.policy, given) : acceptFirst(this.trust, given);
      chain.push({ item, policy });
    }
    const current = chain.at(-1);
    if (current === undefined) return;
    const log = logRules(current.policy, emergencies.map((each) => parse("emergency", each.envelope)));
    const receipts = items.map((item) => verifyReceipt(item.receipt, log));
    const places = chain.map(({ policy }, at) => ({ order: (receipts[at] as VerifiedReceipt).index, policy }));
    for (const each of recoveries) this.permit(places, log, each);
    await this.source.accept(receipts.map((receipt) => receipt.checkpoint), this.clock());
    chain.forEach(({ item, policy }, at) => {
      const receipt = receipts[at] as VerifiedReceipt;
      requireEvent(receipt, ["statement.accepted"], { statement: policy.digest });
      this.policies.push({ order: receipt.index, policy });
      this.keep(item, "trust-policy", policy.policy, policy.digest, receipt);
    });
    this.logPolicy = log;
    await this.take([...emergencies, ...recoveries]);
  }

  /**
   * Believes a recovery that stands in the log it excuses, signed by the roots of its place there: those
   * that came later know nothing of it.
   */
  private permit(
    places: readonly { readonly order: number; readonly policy: TrustedPolicy }[],
    log: LogPolicy,
    item: Attested,
  ): void {
    const given = parse("recovery", item.envelope);
    const receipt = verifyReceipt(item.receipt, log);
    requireEvent(receipt, ["statement.accepted"], { statement: given.digest });
    const policy = places.filter((each) => each.order < receipt.index).at(-1)?.policy;
    if (policy === undefined) throw another();
    verifyStatement(policy, new MemoryLedger(), given, receipt.at);
    this.source.permit(given.digest, checkpointOf(given.statement.checkpoint));
  }

  /** The policy that was in force when the entry `order` was logged. */
  private policyAt(order: number): TrustedPolicy {
    return this.policies.filter((each) => each.order < order).at(-1)?.policy ?? this.policy;
  }

  // -- statements ---------------------------------------------------------------------------------

  /** Verifies a batch and adds it to the ledger, in log order. */
  async take(items: readonly Attested[]): Promise<readonly Accepted[]> {
    const candidates = items.map((attested) => ({
      attested,
      given: parseAny(attested.envelope),
      receipt: verifyReceipt(attested.receipt, this.log),
    }));
    await this.source.accept(candidates.map((each) => each.receipt.checkpoint), this.clock());
    candidates.sort((one, other) => one.receipt.index - other.receipt.index);
    const taken: Accepted[] = [];
    for (const candidate of candidates) taken.push(await this.takeOne(candidate, MAX_CHAIN));
    return taken;
  }

  /** Verifies one statement that must be of `type`. */
  async takeAs<K extends StatementType>(type: K, item: Attested): Promise<Accepted<K>> {
    const [taken] = await this.take([item]);
    return narrowed(type, taken as Accepted);
  }

  /** A statement by digest: from the ledger, or fetched and verified. */
  async need<K extends StatementType>(type: K, digest: string): Promise<Accepted<K>> {
    const known = this.ledger.get(digest);
    if (known !== null) return narrowed(type, known);
    await this.source.begin();
    const item = await this.source.statement(digest);
    if (parseAny(item.envelope).digest !== digest) throw another();
    return this.takeAs(type, item);
  }

  /** Verifies what the service shows of an agenda taken before; all of it or none. */
  async takeOpenings({ agenda, openings }: AgendaShown): Promise<void> {
    const { statement } = await this.need("agenda", agenda);
    const { origin } = this.policy.policy;
    this.ledger.openItems(agenda, openings.map((shown) => openItem(statement, origin, shown)));
  }

  /** A taken statement with its receipt, as it came. */
  attested(digest: string): Attested {
    const found = this.kept.get(digest);
    if (found === undefined) throw new Error("this statement was not taken");
    return found;
  }

  /** Every taken statement as it came, policies first. */
  allAttested(): readonly (readonly [string, Attested])[] {
    return [...this.kept.entries()];
  }

  private async takeOne(candidate: Candidate, depth: number): Promise<Accepted> {
    const { given, receipt } = candidate;
    const known = this.ledger.get(given.digest);
    if (known !== null) return known;
    const [events, role] = RECORDED_AS[given.type] ?? [["statement.accepted"] as const, "statement"];
    requireEvent(receipt, events, { [role]: given.digest });
    if (given.statement.commission !== this.trust.commission) {
      throw hostile("Cette déclaration est celle d'une autre commission.");
    }
    const policy = this.policyAt(receipt.index);
    await this.resolveSigner(policy, given, receipt, depth);
    verifyStatement(policy, new LedgerBefore(this.ledger, receipt.index), given, receipt.at);
    return this.keep(candidate.attested, given.type, given.statement, given.digest, receipt);
  }

  /** Fetches the signer's certificate where the ledger lacks it; never trusts the fetching. */
  private async resolveSigner(
    policy: TrustedPolicy,
    given: Unverified,
    receipt: VerifiedReceipt,
    depth: number,
  ): Promise<void> {
    const { signer } = given.statement;
    const ownKey = (given.statement as Partial<StatementOf<"enrolment">>).signing_key;
    if (
      given.type === "recovery" || // the roots sign it: the policy names them
      policy.brokerKey(signer) !== null ||
      policy.registrarKey(signer, receipt.at) !== null ||
      (ownKey !== undefined && keyFingerprint(ownKey) === signer)
    ) {
      return;
    }
    await this.fetchCertificate(signer, depth);
    if (given.type === "revocation") {
      // One's own certificates alone may be revoked: whose it is must be known, too.
      await this.fetchCertificate((given.statement as StatementOf<"revocation">).certificate, depth);
    }
  }

  private async fetchCertificate(digest: string, depth: number): Promise<void> {
    if (this.ledger.get(digest) !== null) return;
    if (depth === 0) {
      throw hostile("La chaîne de certificats de cette déclaration est trop longue.");
    }
    const attested = await this.source.statement(digest);
    const given = parse("certificate", attested.envelope);
    if (given.digest !== digest) throw another();
    const receipt = verifyReceipt(attested.receipt, this.log);
    await this.source.accept([receipt.checkpoint], this.clock());
    await this.takeOne({ attested, given, receipt }, depth - 1);
  }

  private keep<K extends StatementType>(
    item: Attested,
    type: K,
    statement: StatementOf<K>,
    digest: string,
    receipt: VerifiedReceipt,
  ): Accepted {
    const accepted = { type, statement, digest, order: receipt.index, at: receipt.at } as Accepted;
    this.ledger.add(accepted);
    this.kept.set(digest, item);
    return accepted;
  }

  // -- receipts of acts -----------------------------------------------------------------------------

  /** A receipt of one of these events that cites exactly these statements and states these facts. */
  async checkReceipt(
    receipt: string,
    events: readonly EventType[],
    cites: Cites,
    facts: Cites = {},
  ): Promise<VerifiedReceipt> {
    const verified = verifyReceipt(receipt, this.log);
    await this.source.accept([verified.checkpoint], this.clock());
    requireEvent(verified, events, cites, facts);
    return verified;
  }
}

const another = () =>
  hostile("Le service a remis une autre déclaration que celle demandée : elle est refusée.");

/** The same as of `type`; throws kind "hostile" when it is another. */
export function narrowed<K extends StatementType>(type: K, accepted: Accepted): Accepted<K> {
  if (accepted.type !== type) {
    throw hostile("Une déclaration « {due} » était attendue, pas « {got} ».", {
      due: type,
      got: accepted.type,
    });
  }
  return accepted as Accepted<K>;
}

/** Throws kind "hostile" unless the receipt is of such an event with these values. */
export function requireEvent(
  receipt: VerifiedReceipt,
  events: readonly EventType[],
  cites: Cites,
  facts: Cites = {},
): void {
  const { details } = receipt;
  const differs = (given: Cites, wanted: Cites): boolean =>
    Object.entries(wanted).some(([name, value]) => given[name] !== value);
  if (!events.includes(details.type) || differs(details.cites, cites) || differs(details.facts, facts)) {
    throw hostile(
      "Le récépissé remis par le service n'est pas celui de ce qu'il accompagne ({got} ; attendu : {due}) : l'un " +
        "des deux a été changé ou échangé, et rien n'a été utilisé. Recommencez ; si cela se répète, prévenez le vérificateur.",
      { got: details.type, due: events[0] ?? "" },
    );
  }
}
