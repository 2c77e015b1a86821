/**
 * PDF (ISO 32000): document information and XMP packets are blanked in place.
 *
 * Each octet keeps its place, so the tables of offsets stay right and nothing is written anew: no library
 * of half a megabyte, and no page changes. What lies in compressed objects is out of reach here, and said.
 */
import type { Bytes } from "./bytes.ts";
import type { Scrubbed, Trace } from "./scrub.ts";
import { type TellingBody, tellingBodies } from "./scrub_jpeg.ts";

const SPACE = 0x20;
const INFORMATION = /\/Info\s+(\d+)\s+(\d+)\s+R/g;
const XMP = /<\?xpacket begin=[\s\S]*?<\?xpacket end=[\s\S]*?\?>|<x:xmpmeta[\s\S]*?<\/x:xmpmeta>/g;
/** A photograph that stands in the document as it came from the camera. */
const PHOTOGRAPH = /stream\r?\n(?=\xff\xd8\xff)/g;
const PIECE_INFO = /\/PieceInfo\s*(?:<<|(\d+)\s+(\d+)\s+R)/g;
/** Objects packed together and compressed: what they hold is not seen here. */
const OBJECT_STREAM = /\/Type\s*\/ObjStm\b/;
const METADATA = /\/Type\s*\/Metadata\b/g;
/** A literal or hexadecimal string that holds more than white space. */
const TELLING_STRING = /\(\s*[^\s)]|(?<!<)<\s*[0-9A-Fa-f]/;
const KEYS: readonly (readonly [RegExp, Trace])[] = [
  [/\/(?:Author|Title|Subject|Keywords)\b/, "author"],
  [/\/(?:CreationDate|ModDate)\b/, "dates"],
  [/\/(?:Creator|Producer)\b/, "software"],
];

export function scrubPdf(data: Bytes): Scrubbed {
  const text = new TextDecoder("latin1").decode(data);
  if (/\/Encrypt\s+\d+\s+\d+\s+R/.test(text)) return { data, traces: [], kept: "locked" };
  const information = informationObjects(text);
  const private_ = pieceInfo(text);
  const packets = [...text.matchAll(XMP)];
  const pictures = photographs(text, data);
  const traces = new Set<Trace>(pictures.flatMap((each) => each.traces));
  for (const { start, end } of information.found) {
    for (const trace of tracesIn(text.slice(start, end))) traces.add(trace);
  }
  const telling = private_.some(({ start, end }) => TELLING_STRING.test(text.slice(start, end)));
  if (telling || packets.some(([packet]) => packet.trim() !== "")) traces.add("history");
  if (/\/ByteRange\s*\[/.test(text)) return { data, traces: [...traces], kept: "signed" };
  const unread = [...text.matchAll(METADATA)].length > packets.length && !isBlanked(text);
  const kept = information.hidden || unread || OBJECT_STREAM.test(text) ? "packed" : null;
  if (traces.size === 0) return { data, traces: [], kept };
  const blanked = data.slice();
  for (const { start, end } of [...information.found, ...private_]) blankStrings(text, blanked, start, end);
  for (const { 0: packet, index } of packets) blanked.fill(SPACE, index, index + packet.length);
  for (const { start, end } of pictures) blanked.fill(0, start, end);
  return { data: blanked, traces: [...traces], kept };
}

/** Whether each metadata stream of the document holds white space alone, as `scrubPdf` leaves it. */
const isBlanked = (text: string): boolean =>
  !/\/Type\s*\/Metadata\b(?:(?!endobj)[\s\S])*?stream\r?\n\s*(?!\s*endstream)/.test(text);

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every version of every information dictionary; `hidden` when one lies in a compressed object. */
function informationObjects(text: string): { found: readonly Span[]; hidden: boolean } {
  const found: Span[] = [];
  let hidden = false;
  const named = new Set([...text.matchAll(INFORMATION)].map(([, number, generation]) => `${number} ${generation}`));
  for (const name of named) {
    const [number = "", generation = ""] = name.split(" ");
    const spans = objectSpans(text, number, generation);
    found.push(...spans);
    hidden ||= spans.length === 0;
  }
  return { found, hidden };
}

/** What photographs inside the document give away; segments blanked before are left out. */
const photographs = (text: string, data: Bytes): readonly TellingBody[] =>
  [...text.matchAll(PHOTOGRAPH)].flatMap(({ 0: head, index }) => {
    const from = index + head.length;
    return tellingBodies(data.subarray(from))
      .map(({ start, end, traces }) => ({ start: from + start, end: from + end, traces }))
      .filter(({ start, end }) => data.subarray(start, end).some((byte) => byte !== 0));
  });

/** Private data of the programs that made the document: direct dictionaries, or objects of their own. */
function pieceInfo(text: string): readonly Span[] {
  return [...text.matchAll(PIECE_INFO)].flatMap(({ 0: head, 1: number, 2: generation, index }) => {
    if (number !== undefined) return objectSpans(text, number, generation ?? "0");
    const start = index + head.length;
    return [{ start, end: endOfDictionary(text, start) }];
  });
}

/** The place after the brackets that close a dictionary whose content starts at `start`. */
function endOfDictionary(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length - 1; at += 1) {
    if (text[at] === "(") at = endOfLiteral(text, at, text.length);
    else if (text.startsWith("<<", at)) [depth, at] = [depth + 1, at + 1];
    else if (text.startsWith(">>", at)) {
      [depth, at] = [depth - 1, at + 1];
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function objectSpans(text: string, number: string, generation: string): readonly Span[] {
  const heads = text.matchAll(new RegExp(`(?<![0-9])${number}\\s+${generation}\\s+obj\\b`, "g"));
  return [...heads]
    .map(({ 0: head, index }) => ({ start: index + head.length, end: text.indexOf("endobj", index) }))
    .filter(({ end }) => end > 0);
}

/** What an information dictionary gives away; a blanked one gives nothing. */
function tracesIn(dictionary: string): readonly Trace[] {
  if (!TELLING_STRING.test(dictionary)) return [];
  return KEYS.filter(([pattern]) => pattern.test(dictionary)).map(([, trace]) => trace);
}

/** Blanks literal and hexadecimal strings; names, numbers and brackets stay. */
function blankStrings(text: string, data: Bytes, start: number, end: number): void {
  for (let at = start; at < end; at += 1) {
    if (text[at] === "(") {
      const close = endOfLiteral(text, at, end);
      data.fill(SPACE, at + 1, close);
      at = close;
    } else if (text[at] === "<" && text[at + 1] === "<") {
      at += 1;
    } else if (text[at] === "<") {
      const close = text.indexOf(">", at);
      if (close < 0 || close >= end) return;
      data.fill(SPACE, at + 1, close); // an empty hexadecimal string: white space in it counts for nothing
      at = close;
    }
  }
}

/** The place of the parenthesis that closes a literal string: they nest, and a backslash hides one. */
function endOfLiteral(text: string, open: number, end: number): number {
  let depth = 0;
  for (let at = open; at < end; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "(") depth += 1;
    else if (text[at] === ")") {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return end;
}
