/**
 * JPEG (ITU-T T.81 annex B): metadata are segments before the picture; they are left out
 * (exchange/client/scrubbing/jpeg.py). Orientation is kept, in an Exif segment that says nothing else.
 */
import { type Bytes, concat, sameBytes, utf8 } from "./bytes.ts";
import { impossible } from "./registry.ts";
import type { Scrubbed, Trace } from "./scrub.ts";

const START_OF_SCAN = 0xda;
const END = 0xd9;
const COMMENT = 0xfe;
const EXIF = utf8("Exif\0\0");
/** Application segments without which colours or density change. */
const NEEDED: readonly (readonly [number, Bytes])[] = [
  [0xe0, utf8("JFIF\0")],
  [0xe2, utf8("ICC_PROFILE\0")],
  [0xee, utf8("Adobe")],
];
const ORIENTATION = 0x0112;
const TELLING: readonly (readonly [readonly number[], Trace])[] = [
  [[0x8825], "place"],
  [[0x0131], "software"],
  [[0x0132], "dates"],
  [[0x013b, 0x8298], "author"],
];
const UPRIGHT = 1;

/** Markers without a length: TEM and restarts. */
const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
const startsWith = (data: Uint8Array, start: Uint8Array): boolean =>
  start.every((byte, at) => data[at] === byte);
const u16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);

interface Segment {
  readonly marker: number;
  readonly whole: Uint8Array;
  readonly at: number;
}

export function scrubJpeg(data: Bytes): Scrubbed {
  const kept: Uint8Array[] = [];
  const traces = new Set<Trace>();
  let orientation = UPRIGHT;
  for (const { marker, whole, at } of segments(data)) {
    if (marker === START_OF_SCAN) {
      const end = endOfPicture(data, at);
      kept.push(data.subarray(at, end));
      if (end !== data.length) traces.add("history"); // phones append thumbnails and whole films there
      break;
    }
    const body = whole.subarray(4);
    const found = tracesOf(marker, body);
    if (found === null) {
      kept.push(whole);
      continue;
    }
    for (const trace of found) traces.add(trace);
    if (startsWith(body, EXIF)) orientation = orientationOf(body);
  }
  if (traces.size === 0) return { data, traces: [], kept: null };
  const head = orientation === UPRIGHT ? new Uint8Array(0) : orientationSegment(orientation);
  const scrubbed = concat(data.subarray(0, 2), afterJfif(concat(...kept), head));
  // A photograph that was cleaned before holds its orientation and nothing else.
  if (sameBytes(scrubbed, data)) return { data, traces: [], kept: null };
  return { data: scrubbed, traces: [...traces], kept: null };
}

/** Where, in a picture that starts the octets given, lies what the picture does not need; and its traces. */
export function tellingBodies(data: Uint8Array): readonly TellingBody[] {
  const found: TellingBody[] = [];
  try {
    for (const { marker, whole, at } of segments(data)) {
      const traces = marker === START_OF_SCAN ? null : tracesOf(marker, whole.subarray(4));
      if (traces !== null) found.push({ start: at + 4, end: at + whole.length, traces });
    }
  } catch {
    // a damaged picture inside of a document: what was found before stands
  }
  return found;
}

export interface TellingBody {
  readonly start: number;
  readonly end: number;
  readonly traces: readonly Trace[];
}

/** Segments up to and with the start of the picture. */
function* segments(data: Uint8Array): Generator<Segment> {
  for (let at = 2; at + 4 <= data.length; ) {
    if (data[at] !== 0xff) throw broken();
    const marker = data[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // fill bytes may precede a marker
      continue;
    }
    const length = isAlone(marker) ? 0 : u16(data, at + 2);
    if (!isAlone(marker) && (marker === END || length < 2 || at + 2 + length > data.length)) {
      throw broken();
    }
    yield { marker, whole: data.subarray(at, at + 2 + length), at };
    if (marker === START_OF_SCAN) return;
    at += 2 + length;
  }
  throw broken();
}

/** The offset after the end marker; `from` is that of the first start of scan. */
function endOfPicture(data: Uint8Array, from: number): number {
  for (let at = from; at + 4 <= data.length; ) {
    at += 2 + u16(data, at + 2);
    for (;;) {
      // The coded picture: FF is followed by 00, or is a restart.
      at = data.indexOf(0xff, at);
      if (at < 0 || at + 1 >= data.length) throw broken();
      const marker = data[at + 1] ?? 0;
      if (marker === END) return at + 2;
      if (marker !== 0x00 && marker !== 0xff && !isAlone(marker)) break;
      at += marker === 0xff ? 1 : 2;
    }
  }
  throw broken();
}

/** What a segment gives away; null when the picture needs it. */
function tracesOf(marker: number, body: Uint8Array): readonly Trace[] | null {
  if (marker === COMMENT) return ["comments"];
  if (marker < 0xe0 || marker > 0xef) return null;
  if (NEEDED.some(([number, name]) => marker === number && startsWith(body, name))) return null;
  if (!startsWith(body, EXIF)) return ["history"];
  const tags = mainTags(body);
  const found = TELLING.filter(([numbers]) => numbers.some((tag) => tags.has(tag)));
  return ["camera", ...found.map(([, trace]) => trace)];
}

function orientationOf(body: Uint8Array): number {
  const value = mainTags(body).get(ORIENTATION) ?? UPRIGHT;
  return value >= 1 && value <= 8 ? value : UPRIGHT;
}

/** Tags of the first image directory, with the value of a short; none where it cannot be read. */
function mainTags(body: Uint8Array): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  const tiff = body.subarray(EXIF.length);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let left = view.getUint16(directory, little), at = directory + 2; left > 0; left -= 1, at += 12) {
      tags.set(view.getUint16(at, little), view.getUint16(at + 8, little));
    }
  } catch {
    // cut or damaged: the block is taken out all the same
  }
  return tags;
}

/** An Exif block whose one tag is the orientation, as Pillow writes it: big-endian. */
function orientationSegment(orientation: number): Bytes {
  const tiff = Uint8Array.of(
    0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
  ); // prettier-ignore
  const length = EXIF.length + tiff.length + 2;
  return concat(Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff), EXIF, tiff);
}

/** JFIF must be the first segment where it is present. */
function afterJfif(segmentsKept: Bytes, exif: Bytes): Bytes {
  if (exif.length === 0 || segmentsKept[0] !== 0xff || segmentsKept[1] !== 0xe0) {
    return concat(exif, segmentsKept);
  }
  const end = 2 + u16(segmentsKept, 2);
  return concat(segmentsKept.subarray(0, end), exif, segmentsKept.subarray(end));
}

const broken = () =>
  impossible(
    "Cette photographie JPEG est abîmée ou coupée : ouvrez-la et enregistrez-la de nouveau.",
  );
