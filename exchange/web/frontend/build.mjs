// Builds the pages' scripts into ../static/dist, the same bytes on every machine.
//
// One self-contained module per page (pages/*.ts) and per worker (workers/*.ts), with one exception: the
// space is split by role (pages/roles/*.ts), so that nobody waits for what others use. The integrity
// attribute of a script covers that script alone and not what it imports: manifest.json therefore names,
// with each file's integrity (SRI) and size, what it imports, and the pages fetch these files as
// modulepreload links under their own integrity before anything imports them.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "..", "static", "dist");
const MAX_GZIP_BYTES = 150 * 1024; // what a person's page may ask of a slow line, compressed; the PDF reader is apart

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

// Recipients that live on P-256 (hardware keys, "age1tag…") are a third of the weight of age-encryption's
// curves, and this service issues none: without the curve, to encrypt to one fails.
const noTagRecipients = {
  name: "no-tag-recipients",
  setup({ onLoad }) {
    onLoad({ filter: /age-encryption[\\/]dist[\\/]recipients\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source
        .replace('import { MLKEM768P256, MLKEM768X25519 } from', 'import { MLKEM768X25519 } from')
        .replace('import { p256 } from "@noble/curves/nist.js";', 'const p256 = undefined, MLKEM768P256 = undefined;');
      if (contents.match(/\bp256 = undefined/g)?.length !== 1 || contents.includes("MLKEM768P256, MLKEM768X25519")) {
        throw new Error("age-encryption/dist/recipients.js is not as it was: look at this plug-in again");
      }
      return { contents, loader: "js" };
    });
  },
};

const SHARED = {
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
  plugins: [unusedKems, noTagRecipients],
  write: false, // what stands in dist goes only once all of it was built
};
const SPLIT = join(HERE, "pages", "space.ts");
const OFFLINE = join(HERE, "workers", "offline.ts");

const space = await build({
  ...SHARED,
  entryPoints: [SPLIT, ...sources("pages/roles")],
  splitting: true,
  chunkNames: "shared-[hash]",
  metafile: true,
});

/** What a file of the space imports without being asked, directly or not, by name. */
const importsOf = (name) => {
  const found = new Set();
  const walk = (path) => {
    for (const each of space.metafile.outputs[path].imports) {
      if (each.kind !== "import-statement" || found.has(basename(each.path))) continue;
      found.add(basename(each.path));
      walk(each.path);
    }
  };
  walk(relative(HERE, join(OUT, name)));
  return [...found].sort();
};

const ROLES = readdirSync(join(HERE, "pages", "roles")).map((name) => name.replace(/ts$/, "js")).sort();

// esbuild names a shared file by a hash of what is in it; here it is named by the scripts that import
// it, which no two share: the same name from one version to the next.
const importers = {};
for (const entry of ["space.js", ...ROLES]) {
  for (const each of importsOf(entry)) (importers[each] ??= []).push(entry.replace(".js", ""));
}
const renamed = (text) =>
  Object.entries(importers).reduce(
    (done, [hashed, by]) => done.replaceAll(hashed, by.length > ROLES.length ? "shared.js" : `shared-${by.join("-")}.js`),
    text,
  );
if (new Set(Object.keys(importers).map(renamed)).size < Object.keys(importers).length) {
  throw new Error("two shared files are imported by the same scripts: name them otherwise");
}
for (const each of space.outputFiles) {
  each.path = renamed(each.path);
  each.contents = Buffer.from(renamed(each.text));
}
const imported = (name) => importsOf(name).map(renamed).sort();

const base = ["space.js", ...imported("space.js")];
const imports = { "space.js": imported("space.js") };
for (const role of ROLES) imports[role] = imported(role).filter((each) => !base.includes(each));

// At the meeting there may be no network: what a member needs is kept by the service worker.
const kept = [...base, "member.js", ...imports["member.js"], "workshop.js", "reader.js", "pdf.js"];
const define = { SCRIPTS: JSON.stringify(kept.map((name) => `/static/dist/${name}`)) };
const whole = [...sources("pages"), ...sources("workers")].filter((path) => path !== SPLIT && path !== OFFLINE);
const others = await build({ ...SHARED, entryPoints: whole });
const offline = await build({ ...SHARED, entryPoints: [OFFLINE], define });
const outputFiles = [space, others, offline].flatMap((each) => each.outputFiles);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
for (const { path, contents } of outputFiles) writeFileSync(path, contents);

const manifest = {};
const weight = {};
for (const name of readdirSync(OUT).sort()) {
  const content = readFileSync(join(OUT, name));
  weight[name] = gzipSync(content, { level: 9 }).length;
  const integrity = `sha384-${createHash("sha384").update(content).digest("base64")}`;
  manifest[name] = { integrity, bytes: content.length, ...(name in imports ? { imports: imports[name] } : {}) };
  process.stdout.write(`${name}\t${content.length}\t${weight[name]} gzip\n`);
}
const sum = (names) => names.reduce((total, name) => total + weight[name], 0);
const pages = [["front.js"], ["join.js", "workshop.js"], ...ROLES.map((role) => [...base, "workshop.js", role, ...imports[role]])];
for (const names of pages) {
  process.stdout.write(`${names.at(0)} … ${names.at(-1)}\t${sum(names)} gzip together\n`);
  if (sum(names) > MAX_GZIP_BYTES) {
    throw new Error(`${names.join(" + ")}: ${sum(names)} bytes compressed, at most ${MAX_GZIP_BYTES} are allowed`);
  }
}
writeFileSync(join(OUT, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
