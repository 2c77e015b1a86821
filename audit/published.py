"""The published log as it is read: checkpoint, receipts, proofs, tiles, and nothing beyond its head."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from audit.checkpoint import Checkpoint
from audit.errors import DisclosureErasedError, LogUnavailableError, NotInLogError
from audit.merkle import HASH_BYTES, consistency_proof, inclusion_proof, tree_root
from audit.ports import Disclosure, LogReading, LogStore, Place
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
        """The receipt of an event that was integrated; raises LogUnavailableError if it was not, and
        DisclosureErasedError.
        """
        with self._store.reading() as reading:
            (place,) = self._places(reading, [ticket])
            if place.disclosure is None:
                raise _erased(place.index)
            return self._receipts(reading, [place.disclosure])[0]

    def receipts(self, tickets: Collection[int]) -> Mapping[int, bytes]:
        """The receipts of several events under one checkpoint, by ticket; those whose details were
        erased are left out. Raises LogUnavailableError if one was not integrated.
        """
        with self._store.reading() as reading:
            places = self._places(reading, tickets)
            opened = {each.ticket: each.disclosure for each in places if each.disclosure}
            made = self._receipts(reading, list(opened.values()))
            return dict(zip(opened, made, strict=True))

    def receipt_at(self, index: int) -> bytes:
        """The receipt of an entry under the published head; raises NotInLogError,
        DisclosureErasedError.
        """
        with self._store.reading() as reading:
            if not 0 <= index < _size(reading.published()):
                raise NotInLogError(
                    "Le journal publié n'a pas d'événement n° {index}.", index=index
                )
            disclosure = reading.disclosure(index)
            if disclosure is None:
                raise _erased(index)
            return self._receipts(reading, [disclosure])[0]

    def begins_with(self, seen: Checkpoint) -> bool:
        """Whether the published log is a continuation of what ``seen`` describes."""
        with self._store.reading() as reading:
            size = _size(reading.published())
            hashes = TileHashes(reading.read_tile)
            return seen.size <= size and tree_root(seen.size, hashes) == seen.root

    def consistency(self, from_size: int, to_size: int) -> list[bytes]:
        """The proof between two sizes up to the published one; raises NotInLogError."""
        with self._store.reading() as reading:
            if not 0 <= from_size <= to_size <= _size(reading.published()):
                raise NotInLogError(
                    "Le journal publié n'a pas de preuve de {old} à {new} événements.",
                    old=from_size,
                    new=to_size,
                )
            return list(consistency_proof(from_size, to_size, TileHashes(reading.read_tile)))

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

    @staticmethod
    def _places(reading: LogReading, tickets: Collection[int]) -> Sequence[Place]:
        """Where the events are, each below the published head."""
        size = _size(reading.published())
        found = [each for each in reading.places(tickets) if each.index < size]
        if len(found) != len(set(tickets)):
            raise LogUnavailableError(
                "Cet événement n'est pas encore dans le journal publié : réessayez dans un instant."
            )
        return found

    @staticmethod
    def _receipts(reading: LogReading, disclosures: Sequence[Disclosure]) -> list[bytes]:
        """Receipts of published entries, under the one head that this reading sees."""
        note = reading.published()
        hashes, size = TileHashes(reading.read_tile), _size(note)
        return [
            build_receipt(each, inclusion_proof(each.index, size, hashes), note or b"")
            for each in disclosures
        ]

    def _prove(self, old: int, new: int) -> tuple[bytes, ...]:
        with self._store.reading() as reading:
            return consistency_proof(old, new, TileHashes(reading.read_tile))

    def _published_width(self, level: int | None, number: int, width: int | None) -> int:
        """The width to serve; hashes of entries that are not public yet are never among it."""
        path = TilePath(level, number, TILE_WIDTH if width is None else width)
        if path.width > width_at(level or 0, number, _size(self._store.published())):
            raise NotInLogError("Le journal publié n'a pas la tuile {tile}.", tile=str(path))
        return path.width

    @staticmethod
    def _whole(data: bytes, complete: bool) -> bytes:
        if not complete:
            raise LogUnavailableError(
                "Une tuile du journal publié manque en base : restaurez le stockage du journal."
            )
        return data


def _size(published: bytes | None) -> int:
    return Checkpoint.of_note(published).size if published is not None else 0


def _erased(index: int) -> DisclosureErasedError:
    return DisclosureErasedError(
        "Le détail de l'événement n° {index} a été effacé au terme de sa conservation.", index=index
    )
