"""What was answered to each request, sealed to its reply key: the same request gets the same answer.

One file a deposit, a line an answer: keeping one costs one flush, and when the deposit's key is destroyed
one file is overwritten. What this process knows of a file is where each answer lies, not the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crypto.digests import Digest
from crypto.encoding import decode_base64, encode_base64, parse_opaque_id
from crypto.errors import MalformedError
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import (
    LineFile,
    destroy_file,
    destroy_leftovers,
    make_directory,
    read_part,
)

_LINES: Final = ".answers"
_SEPARATOR: Final = b" "


@dataclass
class _Known:
    lines: LineFile
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Offset and length of the line, by the request's digest."""


class Answers:
    """The answers of one store. Every method expects the store's lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, _Known] = {}

    def create(self) -> None:
        """Make the directory."""
        make_directory(self._directory)

    def recover(self) -> None:
        """Destroy what a crash left half-written."""
        destroy_leftovers(self._directory)

    def get(self, request: Digest, deposit: str) -> bytes | None:
        """What was answered to this request for this deposit."""
        place = self._refreshed(deposit).places.get(request.encode())
        if place is None:
            return None
        line = read_part(self._path(deposit), *place)
        digest, _, text = line.partition(_SEPARATOR)
        try:
            if digest == request.encode():
                return decode_base64(text.decode("ascii"))
        except (MalformedError, UnicodeDecodeError) as error:
            raise _damaged(self._path(deposit)) from error
        raise _damaged(self._path(deposit))

    def put(self, deposit: str, answers: Mapping[Digest, bytes]) -> None:
        """Keep answers by their requests; durable when it returns."""
        known = self._refreshed(deposit)
        lines = {
            request.encode(): request.encode() + _SEPARATOR + encode_base64(answer).encode()
            for request, answer in answers.items()
        }
        start = known.lines.offset
        known.lines.append(*lines.values())
        for request, line in lines.items():
            known.places[request] = start, len(line)
            start += len(line) + 1

    def drop(self, deposits: Iterable[str]) -> None:
        """Forget the answers for deposits whose keys were destroyed: they open nothing any more."""
        for deposit in deposits:
            destroy_file(self._path(deposit))
            self._known.pop(deposit, None)

    def _refreshed(self, deposit: str) -> _Known:
        """With what other processes added; anew where one of them destroyed the file."""
        path = self._path(deposit)
        if deposit not in self._known or not path.exists():
            self._known[deposit] = _Known(LineFile(path))
        known = self._known[deposit]
        start = known.lines.offset
        for line in known.lines.refresh():
            known.places[line.partition(_SEPARATOR)[0]] = start, len(line)
            start += len(line) + 1
        return known

    def _path(self, deposit: str) -> Path:
        # The id becomes a file name: only the canonical form of 26 letters and digits may.
        return self._directory / f"{parse_opaque_id(deposit)}{_LINES}"


def _damaged(path: Path) -> BrokerStoreError:
    return BrokerStoreError(
        "Le fichier « {name} » du gardien des clés est altéré. N'y touchez pas : suivez la "
        "procédure de reprise du guide d'exploitation.",
        name=path.name,
    )
