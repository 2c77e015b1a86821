"""Joining two streaming steps without a file between them: no plaintext ever rests on the disk."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

PIPE_BUFFER_BYTES: Final = 1_048_576
"""Handed over at a time: the size of the batches that the cipher takes."""


@contextlib.contextmanager
def written_by(produce: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """What ``produce`` writes, as a stream to read; its error is raised when the block ends.

    An error of the producer wins over the reader's: that a stream is cut is only its consequence.
    """
    failures: list[BaseException] = []
    read_end, write_end = os.pipe()

    def run() -> None:
        try:
            with os.fdopen(write_end, "wb", buffering=PIPE_BUFFER_BYTES) as sink:
                produce(sink)
        except BrokenPipeError:
            pass  # the reader left early; it says why
        except BaseException as error:  # noqa: BLE001  # handed to the reader's thread below
            failures.append(error)

    thread = threading.Thread(target=run, name="dossier-pipe")
    thread.start()
    try:
        with os.fdopen(read_end, "rb", buffering=PIPE_BUFFER_BYTES) as source:
            yield source
    except BaseException:
        thread.join()
        if failures:
            raise failures[0] from None
        raise
    thread.join()
    if failures:
        raise failures[0]
