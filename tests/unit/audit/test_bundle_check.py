"""Checking whole bundles at once gives the verdicts of checking each entry by itself."""

from __future__ import annotations

import pickle
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import bundle_reading
from audit.bundle_check import BundleTask, all_well_formed, check_bundles
from audit.entries import leaf_bytes, parse_leaf
from audit.errors import AuditError
from audit.merkle import leaf_hash, root_of
from audit.tiles import encode_bundle
from audit.verify import verify_log
from exchange.wiring.hashing import hashing_workers
from tests.support.log_world import LogWorld, files_of, reader_of

LEAVES = [leaf_bytes(date(2026, 1, 1 + n // 200), bytes([n]) * 32) for n in range(256)]


def alone(entry: bytes) -> bool:
    try:
        parse_leaf(entry)
    except AuditError:
        return False
    return True


def task(entries: list[bytes]) -> BundleTask:
    tile = b"".join(leaf_hash(entry) for entry in entries)
    return BundleTask(encode_bundle(entries), len(entries), tile)


@given(
    st.integers(1, 256),
    st.integers(0, 255),
    st.integers(0, 90),
    st.one_of(st.integers(0, 255), st.just(-1)),
)
def test_any_byte_anywhere(count: int, which: int, at: int, byte: int) -> None:
    """One byte of one entry changed, added or dropped: the bundle is well formed exactly if each of
    its entries is, and each malformed one is named."""
    entries = LEAVES[:count]
    leaf = entries[which % count]
    changed = leaf[:at] + (bytes([byte]) if byte >= 0 else b"") + leaf[at + 1 :]
    entries = [*entries[: which % count], changed, *entries[which % count + 1 :]]
    (result,) = check_bundles([task(entries)])
    wrong = [position for position, entry in enumerate(entries) if not alone(entry)]
    assert [position for position, _reason in result.malformed] == wrong
    assert all_well_formed(entries) is (not wrong)
    assert result.root == root_of([leaf_hash(entry) for entry in entries])
    assert result.same_tile


@pytest.mark.parametrize("letter", range(256))
def test_every_last_letter(letter: int) -> None:
    """Of the commitment's last letter only the forms of base64 that decode to 32 bytes are taken."""
    entries = [leaf[:82] + bytes([letter]) + leaf[83:] for leaf in LEAVES[:200]]
    (result,) = check_bundles([task(entries)])
    assert bool(result.malformed) is not alone(entries[0])


def test_results_pass_between_processes() -> None:
    """A task and its result survive pickling, also those of a bundle that is none."""
    cut = BundleTask(b"\x00", 256, None)
    for each in (task(LEAVES), task(LEAVES[:3]), cut):
        (result,) = check_bundles(pickle.loads(pickle.dumps([each])))
        assert pickle.loads(pickle.dumps(result)) == result
    assert result.unreadable


def test_workers_change_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """With workers, batches and waiting, every finding is the same and in the same order."""
    monkeypatch.setattr(bundle_reading, "WORTH_WORKERS", 0)
    monkeypatch.setattr(bundle_reading, "BUNDLES_AT_ONCE", 2)
    world = LogWorld()
    world.add(3_000)
    world.log.integrate()
    files = files_of(world.log)
    spoilt = dict(files)
    for path in ("tile/0/003", "tile/entries/001", "tile/entries/009", "tile/1/000.p/11"):
        spoilt[path] = files[path][:40] + b"#" + files[path][41:]
    missing = {path: data for path, data in spoilt.items() if path != "tile/entries/008"}
    with ThreadPoolExecutor(2) as workers:
        for each in (files, spoilt, missing):
            reader = reader_of(each)
            expected = verify_log(reader, world.policy)
            assert verify_log(reader, world.policy, workers=workers) == expected
            assert verify_log(reader, world.policy, workers=Dying(workers)) == expected
            assert expected.ok is (each is files)


class Dying(Executor):
    """Workers of which the second dies, and the fifth is not even taken."""

    def __init__(self, workers: Executor) -> None:
        self._workers, self._asked = workers, 0

    def submit(self, work, /, *values, **more):
        self._asked += 1
        if self._asked == 5:
            raise BrokenExecutor
        if self._asked == 2:
            dead: Future = Future()
            dead.set_exception(BrokenExecutor())
            return dead
        return self._workers.submit(work, *values, **more)


def test_real_processes_give_the_same_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own workers, in processes, find what one process finds."""
    monkeypatch.setattr(bundle_reading, "WORTH_WORKERS", 0)
    world = LogWorld()
    world.add(600)
    world.log.integrate()
    reader = reader_of(files_of(world.log))
    with hashing_workers() as workers:
        assert verify_log(reader, world.policy, workers=workers) == verify_log(reader, world.policy)
