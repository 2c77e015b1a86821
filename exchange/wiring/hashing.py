"""Processes that hash a large log's bundles, so that verifying it uses the machine's cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final

MOST_WORKERS: Final = 4
"""More cores than this are not kept busy by one process that reads."""


@contextmanager
def hashing_workers() -> Iterator[Executor | None]:
    """Workers that start when the first work comes; None on a machine with one core, or where there
    are no semaphores (no /dev/shm).
    """
    cores = min(os.cpu_count() or 1, MOST_WORKERS)
    if cores == 1:
        yield None
        return
    # Forked: a worker needs nothing but what this process has loaded, and starts at once.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)
    try:
        pool = ProcessPoolExecutor(cores, mp_context=context)
    except (OSError, ImportError, NotImplementedError):
        yield None
        return
    with pool as workers:
        yield workers
