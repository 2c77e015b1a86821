"""The published log as it is read: checkpoint, receipts, proofs, tiles, and nothing beyond its head."""

from __future__ import annotations

from audit.checkpoint import Checkpoint
from audit.errors import DisclosureErasedError, LogUnavailableError, NotInLogError
from audit.merkle import HASH_BYTES, consistency_proof, inclusion_proof
from audit.ports import LogStore
from audit.receipts import build_receipt
from audit.tiles import TILE_WIDTH, TileHashes, TilePath, encode_bundle, width_at


class PublishedLog:
    """What is public of a store. ``audit.log`` adds the writing."""

    def __init__(self, store: LogStore) -> None:
        self._store = store

    def checkpoint(self) -> bytes | None:
        """The published note; None before the first."""
        return self._store.published()

    def receipt(self, ticket: int) -> bytes:
        """The receipt of an event that was integrated; raises LogUnavailableError if it was not."""
        index = self._store.index_of(ticket)
        if index is None or index >= self._published_size():
            raise LogUnavailableError(
                "Cet événement n'est pas encore dans le journal publié : réessayez dans un instant."
            )
        return self.receipt_at(index)

    def receipt_at(self, index: int) -> bytes:
        """The receipt of an entry under the published head; raises NotInLogError."""
        note = self._store.published()
        size = self._published_size()
        if note is None or not 0 <= index < size:
            raise NotInLogError("Le journal publié n'a pas d'événement n° {index}.", index=index)
        disclosure = self._store.disclosure(index)
        if disclosure is None:
            raise DisclosureErasedError(
                "Le détail de l'événement n° {index} a été effacé au terme de sa conservation.",
                index=index,
            )
        path = inclusion_proof(
            index, Checkpoint.of_note(note).size, TileHashes(self._store.read_tile)
        )
        return build_receipt(disclosure, path, note)

    def consistency(self, from_size: int, to_size: int) -> list[bytes]:
        """The proof between two sizes up to the published one; raises NotInLogError."""
        if not 0 <= from_size <= to_size <= self._published_size():
            raise NotInLogError(
                "Le journal publié n'a pas de preuve de {old} à {new} événements.",
                old=from_size,
                new=to_size,
            )
        return list(self._prove(from_size, to_size))

    def tile(self, level: int, number: int, width: int | None) -> bytes:
        """A tile under the published head; ``width`` None is a full one. Raises NotInLogError."""
        wanted = self._published_width(level, number, width)
        data = self._store.read_tile(level, number)[: wanted * HASH_BYTES]
        return self._whole(data, len(data) == wanted * HASH_BYTES)

    def entries_tile(self, number: int, width: int | None) -> bytes:
        """A bundle of entries under the published head; raises NotInLogError."""
        wanted = self._published_width(None, number, width)
        leaves = self._store.leaves(number * TILE_WIDTH, wanted)
        return self._whole(encode_bundle(leaves), len(leaves) == wanted)

    def _prove(self, old: int, new: int) -> tuple[bytes, ...]:
        return consistency_proof(old, new, TileHashes(self._store.read_tile))

    def _published_size(self) -> int:
        published = self._store.published()
        return Checkpoint.of_note(published).size if published is not None else 0

    def _published_width(self, level: int | None, number: int, width: int | None) -> int:
        """The width to serve; hashes of entries that are not public yet are never among it."""
        path = TilePath(level, number, TILE_WIDTH if width is None else width)
        if path.width > width_at(level or 0, number, self._published_size()):
            raise NotInLogError("Le journal publié n'a pas la tuile {tile}.", tile=str(path))
        return path.width

    @staticmethod
    def _whole(data: bytes, complete: bool) -> bytes:
        if not complete:
            raise LogUnavailableError(
                "Une tuile du journal publié manque en base : restaurez le stockage du journal."
            )
        return data
