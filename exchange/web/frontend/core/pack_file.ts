/** A pack as the one file that `dossier pack open` reads (DESIGN, section 9). */
import type { Attested } from "./api.ts";
import { hostile } from "./errors.ts";
import type { Pack } from "./pack_store.ts";
import { parseAny } from "./dsse.ts";
import { BLOCK, END_BLOCKS, entryHeader } from "./tar.ts";

const FORMAT_NAME = "dossier-exchange-pack/v1";
const OWNER_ONLY = 0o600;

/** The sealed pack: each `NN-<association>/<reference>.tar.age` is a standard age file. */
export function packTar(pack: Pack, now: number): Blob {
  const parts: BlobPart[] = [];
  const mtime = Math.floor(now / 1000);
  const add = (name: string, ...content: (Blob | string)[]): void => {
    const body = new Blob(content);
    parts.push(entryHeader(name, body.size, OWNER_ONLY, mtime), body);
    parts.push(new Uint8Array((BLOCK - (body.size % BLOCK)) % BLOCK));
  };
  for (const { stem, header, payload, receipt } of pack.dossiers) {
    add(`${stem}.tar.age`, new Blob([header]), payload);
    add(`${stem}.receipt`, receipt);
  }
  add("sitting.json", paper(latestOf(pack, "sitting")));
  add("agenda.json", paper(latestOf(pack, "agenda")));
  add("agenda-openings.json", JSON.stringify(pack.agenda));
  for (const [digest, item] of pack.papers) add(`statements/${digest}.json`, paper(item));
  const head = { format: FORMAT_NAME, sitting: pack.sitting, member: pack.member };
  add("pack.json", `${JSON.stringify(head, null, 2)}\n`);
  parts.push(new Uint8Array(END_BLOCKS));
  return new Blob(parts, { type: "application/x-tar" });
}

const paper = ({ envelope, receipt }: Attested): string =>
  `${JSON.stringify({ envelope, receipt }, null, 2)}\n`;

/** The latest version of the pack's sitting or agenda, among its papers. */
function latestOf(pack: Pack, type: "sitting" | "agenda"): Attested {
  let found: { item: Attested; version: number } | null = null;
  for (const [, item] of pack.papers) {
    const given = parseAny(item.envelope);
    if (given.type !== type) continue;
    const { sitting, version } = given.statement as { sitting: string; version: number };
    if (sitting === pack.sitting && version > (found?.version ?? 0)) found = { item, version };
  }
  if (found === null) {
    throw hostile("Il manque une déclaration à cette archive de séance : rien n'a été ouvert.");
  }
  return found.item;
}

