/** What the space asks of the document reader, which is a script of its own because it is large. */
export const READER_READY = "dossier:reader";

export interface ReaderWords {
  readonly watermark: string;
  readonly pageName: (page: number, pages: number) => string;
  readonly textTitle: string;
  /** Where pdf.js runs: the page's one Trusted Types policy made it, and allows no second policy. */
  readonly pdfWorker: { toString(): string };
}

export interface Reader {
  /** Draws the document below `sheet`'s heading; false when it cannot show that kind. */
  show(content: Blob, name: string, sheet: HTMLElement, words: ReaderWords): Promise<boolean>;
}
