// Writes cctv.json (vector name -> base64 of the vector file) from an unpacked cctv-age package.
// See README.md for the two commands.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packageDirectory, output] = process.argv.slice(2);
const vectors = await import(pathToFileURL(`${packageDirectory}/index.js`).href);
const lines = Object.keys(vectors)
  .sort()
  .map((name) => `${JSON.stringify(name)}: "${Buffer.from(vectors[name]).toString("base64")}"`);
writeFileSync(output, `{\n${lines.join(",\n")}\n}\n`);
console.log(`${lines.length} vectors`);
