"""The use cases' object store in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from crypto.digests import Digest, sha256
from crypto.encoding import new_opaque_id
from crypto.keys import Entropy
from exchange.usecases.errors import ObjectConflictError, ObjectMissingError
from storage.objects.names import object_name

PIECE_BYTES = 1_048_576


class MemoryObjects:
    """An ``ObjectStore``."""

    def __init__(self, clock: Callable[[], datetime], entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self.kept: dict[str, bytes] = {}
        self._begun: dict[str, datetime] = {}
        self._parts: defaultdict[str, dict[int, bytes]] = defaultdict(dict)

    def begin(self) -> str:
        upload = new_opaque_id(self._entropy)
        self._begun[upload] = self._clock()
        return upload

    def put_part(self, upload: str, number: int, data: bytes, digest: Digest) -> None:
        known = self._parts[upload].get(number)
        if sha256(data) != digest or known not in {None, data}:
            raise ObjectConflictError("Cette partie n'est pas celle qui est annoncée.")
        self._parts[upload][number] = data

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        kept = sorted(self._parts[upload].items())
        return [(number, len(data), sha256(data)) for number, data in kept]

    def name_of(self, upload: str, length: int, digest: Digest) -> str:
        return object_name(upload, length, digest)

    def commit(self, upload: str, length: int, digest: Digest) -> str:
        name = self.name_of(upload, length, digest)
        if name in self.kept:
            return name
        whole = b"".join(data for _, data in sorted(self._parts[upload].items()))
        if len(whole) != length or sha256(whole) != digest:
            raise ObjectConflictError("Le contenu reçu n'est pas celui qui est annoncé.")
        self.kept[name] = whole
        self.abort(upload)
        return name

    def read(self, name: str, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        if name not in self.kept:
            raise ObjectMissingError("Aucun objet de ce nom.")
        data = self.kept[name][first : None if length is None else first + length]
        return (data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES))

    def size(self, name: str) -> int:
        if name not in self.kept:
            raise ObjectMissingError("Aucun objet de ce nom.")
        return len(self.kept[name])

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    def abort(self, upload: str) -> None:
        self._begun.pop(upload, None)
        self._parts.pop(upload, None)

    def names(self) -> Iterator[str]:
        return iter(list(self.kept))

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        return iter(list(self._begun.items()))
