"""Somebody who has no mouse: Tab until it is there, then a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.pages_browser import Tab

MOST_TABS = 120
"""More stops than any page has: what is not reached by then cannot be."""

IS_THERE = "(each) => each === document.activeElement"
OUTLINE = "(each) => getComputedStyle(each).outlineStyle"


@dataclass(frozen=True)
class Keyboard:
    """Works in one tab by keyboard alone; where the focus is must be seen."""

    tab: Tab

    def __post_init__(self) -> None:
        # Somebody must be listening before the first dialogue: Playwright catches none that opens while
        # it begins to.
        self.tab.page.on("filechooser", lambda _dialogue: None)

    def reaches(self, selector: str) -> None:
        """Tab until the element has the focus."""
        self.tab.settled()
        target = self.tab.page.locator(selector).first
        target.wait_for()
        for _ in range(MOST_TABS):
            if target.evaluate(IS_THERE):
                assert target.evaluate(OUTLINE) != "none", selector
                return
            self.tab.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached by keyboard")

    def presses(self, selector: str, key: str = "Enter") -> None:
        self.reaches(selector)
        self.tab.page.keyboard.press(key)

    def button(self, name: str) -> None:
        """A button, and then until its act has ended."""
        self.presses(f'button:visible:text-is("{name}")')
        self.tab.settled()

    def types(self, selector: str, text: str) -> None:
        self.reaches(selector)
        self.tab.page.keyboard.press("Control+A")
        self.tab.page.keyboard.insert_text(text)

    def chooses(self, selector: str, files: Sequence[Path]) -> None:
        """Files, in the system's own dialogue that the space bar opens."""
        self.reaches(selector)
        with self.tab.page.expect_file_chooser() as dialogue:
            self.tab.page.keyboard.press("Space")
        dialogue.value.set_files([str(each) for each in files])
