/**
 * A header that a depositor signed for this device and that is dead, or opens something else
 * (exchange/client/complaint.py). It is the depositor's own doing: its digest stands in their manifest or
 * grant. The dossier is left out, what was found is noted, and the reader may sign a complaint about it.
 */
import { commitmentOf, unwrapHeader } from "./age.ts";
import type { Bytes } from "./bytes.ts";
import type { Desk } from "./desk.ts";
import { sha256 } from "./digests.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { ExplainedError } from "./errors.ts";
import type { Profile } from "./profile.ts";
import { type Deposited, impossible } from "./registry.ts";
import type { Fault } from "./statements.ts";

/** What was found. `found` is the one-way commitment of a wrong file key, never the key. */
export interface Faulty {
  readonly reference: string;
  readonly manifest: string;
  readonly headerSha256: string;
  readonly fault: Fault;
  readonly found: string | null;
}

export const faultyBy = (
  deposited: Deposited,
  header: Bytes,
  fault: Fault,
  found: string | null = null,
): Faulty => ({
  reference: deposited.reference,
  manifest: deposited.manifest.digest,
  headerSha256: sha256(header),
  fault,
  found,
});

/** The file key of a header that the depositor signed, or what is wrong with it. */
export async function judged(
  deposited: Deposited,
  header: Bytes,
  ageIdentity: Bytes,
): Promise<Bytes | Faulty> {
  const { nonce, commitment } = deposited.manifest.statement;
  let fileKey: Bytes;
  try {
    fileKey = await unwrapHeader(header, ageIdentity);
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    const fault = error.kind === "not-for-this-key" ? "not-for-this-key" : "altered";
    return faultyBy(deposited, header, fault);
  }
  const found = encodeBase64(commitmentOf(fileKey, decodeBase64(nonce)));
  return found === commitment ? fileKey : faultyBy(deposited, header, "other-file-key", found);
}

/** The error of an act that has nothing else to give. */
export const refusedFor = (faulty: Faulty): ExplainedError =>
  new ExplainedError(
    "hostile",
    "Le dossier « {reference} » est inutilisable tel que l'association l'a scellé pour vous : clé perdue, " +
      "ou contenu qui n'est pas celui qu'elle a signé. Rien n'en a été gardé. Signalez-le, et prévenez le " +
      "secrétariat.",
    { reference: faulty.reference },
  );

/** Remembers a fault, so that a complaint about it can be signed. */
export const noteFault = (profile: Profile, faulty: Faulty): Promise<void> =>
  profile.store.put("faults", faulty.headerSha256, faulty);

/** The faults found in a dossier and not complained of yet. */
export async function notedFaults(profile: Profile, reference: string): Promise<readonly Faulty[]> {
  const keys = await profile.store.keys("faults");
  const found = await Promise.all(keys.map((key) => profile.store.get<Faulty>("faults", key)));
  return found.filter((each) => each !== null && each.reference === reference) as Faulty[];
}

/** Signs a complaint about each fault noted in a dossier; returns how many. */
export async function complain(desk: Desk, reference: string): Promise<number> {
  const { profile } = desk.browser;
  const faults = await notedFaults(profile, reference);
  if (faults.length === 0) {
    throw impossible(
      "Cet appareil n'a constaté aucun défaut dans le dossier « {reference} » : seul un en-tête qui " +
        "n'a pas pu être ouvert peut être signalé.",
      { reference },
    );
  }
  for (const { manifest, headerSha256, fault, found } of faults) {
    await desk.submit(desk.draft("complaint", { manifest, header_sha256: headerSha256, fault, found }));
    await profile.store.delete("faults", headerSha256);
  }
  return faults.length;
}
