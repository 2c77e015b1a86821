/**
 * Shows PDFs and images from memory: drawn on canvases with the watermark in the same pixels, and the
 * text of a page beside it for those who do not see it. Nothing is fetched and nothing is written.
 */
import { GlobalWorkerOptions, type PDFPageProxy, getDocument } from "pdfjs-dist";
import { h } from "./parts/dom.ts";
import { READER_READY, type Reader, type ReaderWords } from "./parts/reader_port.ts";

const MAX_PIXELS = 16_000_000; // one page; browsers refuse much larger canvases
const SCALE = 1.75; // sharp at 200 % zoom of an ordinary screen
const IMAGE = /\.(png|jpe?g|gif|webp|bmp)$/i;

const reader: Reader = {
  async show(content, name, sheet, words) {
    if (content.type === "application/pdf" || /\.pdf$/i.test(name)) {
      await showPdf(content, sheet, words);
      return true;
    }
    if (content.type.startsWith("image/") || IMAGE.test(name)) return showImage(content, name, sheet, words);
    if (content.type === "text/plain" || /\.txt$/i.test(name)) {
      sheet.append(h("pre", {}, await content.text()));
      return true;
    }
    return false;
  },
};

async function showPdf(content: Blob, sheet: HTMLElement, words: ReaderWords): Promise<void> {
  GlobalWorkerOptions.workerPort ??= new Worker(words.pdfWorker as unknown as URL, { type: "module" });
  const data = new Uint8Array(await content.arrayBuffer());
  // No script of the document runs, no font or table is fetched, no WebAssembly is needed.
  const document = await getDocument({
    data,
    enableXfa: false,
    useWasm: false,
    useWorkerFetch: false,
    useSystemFonts: true,
    stopAtErrors: false,
  }).promise;
  for (let number = 1; number <= document.numPages; number += 1) {
    const page = await document.getPage(number);
    const label = words.pageName(number, document.numPages);
    sheet.append(await drawn(page, label, words.watermark));
    const text = await textOf(page);
    if (text !== "") sheet.append(h("details", {}, h("summary", {}, `${words.textTitle} (${label})`), h("p", {}, text)));
  }
}

async function drawn(page: PDFPageProxy, label: string, watermark: string): Promise<HTMLCanvasElement> {
  const natural = page.getViewport({ scale: 1 });
  const scale = Math.min(SCALE, Math.sqrt(MAX_PIXELS / (natural.width * natural.height)));
  const viewport = page.getViewport({ scale });
  const canvas = sheetOf(Math.ceil(viewport.width), Math.ceil(viewport.height), label);
  await page.render({ canvas, viewport }).promise;
  mark(canvas, watermark);
  return canvas;
}

async function textOf(page: PDFPageProxy): Promise<string> {
  const { items } = await page.getTextContent();
  return items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")).join("").trim();
}

async function showImage(content: Blob, name: string, sheet: HTMLElement, words: ReaderWords): Promise<boolean> {
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(content);
  } catch {
    return false;
  }
  const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (image.width * image.height)));
  const canvas = sheetOf(Math.round(image.width * scale), Math.round(image.height * scale), name);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  mark(canvas, words.watermark);
  sheet.append(canvas);
  return true;
}

function sheetOf(width: number, height: number, label: string): HTMLCanvasElement {
  const canvas = h("canvas", { role: "img", "aria-label": label });
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** The reader's name across the page, faint enough to read through, in the same pixels. */
function mark(canvas: HTMLCanvasElement, text: string): void {
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  const size = Math.max(14, Math.round(canvas.width / 42));
  pen.save();
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.fillStyle = "rgb(60 60 60 / 0.16)";
  pen.rotate(-Math.PI / 7);
  const wide = pen.measureText(text).width + size * 4;
  const reach = canvas.width + canvas.height;
  for (let y = 0, row = 0; y < reach * 1.5; y += size * 7, row += 1) {
    for (let x = -reach + (row % 2) * (wide / 2); x < reach; x += wide) pen.fillText(text, x, y);
  }
  pen.restore();
}

dispatchEvent(new CustomEvent(READER_READY, { detail: reader }));
