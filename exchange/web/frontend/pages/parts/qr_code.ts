/** A text as a QR code to print: drawn as one path, dark on white in every theme. */
import qrcode from "qrcode-generator";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules of margin that readers ask for (ISO/IEC 18004)

/** `text` in capitals, digits and hyphens, which QR codes hold in their densest letters. */
export function qrCode(text: string, label: string): SVGSVGElement {
  const code = qrcode(0, "Q"); // the smallest that fits; a quarter of it may be stained
  code.addData(text, "Alphanumeric");
  code.make();
  const count = code.getModuleCount();
  const whole = count + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${whole} ${whole}`, role: "img", "aria-label": label, class: "qr" })) {
    svg.setAttribute(name, value);
  }
  const path = document.createElementNS(SVG, "path");
  const squares: string[] = [];
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (code.isDark(row, column)) squares.push(`M${column + QUIET} ${row + QUIET}h1v1h-1z`);
    }
  }
  path.setAttribute("d", squares.join(""));
  svg.append(path);
  return svg;
}
