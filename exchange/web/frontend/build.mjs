// Builds the pages' scripts into ../static/dist, the same bytes on every machine.
//
// One self-contained module per page (pages/*.ts) and per worker (workers/*.ts): no shared chunks,
// because the integrity attribute of a script covers that script alone and not what it imports.
// manifest.json gives each file's integrity (SRI) and sizes; the templates read it.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "..", "static", "dist");
const MAX_GZIP_BYTES = 150 * 1024; // what a page may ask of a slow line, compressed
const PDF_READER = /^(reader|pdf)/; // shows PDFs: pdf.js alone is larger than that

const sources = (folder) =>
  readdirSync(join(HERE, folder))
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => join(HERE, folder, name));

// The hybrid KEMs of curves that nobody here uses are made when their module is read, so that a bundler
// has to keep them and their curves. Told that these calls only make values, it leaves them out; those
// that are used are called as before.
const unusedKems = {
  name: "unused-kems",
  setup({ onLoad }) {
    onLoad({ filter: /@noble[\\/]post-quantum[\\/]hybrid\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source
        .replace(/^((?:export )?const (?:QSF_|KitchenSink_|x25519kem)\w* = )(?=\w+\()/gm, "$1/* @__PURE__ */ ")
        .replace(/(?<=, )(?=ecdhKem\(p\d+, true\))/g, "/* @__PURE__ */ ");
      if ((contents.match(/@__PURE__/g) ?? []).length < (source.match(/@__PURE__/g) ?? []).length + 6) {
        throw new Error("@noble/post-quantum/hybrid.js is not as it was: look at this plug-in again");
      }
      return { contents, loader: "js" };
    });
  },
};

const { outputFiles } = await build({
  entryPoints: [...sources("pages"), ...sources("workers")],
  absWorkingDir: HERE,
  outdir: OUT,
  entryNames: "[name]",
  bundle: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  minify: true,
  charset: "utf8",
  legalComments: "linked", // X.js.LEGAL.txt beside X.js
  logLevel: "warning",
  plugins: [unusedKems],
  write: false, // what stands in dist goes only once all of it was built
});
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
for (const { path, contents } of outputFiles) writeFileSync(path, contents);

const manifest = {};
for (const name of readdirSync(OUT).sort()) {
  const content = readFileSync(join(OUT, name));
  const gzip = gzipSync(content, { level: 9 }).length;
  if (gzip > MAX_GZIP_BYTES && !PDF_READER.test(basename(name))) {
    throw new Error(`${name}: ${gzip} bytes compressed, at most ${MAX_GZIP_BYTES} are allowed`);
  }
  const integrity = `sha384-${createHash("sha384").update(content).digest("base64")}`;
  manifest[name] = { integrity, bytes: content.length };
  process.stdout.write(`${name}\t${content.length}\t${gzip} gzip\n`);
}
writeFileSync(join(OUT, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
