"""An append whose process is killed, or whose disk fails, at each of its system calls in turn.

The kernel itself does it: ``strace`` attaches to the appending process and injects the fault. What
was signed and what was acknowledged lies in memory shared with this test (``support.durable_log``).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from crypto.errors import ExplainedError
from tests.support.durable_log import KEPT, DurableLog, Memory, OpenLog

STRACE = shutil.which("strace")
pytestmark = [
    pytest.mark.own_process,
    pytest.mark.skipif(STRACE is None, reason="strace is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="strace is for Linux"),
]

BEFORE = 255
"""Events before the append: with it the first tile is full, and the second level begins."""

ACKNOWLEDGED = 3
"""Of these, how many the adversary knows of."""

ATTEMPTS = 3
"""A process whose disk failed once tries again, as the next request would."""

EXPLAINED = 4
"""The exit status of a process that could not append and said why."""

NOT_IO = {"mmap", "munmap", "mremap", "brk", "madvise", "getpid", "geteuid", "getuid", "gettid"}
NOT_IO |= {"exit_group", "futex", "rt_sigaction", "rt_sigprocmask", "sched_yield", "getrandom"}
"""Calls that no disk can fail. Killing happens at them too."""

RELEASING = "close"
"""What strace makes fail is not executed, where a real close always lets go (of a lock, too): the
same process would wait for it. Such a process ends instead, having said why; the next one goes on.
Giving back a lock (F_UNLCK) cannot fail at all."""

AT_LEAST = {
    "openat",
    "pwrite64",
    "pread64",
    "write",
    "read",
    "fsync",
    "fdatasync",
    "rename",
    "close",
}
"""Without these among the calls, it was no append that was watched."""


@dataclass(frozen=True)
class Case:
    """The ``nth`` call of that name, and what happens at it."""

    call: str
    nth: int
    fault: str

    def __str__(self) -> str:
        return f"{self.call} {self.nth} {self.fault}"


def forked(log: DurableLog, memory: Memory, attempts: int = ATTEMPTS) -> int:
    """A child that is stopped just before it appends; its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with log.opened(memory) as opened:
                os.kill(os.getpid(), signal.SIGSTOP)
                append(opened, attempts)
            status = 0
        except ExplainedError:
            traceback.print_exc()
            status = EXPLAINED
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.waitpid(child, os.WUNTRACED)
    return child


def append(opened: OpenLog, attempts: int) -> None:
    """One acknowledged append; after a failure that the product explains, another try."""
    for _ in range(attempts - 1):
        try:
            opened.append("watched")
            return
        except ExplainedError:
            continue
    opened.append("watched")


def watched(child: int, *options: str) -> int:
    """Let a stopped child go on under strace; its exit status, negative for a signal."""
    command = [STRACE or "strace", "-p", str(child), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.kill(child, signal.SIGCONT)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        tracer.stderr.read()
    return status


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> DurableLog:
    """A log that is one event short of a full tile."""
    directory = tmp_path_factory.mktemp("base")
    log = DurableLog(directory)
    log.create()
    with log.opened(Memory(directory / "memory")) as opened:
        for _ in range(ACKNOWLEDGED):
            opened.append("before")
        with opened.database.transactions() as work:
            from tests.bench.log import event

            for _ in range(BEFORE - ACKNOWLEDGED):
                work.events.append(event())
            work.commit()
        opened.log.integrate()
    return log


def copy_of(base: DurableLog, to: Path) -> tuple[DurableLog, Memory]:
    shutil.copytree(base.directory, to)
    return DurableLog(to), Memory(to / "memory")


def calls_of_an_append(base: DurableLog, scratch: Path) -> list[str]:
    """What an undisturbed append asks of the kernel, one line a call."""
    log, memory = copy_of(base, scratch / "calls")
    trace = scratch / "trace"
    assert watched(forked(log, memory), "-o", str(trace)) == 0
    return [line for line in trace.read_text().splitlines() if re.match(r"\w+\(", line)]


def cases(calls: list[str], fault: str) -> list[Case]:
    """Every call but, for errors, those that cannot fail."""
    found, times = [], Counter[str]()
    for line in calls:
        call = line.partition("(")[0]
        times[call] += 1
        if fault == "signal=KILL" or not (call in NOT_IO or "F_UNLCK" in line):
            found.append(Case(call, times[call], fault))
    return found


@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO"])
def test_no_fault_at_any_system_call_loses_or_forks(
    base: DurableLog, tmp_path: Path, fault: str
) -> None:
    """Whichever call of an append kills its process or fails: nothing acknowledged is lost, nothing
    stands twice, nothing contradictory was signed, and the log goes on at once."""
    calls = calls_of_an_append(base, tmp_path)
    assert {line.partition("(")[0] for line in calls} >= AT_LEAST
    hit = 0
    for number, case in enumerate(cases(calls, fault)):
        log, memory = copy_of(base, tmp_path / str(number))
        inject = f"inject={case.call}:{case.fault}:when={case.nth}"
        # Only the one call is traced; the rest runs at its own speed.
        attempts = 1 if case.call == RELEASING else ATTEMPTS
        status = watched(forked(log, memory, attempts), "-e", inject, "-o", "/dev/null")
        if fault == "signal=KILL":
            assert status in {-signal.SIGKILL, 0}, case
            hit += status != 0
        else:
            allowed = {0, EXPLAINED} if case.call == RELEASING else {0}
            assert status in allowed, f"{case}: the process did not get over it"
            hit += 1
        acknowledged = len(list(memory.records(KEPT))) - ACKNOWLEDGED
        try:
            size = log.check([memory], Memory(log.directory / "afterwards"))
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error
        assert size >= BEFORE + 1 + acknowledged
        memory.close()
        shutil.rmtree(log.directory)
    assert hit >= 0.9 * len(cases(calls, fault))
