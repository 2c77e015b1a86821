// Bundles each tests/*.test.ts (or those named as arguments) and runs them with node's own test runner.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(HERE)
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)));
if (names.length === 0) throw new Error("no test of that name");
const out = mkdtempSync(join(tmpdir(), "frontend-tests-"));
mkdirSync(out, { recursive: true });
try {
  await build({
    entryPoints: names.map((name) => join(HERE, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = readdirSync(out).map((name) => join(out, name));
  const run = spawnSync(process.execPath, ["--test", "--enable-source-maps", ...files], {
    stdio: "inherit",
    env: { ...process.env, VECTORS: join(HERE, "../../../../tests/vectors") },
  });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
