"""Bundles exported from a ``World``: honest ones, or altered before or after the auditor signs."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.tiles import TilePath, bundles_of, encode_bundle, tiles_of
from crypto.digests import sha256
from crypto.statements.custody import BundleFile, BundleIndex
from exchange.replay.report import Report
from exchange.replay.run import replay
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.bundle_layout import (
    INDEX_PATH,
    RECORD_CHECKPOINT_PATH,
    RECORD_PATH,
    agenda_path,
    disclosure_path,
    encode_disclosure,
    statement_path,
)
from tests.support.broker_world import World
from tests.support.broker_world_registry import Person

Files = dict[str, bytes]


class MemoryBundle:
    """A bundle in memory. ``exchange.replay.bundle.Bundle``."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def paths(self) -> list[str]:
        return sorted(self.files)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def collect(world: World) -> Files:
    """Every file of an export but its index; the export's own event comes first."""
    auditor = world.people["irene"]
    size = str(len(world.store.rows.tickets))
    world.log_event(EventType.DISCLOSURE_READ, {"certificate": auditor.certificate}, {"size": size})
    checkpoint = world.log.integrate()
    files: Files = {"log/checkpoint": checkpoint}
    count = Checkpoint.of_note(checkpoint).size
    for tile in tiles_of(count):
        assert tile.level is not None
        hashes = world.store.read_tile(tile.level, tile.number)
        files[f"log/{tile}"] = hashes[: tile.width * 32]
    for bundle in bundles_of(count):
        leaves = world.store.leaves(bundle.number * 256, bundle.width)
        files[f"log/{TilePath(None, bundle.number, bundle.width)}"] = encode_bundle(leaves)
    for index in range(count):
        disclosure = world.store.disclosure(index)
        if disclosure is not None:
            files[disclosure_path(index)] = encode_disclosure(disclosure)
    for digest, envelope in world.envelopes.items():
        files[statement_path(digest)] = envelope
        if opened := world.index.opened(digest):
            shown = AgendaShown.of(digest, (each.shown for each in opened))
            files[agenda_path(digest)] = shown.to_bytes()
    files[RECORD_PATH], files[RECORD_CHECKPOINT_PATH] = world.broker.record()
    return files


def sign(world: World, files: Files, by: Person | None = None) -> Files:
    """The same files with the auditor's index."""
    who = by or world.people["irene"]
    index = world.by(
        who,
        BundleIndex,
        checkpoint=files["log/checkpoint"].decode(),
        files=tuple(
            BundleFile(path=path, sha256=sha256(data), length=len(data))
            for path, data in sorted(files.items())
        ),
    )
    return {**files, INDEX_PATH: index.envelope}


def export(world: World, change: Callable[[Files], None] | None = None) -> MemoryBundle:
    """An export; ``change`` alters its files *before* the auditor signs, as a hostile server can."""
    files = collect(world)
    if change is not None:
        change(files)
    return MemoryBundle(sign(world, files))


def verify(world: World, bundle: MemoryBundle | None = None, now: datetime | None = None) -> Report:
    """The replay of a bundle, by default of a fresh export, an hour later."""
    moment = now or world.now + timedelta(hours=1)
    return replay(bundle or export(world), world.trust, moment)


def write_directory(bundle: MemoryBundle, root: Path) -> None:
    for path, data in bundle.files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def write_tar(bundle: MemoryBundle, path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in sorted(bundle.files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
