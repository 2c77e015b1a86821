// usage: node tests/bundle.mjs NAME OUT.mjs   bundles tests/NAME.ts for node
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [name, outfile] = process.argv.slice(2);
await build({
  entryPoints: [join(dirname(fileURLToPath(import.meta.url)), `${name}.ts`)],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
