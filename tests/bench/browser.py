"""A dossier of 494 MiB sealed and opened in Chromium's worker: time, and the worker's memory.

The renderer's peak is the page's own memory; Blobs lie with the browser, which may put them on disk.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DIST = Path(__file__).parents[2] / "exchange" / "web" / "static" / "dist"
MIB = 1_048_576
FILES, FILE_MIB = 13, 38

SCRIPT = """async ([files, mib]) => {
  const worker = new Worker("/workshop.js", { type: "module" });
  let next = 0;
  const ask = (task, ...values) => new Promise((resolve, reject) => {
    const id = next++;
    worker.addEventListener("message", ({ data }) => {
      if (data.id !== id || "done" in data) return;
      "result" in data ? resolve(data.result) : reject(new Error(JSON.stringify(data.failure)));
    });
    worker.postMessage({ id, task, values });
  });
  const chunk = crypto.getRandomValues(new Uint8Array(65536));
  const content = new Blob(Array(mib * 16).fill(chunk));
  const piece = (n) => ({ path: `piece-${n}.pdf`, type: "application/pdf", size: content.size });
  const card = { version: 1, sitting: "a".repeat(26), dossier: "aaaaa-aaaaa", association: "altair",
    depositor: "0".repeat(64), kind: "engagement", complement_of: null,
    pieces: Array.from({ length: files }, (_, n) => piece(n)), checklist: [], note: "" };
  const [key, nonce] = [16, 16].map((n) => crypto.getRandomValues(new Uint8Array(n)));
  const began = performance.now();
  const sealed = await ask("sealContainer", card, Array(files).fill(content), key, nonce);
  const between = performance.now();
  const opened = await ask("openContainer", sealed.payload, key, false);
  return [between - began, performance.now() - between, sealed.length, opened.card.pieces.length];
}"""


@dataclass(frozen=True)
class Figure:
    """One line of the table; there is nothing to compare with."""

    what: str
    value: str

    def row(self) -> str:
        return f"| {self.what} | – | {self.value} | – | – | 1 |"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args

    def do_GET(self) -> None:
        if self.path != "/":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>bench</title>")
        return None


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DIST)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def _page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        try:
            yield browser.new_page()
        finally:
            browser.close()


def _renderers_peak() -> int:
    """The largest peak of resident memory (KiB) among Chromium's renderers now."""
    peak = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" not in (process / "cmdline").read_bytes():
                continue
            found = re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text())
        except OSError:
            continue
        peak = max(peak, int(found[1]) if found else 0)
    return peak


def measure() -> Iterator[Figure]:
    """Seal and open once; 15 to 40 s."""
    with _served() as url, _page() as page:
        page.goto(url)
        before = _renderers_peak()
        sealing, opening, length, pieces = page.evaluate(SCRIPT, [FILES, FILE_MIB])
        after = _renderers_peak()
    assert pieces == FILES
    size = FILES * FILE_MIB
    yield Figure(f"browser: seal {size} MiB", f"{size / sealing * 1000:.0f} MiB/s")
    yield Figure(f"browser: open {size} MiB", f"{size / opening * 1000:.0f} MiB/s")
    yield Figure("browser: renderer's peak", f"{after / 1024:.0f} MiB ({before / 1024:.0f} before)")
    yield Figure("browser: sealed", f"{length} octets")
