"""Programs by other authors audit our log: Go's checksum-database code, and aics-tlog.

``bash tests/integration/install_foreign_verifiers.sh`` installs both into ``.run/foreign``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import LogUnavailableError
from tests.support.log_world import LogWorld, files_of, write_files

HERE = Path(__file__).parent
FOREIGN = HERE.parents[1] / ".run" / "foreign"
COMMANDS = {
    "go-tlog": [str(FOREIGN / "go-tlog")],
    "aics-tlog": [str(FOREIGN / "aics" / "bin" / "python"), str(HERE / "aics_audit.py")],
}
SIZES = (0, 1, 255, 256, 257, 600, 66_000)
MUTATIONS_PER_FILE = 3

pytestmark = pytest.mark.foreign


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The tool's answer; skips where it is not installed (fails where everything is demanded)."""
    command = COMMANDS[tool]
    if not Path(command[0]).exists():
        reason = f"{tool} is not installed: run tests/integration/install_foreign_verifiers.sh"
        if os.environ.get("REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )


def audit(tool: str, directory: Path, vkey: str, witnesses: tuple[str, ...] = ()) -> str | None:
    """What a foreign auditor says of a tlog-tiles directory; None if it refuses."""
    extra = witnesses if tool == "aics-tlog" else ()
    answer = run(tool, "audit", directory, vkey, *extra)
    if answer.returncode:
        assert "refused" in answer.stderr, answer.stderr
        return None
    return answer.stdout.strip()


def grown(size: int) -> LogWorld:
    """A log that grew in uneven steps, so that its tiles were extended many times."""
    world = LogWorld()
    for count in (1, 100, 155, size):
        world.add(min(count, size - len(world.store.rows.entries)))
        world.log.integrate()
    return world


def keys(world: LogWorld) -> tuple[str, tuple[str, ...]]:
    return str(world.log_key.verifier), tuple(
        str(witness.key.verifier) for witness in world.witnesses.values()
    )


@pytest.mark.parametrize("tool", COMMANDS)
@pytest.mark.parametrize("size", SIZES)
def test_a_foreign_auditor_accepts_our_log(tool: str, size: int, tmp_path: Path) -> None:
    """Every tile, bundle and signature of our log satisfies code that is not ours."""
    world = grown(size)
    write_files(files_of(world.log), tmp_path)
    vkey, witnesses = keys(world)
    assert audit(tool, tmp_path, vkey, witnesses) == f"ok {size}"


def mutate(data: bytes, salt: str) -> bytes:
    """``data`` with one bit flipped somewhere, the same in each run."""
    digest = hashlib.sha256(salt.encode()).digest()
    at = int.from_bytes(digest[:8], "big") % len(data)
    return data[:at] + bytes([data[at] ^ (1 << digest[8] % 8)]) + data[at + 1 :]


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_foreign_auditor_refuses_a_changed_copy(tool: str, tmp_path: Path) -> None:
    """One flipped bit in any file of the log, and the foreign auditor refuses it."""
    world = grown(600)
    files = files_of(world.log)
    write_files(files, tmp_path / "good")
    vkey, witnesses = keys(world)
    assert audit(tool, tmp_path / "good", vkey, witnesses) == "ok 600"
    for path, data in files.items():
        # Go reads the log's signature only: the witnesses' lines are another key's to it.
        kept = (
            data[: data.rindex("—".encode() + b" dossiers.example/log/broker")]
            if (path == "checkpoint" and tool == "go-tlog")
            else data
        )
        for attempt in range(MUTATIONS_PER_FILE):
            bad = tmp_path / "bad"
            shutil.copytree(tmp_path / "good", bad)
            (bad / path).write_bytes(mutate(kept, f"{path}{attempt}"))
            assert audit(tool, bad, vkey, witnesses) is None, path
            shutil.rmtree(bad)


@pytest.mark.parametrize("tool", COMMANDS)
@pytest.mark.parametrize(
    "swap", [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001")]
)
def test_a_foreign_auditor_refuses_swapped_files(
    tool: str, swap: tuple[str, str], tmp_path: Path
) -> None:
    """Two full tiles, or two bundles, in each other's place are refused."""
    world = grown(600)
    files = files_of(world.log)
    files[swap[0]], files[swap[1]] = files[swap[1]], files[swap[0]]
    write_files(files, tmp_path)
    assert audit(tool, tmp_path, keys(world)[0]) is None


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_foreign_auditor_sees_that_the_log_only_grew(tool: str, tmp_path: Path) -> None:
    """Each earlier checkpoint is consistent with the log; that of another history is not."""
    world = LogWorld()
    earlier: list[Path] = []
    for count in (1, 255, 1, 300, 1_500):
        world.add(count)
        earlier.append(tmp_path / f"checkpoint-{count}-{len(earlier)}")
        earlier[-1].write_bytes(world.log.integrate())
    write_files(files_of(world.log), tmp_path / "log")
    vkey, _ = keys(world)
    for old in earlier:
        answer = run(tool, "consistency", old, tmp_path / "log", vkey)
        assert answer.returncode == 0, answer.stderr
    forked = LogWorld()
    forked.entropy(1)  # other openings, so other leaves, under the same log key
    forked.add(257)
    (tmp_path / "forked").write_bytes(forked.log.integrate())
    assert run(tool, "consistency", tmp_path / "forked", tmp_path / "log", vkey).returncode == 1


@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_go_accepts_our_receipts(index: int, tmp_path: Path) -> None:
    """A receipt is a tlog-proof that Go's CheckRecord accepts for its leaf, and for no other."""
    world = grown(600)
    proof, leaf, other = (tmp_path / name for name in ("receipt.tlog-proof", "leaf", "other"))
    proof.write_bytes(world.log.receipt_at(index))
    leaf.write_bytes(world.store.leaves(index, 1)[0])
    other.write_bytes(world.store.leaves((index + 1) % 600, 1)[0])
    vkey, _ = keys(world)
    assert run("go-tlog", "receipt", proof, vkey, leaf).stdout.strip() == f"ok {index} 600"
    assert run("go-tlog", "receipt", proof, vkey, other).returncode == 1


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_foreign_auditor_accepts_a_log_that_recovered(tool: str, tmp_path: Path) -> None:
    """Outages and restarts leave a log that is as good to others as one that never failed."""
    world = LogWorld()
    for broker_up in (True, False, True, False, False, True):
        world.add(90)
        world.witnesses["broker"].up = broker_up
        integrate: Callable[[], bytes] = world.open().integrate
        if broker_up:
            integrate()
        else:
            with pytest.raises(LogUnavailableError):
                integrate()
    write_files(files_of(world.log), tmp_path)
    vkey, witnesses = keys(world)
    assert audit(tool, tmp_path, vkey, witnesses) == "ok 540"
