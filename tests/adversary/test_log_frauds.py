"""A log that was rewritten: by whoever holds the files, the log's key, or the broker as well.

The last of them signs a whole new history that holds in itself. Only a reader's memory shows it: the
checkpoint verified the last time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit.entries import new_entry
from audit.events import EventDetails
from audit.log import AuditLog
from audit.ports import NewEntry
from audit.seen import Contradiction, Seen, contradictions
from audit.tiles import encode_bundle
from audit.verify import verify_log
from audit.witness import cosign
from exchange.broker.cosigner_key import cosigner_of
from exchange.broker.keystore import KeyStore
from exchange.replay.bundle import BundledLog
from exchange.replay.codes import Code
from exchange.replay.report import Report, Verdict
from exchange.replay.run import replay
from exchange.usecases.bundle_layout import disclosure_path, encode_disclosure
from tests.support.broker_world import Scene, World, open_scene
from tests.support.broker_world_log import ORIGIN
from tests.support.bundles import Files, MemoryBundle, collect, sign
from tests.support.log_world import CountedEntropy, files_of
from tests.support.memory_log import MemoryHighWater, MemoryLogStore

PLACE = 7
"""The entry that is tampered with; the log of the scene is longer."""

Entries = list[NewEntry]


class ForgetfulBroker:
    """The broker's cosigning key in the hands of somebody who cosigns anything."""

    name = "broker"

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = cosigner_of(KeyStore(world.directory), ORIGIN)

    def last_size(self) -> int:
        return 0

    def add_checkpoint(self, _old: int, _proof: Sequence[bytes], note: bytes) -> bytes:
        keys = [self._world.log_signer.verifier]
        line, _state = cosign(0, (), note, keys, None, self._key, self._world.now)
        return line


def edited(entries: Entries) -> Entries:
    details = EventDetails.parse(entries[PLACE].details)
    changed = details.model_copy(update={"at": details.at + timedelta(seconds=1)})
    entries[PLACE] = new_entry(changed, ORIGIN, CountedEntropy())
    return entries


def dropped(entries: Entries) -> Entries:
    return [*entries[:PLACE], *entries[PLACE + 1 :]]


def swapped(entries: Entries) -> Entries:
    entries[PLACE], entries[PLACE + 1] = entries[PLACE + 1], entries[PLACE]
    return entries


def inserted(entries: Entries) -> Entries:
    return [*entries[:PLACE], entries[PLACE], *entries[PLACE:]]


def truncated(entries: Entries) -> Entries:
    return entries[:-3]


FRAUDS = (edited, dropped, swapped, inserted, truncated)
Fraud = Callable[[Entries], Entries]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = open_scene(tmp_path / "broker")
    made.world.release(made.member, made.sitting, made.deposit)
    return made


def entries_of(world: World) -> Entries:
    size = len(world.store.rows.tickets)
    found = []
    for index, leaf in enumerate(world.store.leaves(0, size)):
        disclosure = world.store.disclosure(index)
        assert disclosure is not None
        found.append(NewEntry(leaf, disclosure.details, disclosure.opening))
    return found


def history(world: World, entries: Entries, *, with_broker: bool) -> Files:
    """A log of just these entries, signed by the log's key, and cosigned by whom the forger has."""
    store = MemoryLogStore()
    for each in entries:
        store.append(each)
    cosigners = [ForgetfulBroker(world)] if with_broker else []
    policy = world.log_policy if with_broker else None
    log = AuditLog(
        *(store, MemoryHighWater(), world.log_signer, cosigners),
        *(lambda: policy, lambda: world.now),
    )
    log.integrate()
    files = {f"log/{path}": data for path, data in files_of(log).items()}
    for index in range(len(entries)):
        disclosure = store.disclosure(index)
        assert disclosure is not None
        files[disclosure_path(index)] = encode_disclosure(disclosure)
    return files


def bundle(world: World, honest: Files, log: Files) -> MemoryBundle:
    """The honest bundle with another log in it, signed by an auditor who did not look."""
    kept = {
        path: data for path, data in honest.items() if not path.startswith(("log/", "disclosures/"))
    }
    return MemoryBundle(sign(world, {**kept, **log}))


def judged(world: World, shown: MemoryBundle, *seen: Seen) -> Report:
    return replay(shown, world.trust, world.now + timedelta(hours=1), seen=seen)


def codes(report: Report) -> set[Code]:
    return {each.code for each in report.findings}


@pytest.mark.parametrize("fraud", FRAUDS)
def test_files_changed_in_place(scene: Scene, fraud: Fraud) -> None:
    """Whoever has the files alone breaks the log, whatever they do to its entries."""
    world = scene.world
    honest = collect(world)
    (path,) = [path for path in honest if path.startswith("log/tile/entries/")]
    leaves = [each.leaf for each in fraud(entries_of(world))]
    assert encode_bundle(leaves) != honest[path]
    report = judged(world, MemoryBundle(sign(world, {**honest, path: encode_bundle(leaves)})))
    assert report.verdict is Verdict.BROKEN
    assert Code.LOG in codes(report)


@pytest.mark.parametrize("fraud", FRAUDS)
def test_the_logs_key_alone_signs_nothing_that_counts(scene: Scene, fraud: Fraud) -> None:
    """A server that signs another history lacks the broker's cosignature."""
    world = scene.world
    honest = collect(world)
    log = history(world, fraud(entries_of(world)), with_broker=False)
    report = judged(world, bundle(world, honest, log))
    assert report.verdict is Verdict.BROKEN
    assert Code.LOG in codes(report)


@pytest.mark.parametrize("fraud", FRAUDS)
def test_with_the_broker_memory_alone_shows_it(scene: Scene, fraud: Fraud) -> None:
    """Server and broker together rewrite a log that holds in itself; the checkpoint verified before
    contradicts it, and is named as evidence.
    """
    world = scene.world
    honest = collect(world)
    verified_before = judged(world, MemoryBundle(sign(world, honest)))
    assert verified_before.head_at is not None
    seen = Seen(honest["log/checkpoint"], verified_before.head_at)
    world.advance(days=1)
    shown = bundle(world, honest, history(world, fraud(entries_of(world)), with_broker=True))
    assert Code.LOG not in codes(judged(world, shown))
    report = judged(world, shown, seen)
    assert report.verdict is Verdict.BROKEN
    expected = Code.LOG_ROLLED_BACK if fraud in {truncated, dropped} else Code.LOG_FORKED
    assert expected in codes(report)
    assert report.contradicted == (seen.note,)


def test_growth_and_older_copies_contradict_nothing(scene: Scene) -> None:
    """What grew out of the checkpoint seen is accepted, and so is an export made before it."""
    world = scene.world
    older = MemoryBundle(sign(world, collect(world)))
    first = judged(world, older)
    world.advance(days=1)
    world.release(scene.member, scene.sitting, scene.deposit)
    newer = MemoryBundle(sign(world, collect(world)))
    second = judged(world, newer, Seen(older.files["log/checkpoint"], first.head_at or world.now))
    assert second.verdict is Verdict.OK
    assert "l'accord avec ce que ce profil avait déjà vérifié" in second.checks
    again = judged(world, older, Seen(newer.files["log/checkpoint"], second.head_at or world.now))
    assert (again.verdict, again.contradicted) == (Verdict.OK, ())


def test_another_log_is_not_compared(scene: Scene) -> None:
    """What was verified of another service's log says nothing of this one."""
    world = scene.world
    shown = MemoryBundle(sign(world, collect(world)))
    log = verify_log(BundledLog(shown), world.log_policy) if world.log_policy else None
    assert log is not None
    assert log.checkpoint is not None
    other = Seen(
        shown.files["log/checkpoint"].replace(ORIGIN.encode(), b"autre.example/log"), world.now
    )
    head = replace(log.checkpoint.checkpoint, size=1)
    assert list(contradictions(BundledLog(shown), head, world.now, [other])) == []
    own = Seen(shown.files["log/checkpoint"], world.now)
    late = world.now + timedelta(hours=1)
    (found,) = contradictions(BundledLog(shown), head, late, [own])
    assert found == (own, Contradiction.ROLLED_BACK)
