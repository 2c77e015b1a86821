/**
 * What a file says beyond its content is taken out before it is sealed (exchange/client/scrubbing).
 *
 * Types are known by content and not by name. JPEG and PNG give the same octets as the command line. A PDF
 * is cleaned in place (its length and offsets stay); what this page cannot clean, it says.
 */
import { type Bytes, concat, textOf, utf8 } from "./bytes.ts";
import { impossible } from "./registry.ts";
import { scrubJpeg } from "./scrub_jpeg.ts";
import { scrubPdf } from "./scrub_pdf.ts";

export type Trace = "author" | "dates" | "software" | "place" | "camera" | "comments" | "history";

/** Why a file keeps its traces: signed, locked by a password, or stored where this page does not reach. */
export type Kept = "signed" | "locked" | "packed";

export interface Scrubbed {
  readonly data: Bytes;
  readonly traces: readonly Trace[];
  readonly kept: Kept | null;
}

/** A file ready to deposit, and what it gave away or still does. */
export interface Cleaned {
  readonly path: string;
  readonly content: Blob;
  readonly traces: readonly Trace[];
  readonly kept: Kept | null;
}

interface Admitted {
  readonly mediaType: string;
  readonly suffix: RegExp;
  readonly magic: Bytes;
  scrub(data: Bytes): Scrubbed;
}

const untouched = (data: Bytes): Scrubbed => ({ data, traces: [], kept: null });
const PNG_MAGIC = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const TEXT: Admitted = { mediaType: "text/plain", suffix: /\.txt$/i, magic: new Uint8Array(0), scrub: untouched };
const ADMITTED: readonly Admitted[] = [
  { mediaType: "application/pdf", suffix: /\.pdf$/i, magic: utf8("%PDF-"), scrub: scrubPdf },
  { mediaType: "image/jpeg", suffix: /\.jpe?g$/i, magic: Uint8Array.of(0xff, 0xd8, 0xff), scrub: scrubJpeg },
  { mediaType: "image/png", suffix: /\.png$/i, magic: PNG_MAGIC, scrub: scrubPng },
];

const startsWith = (data: Uint8Array, magic: Uint8Array): boolean =>
  magic.every((byte, at) => data[at] === byte);

function isText(data: Uint8Array): boolean {
  try {
    return !textOf(data).includes("\0");
  } catch {
    return false;
  }
}

/** The admitted type of a file; throws kind "usage" for another, or for a wrong suffix. */
function typeOf(path: string, data: Bytes): Admitted {
  const named = [...ADMITTED, TEXT].find((each) => each.suffix.test(path));
  let found = ADMITTED.find((each) => startsWith(data, each.magic));
  if (found === undefined && (data.length === 0 || (named === TEXT && isText(data)))) found = named;
  if (named === undefined || found !== named) {
    throw impossible(
      "« {path} » n'est pas d'un type admis (PDF, JPEG, PNG ou texte, sous son vrai nom) : enregistrez-le " +
        "en PDF.",
      { path },
    );
  }
  return named;
}

/** A file of an admitted type without its metadata; one file is in memory at a time. */
export async function cleaned(path: string, content: Blob): Promise<Cleaned> {
  const data = new Uint8Array(await content.arrayBuffer());
  const { mediaType, scrub } = typeOf(path, data);
  const done = data.length > 0 ? scrub(data) : untouched(data);
  const blob = done.data === data ? content : new Blob([done.data]);
  return { path, content: blob.slice(0, blob.size, mediaType), traces: done.traces, kept: done.kept };
}

const TELLING: Readonly<Record<string, Trace>> = {
  tEXt: "comments",
  zTXt: "comments",
  iTXt: "comments",
  eXIf: "camera",
  tIME: "dates",
};
const CHUNK_OVERHEAD = 12; // length, type and checksum

/** PNG (ISO/IEC 15948): metadata are chunks of their own; they are left out. */
export function scrubPng(data: Bytes): Scrubbed {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const kept: Uint8Array[] = [PNG_MAGIC];
  const traces = new Set<Trace>();
  for (let at = PNG_MAGIC.length; at + CHUNK_OVERHEAD <= data.length; ) {
    const kind = String.fromCharCode(...data.subarray(at + 4, at + 8));
    const end = at + CHUNK_OVERHEAD + view.getUint32(at);
    if (end > data.length) break;
    const trace = Object.hasOwn(TELLING, kind) ? TELLING[kind] : undefined;
    if (trace === undefined) kept.push(data.subarray(at, end));
    else traces.add(trace);
    at = end;
    if (kind !== "IEND") continue;
    if (at !== data.length) traces.add("history"); // nothing may hide behind the end
    return { data: traces.size > 0 ? concat(...kept) : data, traces: [...traces], kept: null };
  }
  throw impossible(
    "Cette image PNG est abîmée ou coupée : ouvrez-la et enregistrez-la de nouveau.",
  );
}
