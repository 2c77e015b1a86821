/**
 * Which seats were given the key of this association's dossiers, and when: proved by the log
 * (exchange/client/read_receipts.py). By seat, never by person.
 */
import type { Desk } from "./desk.ts";
import { hostile } from "./errors.ts";
import { parseInstant } from "./encoding.ts";
import { verifyReceipt } from "./receipts.ts";
import { type Deposited, allDepositsOf } from "./registry.ts";

export interface SeatRead {
  readonly fileStem: string;
  readonly seat: string;
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of the conflict card only. */
  readonly isCard: boolean;
}

/**
 * The readings of one dossier, its complements and its card, oldest first. A service that keeps one back
 * cannot be caught here: the auditor's verification catches it.
 */
export async function readReceipts(desk: Desk, sitting: string, reference: string): Promise<readonly SeatRead[]> {
  const own = allDepositsOf(desk.view.ledger, sitting).filter(
    (each) => each.reference === reference && each.association === desk.who.organisation,
  );
  const found: SeatRead[] = [];
  for (const each of own) found.push(...(await ofDeposit(desk, each)));
  return found.sort((one, other) => one.at - other.at);
}

async function ofDeposit(desk: Desk, deposited: Deposited): Promise<readonly SeatRead[]> {
  await desk.source.begin();
  const { deposit } = deposited.manifest.statement;
  const receipts = (await desk.browser.api.releasesOf(deposit)).map((each) => verifyReceipt(each, desk.view.log));
  await desk.source.accept(receipts.map((each) => each.checkpoint), desk.now);
  const found: SeatRead[] = [];
  for (const { details } of receipts) {
    if (details.type !== "release.authorised" || details.facts["deposit"] !== deposit) {
      throw hostile(
        "Le service a remis le récépissé d'un autre événement pour ce dossier : rien n'a été utilisé. " +
          "Recommencez ; si cela se répète, prévenez le vérificateur.",
      );
    }
    if (details.facts["purpose"] !== "read") continue; // a colleague's, made to grant
    const seat = await seatOf(desk, deposited, details.cites["certificate"] ?? "");
    found.push({ ...seat, fileStem: deposited.fileStem, at: parseInstant(details.at), isCard: deposited.isCard });
  }
  return found;
}

/** The seat that listed the device, in the latest version that did. */
async function seatOf(
  desk: Desk,
  { manifest }: Deposited,
  certificate: string,
): Promise<{ readonly seat: string; readonly label: string }> {
  const { person } = (await desk.view.need("certificate", certificate)).statement;
  for (const { statement } of [...desk.view.ledger.find("sitting", { sitting: manifest.statement.sitting })].reverse()) {
    for (const { seat, label, certificates, person: seated } of statement.seats) {
      if (seated === person && certificates.includes(certificate)) return { seat, label };
    }
  }
  throw hostile(
    "Une clé de ce dossier a été remise à un appareil qui n'était listé à aucun siège : prévenez le " +
      "vérificateur de la préfecture.",
  );
}
