"""The auditor's export: log, statements, disclosures and the broker's record, in one signed bundle.

Nothing is judged here: what is copied is judged by ``dossier audit verify``, which is other code. But
the checkpoint is verified, and must grow out of the last one that this auditor accepted.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from audit.checkpoint import Checkpoint
from audit.ports import Disclosure
from audit.tiles import bundles_of, tiles_of
from crypto.digests import sha256
from crypto.statements import parse_any
from crypto.statements.custody import BundleFile, BundleIndex
from exchange.client.api import field, octets, utf8
from exchange.client.desk import Desk
from exchange.client.errors import TransportError
from exchange.client.files import appearing
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.bundle_layout import (
    INDEX_PATH,
    LOG_PREFIX,
    RECORD_CHECKPOINT_PATH,
    RECORD_PATH,
    agenda_path,
    disclosure_path,
    encode_disclosure,
    statement_path,
)

MAX_LINE_BYTES: Final = 4_194_304
"""One disclosure or statement; the largest statement is 2 MiB as an envelope."""

CHECKPOINT_PATH: Final = f"{LOG_PREFIX}checkpoint"


@dataclass(frozen=True)
class Exported:
    """What a bundle holds."""

    size: int
    files: int


def export(desk: Desk, out: Path) -> Exported:
    """Write a bundle as a tar with a signed index; ``out`` appears whole or not at all."""
    note, size = b"", 0
    entries: list[BundleFile] = []
    with appearing(out) as handle, tarfile.open(fileobj=handle, mode="w") as tar:
        for path, data in bundle_files(desk):
            if path == CHECKPOINT_PATH:
                note, size = data, Checkpoint.of_note(data).size
            entries.append(BundleFile(path=path, sha256=sha256(data), length=len(data)))
            _add(desk, tar, path, data)
        index = desk.draft(BundleIndex, checkpoint=note.decode(), files=tuple(entries))
        _add(desk, tar, INDEX_PATH, index.envelope)
    return Exported(size, len(entries) + 1)


def bundle_files(desk: Desk) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every file of a bundle but its index, as the service gives them now."""
    desk.source.begin()
    lines = _lines(desk.api.disclosures())
    note = field(next(lines, {}), "checkpoint", utf8)
    verified = desk.view.log.verify_checkpoint(note)
    desk.source.accept([verified], desk.machine.clock())
    size = verified.checkpoint.size
    yield CHECKPOINT_PATH, note
    yield from _disclosed(lines, size)
    progress = desk.machine.progress.begin("Journal", size)
    for tile in (*tiles_of(size), *bundles_of(size)):
        yield f"{LOG_PREFIX}{tile}", desk.api.tile(str(tile))
        progress(tile.width if tile.level == 0 else 0)
    entries, checkpoint = desk.api.broker_record()
    yield RECORD_PATH, entries
    yield RECORD_CHECKPOINT_PATH, checkpoint


def _disclosed(lines: Iterator[Any], size: int) -> Iterator[tuple[str, bytes]]:
    """Disclosures and statements; raises TransportError unless the stream says that it ended."""
    seen: set[str] = set()
    for line in lines:
        if line.get("end") is True:
            return
        if "agenda" in line:
            shown = _agenda(line)
            path, content = agenda_path(shown.agenda), shown.to_bytes()
        elif "statement" in line:
            envelope = field(line, "statement", utf8)
            path = statement_path(parse_any(envelope).digest)
            content = envelope
        elif "details" not in line:
            continue  # erased by the retention rule
        else:
            index = field(line, "index", int)
            if not 0 <= index < size:
                raise _cut()
            path, content = disclosure_path(index), _disclosure(index, line)
        if path not in seen:
            seen.add(path)
            yield path, content
    raise _cut()


def _agenda(line: Any) -> AgendaShown:
    try:
        return AgendaShown.model_validate(line)
    except ValueError as error:
        raise _cut() from error


def _disclosure(index: int, line: Any) -> bytes:
    """The file of one disclosure: encoded again, so that it has one form whatever was sent."""
    return encode_disclosure(
        Disclosure(index, field(line, "details", octets), field(line, "opening", octets))
    )


def _lines(pieces: Iterator[bytes]) -> Iterator[Any]:
    """The JSON objects of an NDJSON stream."""
    rest = b""
    for piece in pieces:
        rest += piece
        *whole, rest = rest.split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise _cut()
        yield from (_object(line) for line in whole if line)
    if rest:
        yield _object(rest)


def _object(line: bytes) -> dict[str, Any]:
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _cut() from error
    if not isinstance(loaded, dict):
        raise _cut()
    return loaded


def _cut() -> TransportError:
    return TransportError(
        "L'export s'est interrompu ou n'a pas la forme attendue : rien n'a été écrit. Recommencez."
    )


def _add(desk: Desk, tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    info.mtime = int(desk.machine.clock().timestamp())
    tar.addfile(info, io.BytesIO(data))
