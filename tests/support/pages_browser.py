"""A real Chromium at the pages: people in it, every page looked at, nothing foreign and no CSP report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from exchange.demo.world import PASSPHRASE
from tests.support.small_commission import SmallCommission

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "tests" / "e2e" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
NEEDS_CHROMIUM: Final = "the pages need Chromium, and « npm ci » in tests/e2e/axe for axe-core"
PICTURES: Final = ROOT / ".run" / "pages"
"""Where the run leaves a picture of every page and state, to be looked at."""

PATIENCE_MS: Final = 60_000
"""scrypt 2^18 in the browser takes seconds, and on a machine that does other things many more."""

WATCH: Final = """
window.reports = [];
addEventListener('securitypolicyviolation', (event) =>
  window.reports.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
"""


def chromium() -> str | None:
    """The browser of the system."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


def can_run() -> bool:
    """Whether a browser and axe-core are there."""
    return chromium() is not None and AXE.exists()


@dataclass
class Tab:
    """One person's browser: its own profile, its own key."""

    page: Any
    context: Any
    url: str
    faults: list[str] = field(default_factory=list)
    """CSP reports, script errors, requests to anybody else: none may remain."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "TrustedScript" in message.text:
            self.faults.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.url, "blob:")):
            self.faults.append(f"foreign: {request.url}")

    def visit(self, path: str) -> None:
        """Open a page and wait for its script."""
        self.page.goto(self.url + path)
        if path.split("#", maxsplit=1)[0] in {"/rejoindre", "/espace"}:
            self.page.wait_for_selector("html[data-ready]", state="attached")

    def prints(self, name: str, *, hidden: str) -> None:
        """Take a picture of the page as it is printed: without the buttons, of which ``hidden`` is one."""
        self.page.emulate_media(media="print", color_scheme="light")
        assert self.page.get_by_text(hidden).count() == 1
        assert not self.page.get_by_text(hidden).is_visible()
        self.page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)
        self.page.emulate_media(media="screen")

    def look(self, name: str) -> None:
        """Take a picture of the whole page, and let axe-core judge it."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [
            f"{each['id']}: {node['html'][:160]} ({node['failureSummary']})"
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert told == [], name
        self.check()

    def check(self) -> None:
        """Nothing was reported and nobody else was asked."""
        assert self.page.evaluate("window.reports") == []
        assert self.faults == []

    def settled(self) -> None:
        """Wait until no act is under way."""
        self.page.wait_for_selector("body:not([aria-busy])", state="attached")
        if self.page.locator("#work:visible").count():
            self.page.wait_for_selector("#view[data-drawn]", state="attached")

    def press(self, name: str) -> None:
        """Press the visible button of this name and wait until its act ended."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.settled()

    def says(self, text: str) -> None:
        """Wait until the page shows this text."""
        self.page.get_by_text(text).first.wait_for()

    def brings_key(self, world: SmallCommission, who: str, *, kind: str = "device") -> None:
        """Import the key that the command line made, as the guide says, and unlock it."""
        file = world.people[who].directory / "identity.age"
        self.imports_key(world.directory / "trust.json", file, kind=kind)

    def imports_key(self, trust: Path, file: Path, *, kind: str = "device") -> None:
        """Place a key file of the command line in this browser, and unlock it."""
        self.visit("/espace")
        self.page.get_by_text("J'ai déjà un fichier de clé").click()
        self.page.set_input_files("#import-trust", str(trust))
        self.page.set_input_files("#import-key", str(file))
        self.page.fill("#import-passphrase", PASSPHRASE)
        self.page.check(f"[name=import-kind][value={kind}]")
        self.press("Placer cette clé dans ce navigateur")
        self.unlock(PASSPHRASE)

    def unlock(self, passphrase: str) -> None:
        """Type the passphrase and wait for the first view."""
        self.page.fill("#unlock-passphrase", passphrase)
        self.press("Ouvrir")
        self.page.wait_for_selector("html[data-open]", state="attached")
        self.page.wait_for_selector("#view h1")

    def goes(self, fragment: str) -> None:
        """Go to another view of the space."""
        self.page.evaluate("(hash) => { location.hash = hash; }", fragment)
        self.page.wait_for_selector(f"#view[data-drawn='{fragment}']", state="attached")
        self.settled()


@dataclass
class Chromium:
    """The browser, in which each person has a profile of their own."""

    browser: Any
    url: str
    tabs: list[Tab] = field(default_factory=list)

    def tab(self, **options: Any) -> Tab:
        """A fresh profile; French, 1100 pixels wide unless said otherwise."""
        given = {"locale": "fr-FR", "viewport": {"width": 1100, "height": 800}, **options}
        context = self.browser.new_context(timezone_id="Europe/Paris", **given)
        context.add_init_script(WATCH)
        tab = Tab(context.new_page(), context, self.url)
        self.tabs.append(tab)
        return tab


@contextmanager
def running_chromium(url: str) -> Iterator[Chromium]:
    """The system's Chromium under Playwright, until the block ends."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield Chromium(browser, url)
        finally:
            browser.close()
