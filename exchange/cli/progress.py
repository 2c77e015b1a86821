"""Progress bars on a terminal, nothing on a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.client.progress import Progress


class Silent:
    """No progress is shown."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:  # noqa: ARG002
        """A step that shows nothing."""
        return lambda _done: None


class Bars:
    """One rich progress bar after the other, on standard error."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """A bar of ``total`` bytes; it leaves when it is full."""
        import atexit

        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        from exchange.locale import translate

        bar = Progress(
            "{task.description}",
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task(translate(what), total=max(total, 1))
        bar.start()
        atexit.register(bar.stop)  # an error on the way must give the cursor back
        left = total

        def advance(count: int) -> None:
            nonlocal left
            left -= count
            bar.advance(task, count)
            if left <= 0:
                bar.stop()

        return advance


def progress_on_terminal() -> Progress:
    """Bars when standard error is a terminal."""
    return Bars() if sys.stderr.isatty() else Silent()
