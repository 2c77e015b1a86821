/** The worker of the PDF reader: Mozilla's pdf.js, unchanged. */
import "pdfjs-dist/build/pdf.worker.mjs";
