/** Packs as this browser keeps them: sealed, until the sitting closes. */
import { type AgendaShown, readItem } from "./agenda.ts";
import type { Attested } from "./api.ts";
import type { Browser } from "./browser.ts";
import type { Bytes } from "./bytes.ts";
import { parseInstant } from "./encoding.ts";

/** One dossier (or complement) of a pack: `header ‖ payload` is a standard age file. */
export interface PackedDossier {
  /** `01-altair/k7qf2-m3xta-c1` */
  readonly stem: string;
  readonly association: string;
  readonly reference: string;
  readonly manifest: string;
  readonly header: Bytes;
  readonly payload: Blob;
  readonly receipt: string;
}

/** A member's sealed pack, with every statement that verifying it off line needs. */
export interface Pack {
  readonly sitting: string;
  /** Digest of the certificate of the device that took it. */
  readonly member: string;
  readonly dossiers: readonly PackedDossier[];
  readonly papers: readonly (readonly [string, Attested])[];
  /** What the agenda lists for this member. */
  readonly agenda: AgendaShown;
  readonly closesAt: string;
}

export const keptPack = (browser: Browser, sitting: string): Promise<Pack | null> =>
  browser.profile.store.get<Pack>("packs", sitting);

/** Keeps a pack; dossiers taken before by the same device stay beside those taken now. */
export async function keepPack(browser: Browser, pack: Pack): Promise<Pack> {
  const before = await keptPack(browser, pack.sitting);
  if (before === null || before.member !== pack.member) {
    await browser.profile.store.put("packs", pack.sitting, pack);
    return pack;
  }
  const taken = new Set(pack.dossiers.map((each) => each.manifest));
  const earlier = before.dossiers.filter((each) => !taken.has(each.manifest));
  const joined: Pack = {
    ...pack,
    dossiers: [...earlier, ...pack.dossiers].sort((one, other) => (one.stem < other.stem ? -1 : 1)),
    papers: [...new Map([...before.papers, ...pack.papers])],
  };
  await browser.profile.store.put("packs", pack.sitting, joined);
  return joined;
}

/** Deletes dossiers from a kept pack: the member stepped aside, or the association withdrew. */
export async function forgetDossiers(
  browser: Browser,
  sitting: string,
  references: readonly string[],
): Promise<void> {
  const pack = await keptPack(browser, sitting);
  if (pack === null) return;
  const dossiers = pack.dossiers.filter((each) => !references.includes(each.reference));
  const openings = pack.agenda.openings.filter(({ item }) => {
    const listed = readItem(item);
    return listed === null || !references.includes(listed.dossier);
  });
  const agenda = { ...pack.agenda, openings };
  await browser.profile.store.put("packs", sitting, { ...pack, dossiers, agenda });
}

/** Deletes the packs of sittings that have closed; call it at every start. */
export async function forgetClosedPacks(browser: Browser): Promise<void> {
  for (const sitting of await browser.profile.store.keys("packs")) {
    const pack = await keptPack(browser, sitting);
    if (pack !== null && browser.clock() >= parseInstant(pack.closesAt)) {
      await browser.profile.store.delete("packs", sitting);
    }
  }
}
