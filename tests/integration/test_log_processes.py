"""Several processes on one log, threads in each: at work together, and killed at any moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.errors import ExplainedError
from tests.support.durable_log import KEPT, PUBLIC, DurableLog, Memory, OpenLog
from tests.support.log_world import CountedEntropy
from tests.support.stores import empty_url, postgres

__all__ = ["empty_url", "postgres"]

pytestmark = pytest.mark.own_process

PROCESSES = 3
THREADS = 2
EVENTS = 8
"""By each thread."""

KILLS = 200
LONGEST_LIFE_MS = 120
"""Processes are killed after 0 to this many milliseconds of work."""

STUCK_S = 120
"""A run that takes longer found a deadlock."""


def forked(body: Callable[[], None]) -> int:
    """A child that runs ``body``; its process id."""
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def writing(log: DurableLog, memory: Memory, thread: Callable[[OpenLog], None]) -> None:
    """``THREADS`` threads over one open log, as in a worker of the service."""
    failures: list[BaseException] = []

    def run(opened: OpenLog) -> None:
        try:
            thread(opened)
        except BaseException as error:
            failures.append(error)

    with log.opened(memory) as opened:
        threads = [threading.Thread(target=run, args=(opened,)) for _ in range(THREADS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    if failures:
        raise failures[0]


def test_processes_share_one_log(empty_url: str, tmp_path: Path) -> None:
    """Three processes of two threads append at once: every event has one index, without a gap, and
    each writer's receipt holds under the log that all of them made."""
    log = DurableLog(tmp_path, empty_url)
    log.create()
    memories = [Memory(tmp_path / f"memory-{number}") for number in range(PROCESSES)]

    def some(opened: OpenLog) -> None:
        for _ in range(EVENTS):
            opened.append("shared")

    children = [forked(lambda memory=each: writing(log, memory, some)) for each in memories]
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert statuses == [0] * PROCESSES
    public = [len(list(memory.records(PUBLIC))) for memory in memories]
    assert public == [THREADS * EVENTS] * PROCESSES
    size = log.check(memories, Memory(tmp_path / "afterwards"))
    assert size == PROCESSES * THREADS * EVENTS + 1


def test_two_hundred_kills_under_load(tmp_path: Path) -> None:
    """Whenever a worker is killed, what any worker was told is kept and provable, nothing stands
    twice, and nothing contradictory was ever signed or cosigned."""
    log = DurableLog(tmp_path)
    log.create()
    chance, started = CountedEntropy(), time.monotonic()
    memories: list[Memory] = []

    def endless(opened: OpenLog) -> None:
        while True:
            try:
                opened.append("under load")
            except ExplainedError:
                time.sleep(0.001)  # a killed process's locks are released in a moment

    def begin() -> int:
        memories.append(Memory(tmp_path / f"memory-{len(memories)}"))
        return forked(lambda: writing(log, memories[-1], endless))

    alive = [begin() for _ in range(PROCESSES)]
    try:
        for _ in range(KILLS):
            time.sleep(int.from_bytes(chance(2), "big") % LONGEST_LIFE_MS / 1_000)
            victim = alive.pop(chance(1)[0] % len(alive))
            os.kill(victim, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]) == -signal.SIGKILL
            alive.append(begin())
            assert time.monotonic() - started < STUCK_S
    finally:
        for child in alive:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    told = sum(len(list(memory.records(KEPT))) for memory in memories)
    assert told > KILLS // 4, "the processes hardly wrote: this was no load"
    assert log.check(memories, Memory(tmp_path / "afterwards")) > told
