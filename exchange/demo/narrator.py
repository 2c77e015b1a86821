"""Tells the story: a title for each chapter, a line or two for each step, a table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from exchange.locale import translate as _

MEBI: Final = 1024 * 1024


class StepFailedError(Exception):
    """A step of the demonstration did not hold; the message says which promise broke."""


@dataclass
class Chapter:
    """What one chapter took and carried."""

    title: str
    seconds: float = 0.0
    bytes_carried: int = 0
    steps: int = 0


@dataclass
class Narrator:
    """Prints the story and keeps its figures."""

    console: Console
    chapters: list[Chapter] = field(default_factory=list)

    @contextmanager
    def chapter(self, title: str) -> Iterator[Chapter]:
        """A part of the story, timed."""
        chapter = Chapter(_(title))
        self.chapters.append(chapter)
        self.console.print(f"\n[bold]{len(self.chapters)}. {chapter.title}[/bold]")
        started = time.monotonic()
        try:
            yield chapter
        finally:
            chapter.seconds = time.monotonic() - started

    def says(self, message: str, /, **params: object) -> None:
        """One line of the story, in the reader's language."""
        text = _(message).format(**params)
        self.console.print(f"   {text}", highlight=False, markup=False)

    def quotes(self, text: str) -> None:
        """A line that a command printed, as it is."""
        self.console.print(f"   {text}", highlight=False, markup=False)

    def holds(self, promise: str, /, *, true: bool, **params: object) -> None:
        """Check one promise aloud; raises StepFailedError when it does not hold."""
        if self.chapters:
            self.chapters[-1].steps += 1
        said = _(promise).format(**params)
        if not true:
            raise StepFailedError(said)
        self.console.print(f"   [green]✓[/green] {said}", highlight=False)

    def table(self) -> Table:
        """What happened, how long it took, how many bytes it carried."""
        table = Table(title=_("Ce qui s'est passé"))
        table.add_column(_("Étape"))
        table.add_column(_("Vérifications"), justify="right")
        table.add_column(_("Durée"), justify="right")
        table.add_column(_("Octets"), justify="right")
        for chapter in self.chapters:
            table.add_row(
                chapter.title,
                str(chapter.steps),
                f"{chapter.seconds:.1f} s",
                _size(chapter.bytes_carried),
            )
        seconds = sum(chapter.seconds for chapter in self.chapters)
        steps = sum(chapter.steps for chapter in self.chapters)
        carried = sum(chapter.bytes_carried for chapter in self.chapters)
        table.add_section()
        table.add_row(_("Total"), str(steps), f"{seconds:.1f} s", _size(carried))
        return table


def _size(count: int) -> str:
    if count == 0:
        return "–"
    if count >= MEBI:
        return _("{count} Mio").format(count=f"{count / MEBI:.1f}")
    return _("{count} octets").format(count=count)
