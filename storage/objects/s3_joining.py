"""Making one object of many parts. It is visible only once all of the bytes were hashed, and believed
only once it was read back.

S3 copies the parts itself (UploadPartCopy): the bytes do not travel a third time, and none of them is
in this process's memory. What makes the object the one that was announced:

* a part is never overwritten (If-None-Match), and each copy is of the very object whose bytes went into
  the digest (CopySourceIfMatch): otherwise nothing is completed;
* services have been known to copy wrongly or to ignore that condition, and a copied part's checksum is not
  given by each of them: so the object is read back, and before its digest was right no commit answers,
  and no part goes. One that is found wrong is written anew from here, with checksums, and read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any, Final

from botocore.exceptions import ClientError

from crypto import digests
from crypto.digests import Digest
from exchange.usecases.errors import ObjectConflictError
from storage.objects import errors
from storage.objects.blocks import JOIN_BYTES, checked, regroup
from storage.objects.s3_calls import CHANGED, MISSING, NO_UPLOAD, Calls, code

PIECE_BYTES: Final = 1_048_576
"""1 MiB read at a time, whatever the object's size."""

LEAST_COPIED_BYTES: Final = 5_242_880
"""5 MiB: S3's least for each part of a multipart upload but the last."""

COPY_WORKERS: Final = 4
"""Copies asked for at once while the parts are hashed; a request without a body each."""

SEND_WORKERS: Final = 3
"""Parts written at once where S3 cannot copy: a service takes one stream at a fraction of what it can.
They and the one being read are in memory, 32 MiB a commit."""


class Joining:
    """Parts in a bucket, made one object of it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def join(self, parts: Sequence[tuple[str, int]], key: str, length: int, sha256: Digest) -> None:
        """One object of these (key, length), in this order; raises ObjectConflictError when they are
        not what was announced, and ObjectMissingError when one is gone meanwhile.
        """
        if sum(size for _, size in parts) != length:
            raise errors.wrong_whole()
        if length > JOIN_BYTES and self._copies(parts, key, length, sha256):
            return
        self.write(key, length, regroup(self._bytes_of(parts), length, sha256), sha256)
        if length > JOIN_BYTES and not self.holds(key, length, sha256):
            raise errors.unavailable("objet relu différent")

    def holds(self, key: str, length: int, sha256: Digest) -> bool:
        """Whether the object is there with that content, all of it read."""
        try:
            for _ in checked(self._bytes(key), length, sha256):
                pass
        except ObjectConflictError:
            return False
        except ClientError as error:
            if code(error) in MISSING:
                return False
            raise
        return True

    def write(self, key: str, length: int, blocks: Iterator[bytes], sha256: Digest) -> None:
        """Write ``regroup``'s blocks as one object, completed after the last one was given."""
        first = next(blocks)
        if length > JOIN_BYTES:
            self._send(key, first, blocks)
            return
        # Exhausting the blocks is what checks length and digest.
        for _ in blocks:
            raise errors.wrong_whole()
        self._calls.put(key, first, **self._calls.checksum(sha256))

    # --- copied by S3 ---

    def _copies(
        self, parts: Sequence[tuple[str, int]], key: str, length: int, sha256: Digest
    ) -> bool:
        """Whether S3 copied the parts, and the object that they make was read back as announced."""
        if any(size < LEAST_COPIED_BYTES for _, size in parts[:-1]):
            return False
        with self._multipart(key) as upload_id:
            copied = self._copy(parts, key, upload_id, length, sha256)
            self._calls.complete_multipart(key, upload_id, copied)
        return self.holds(key, length, sha256)

    def _copy(
        self,
        parts: Sequence[tuple[str, int]],
        key: str,
        upload_id: str,
        length: int,
        sha256: Digest,
    ) -> list[dict[str, Any]]:
        """Hash all parts while S3 copies them; ends only when all copies have."""
        waiting: list[Future[str]] = []
        with ThreadPoolExecutor(COPY_WORKERS) as pool:

            def pieces() -> Iterator[bytes]:
                for number, (source, _) in enumerate(parts, start=1):
                    etag, body = self._open(source)
                    given = (key, upload_id, number, source, etag)
                    waiting.append(pool.submit(self._calls.copy_part, *given))
                    with closing(body):
                        yield from body.iter_chunks(PIECE_BYTES)

            try:
                for _ in checked(pieces(), length, sha256):
                    pass
                return [
                    {"PartNumber": number, "ETag": each.result()}
                    for number, each in enumerate(waiting, start=1)
                ]
            except ClientError as error:
                if code(error) in CHANGED:
                    raise errors.wrong_whole() from error
                raise
            finally:
                pool.shutdown(cancel_futures=True)

    # --- written from here ---

    def _send(self, key: str, first: bytes, rest: Iterator[bytes]) -> None:
        algorithm: dict[str, Any] = (
            {"ChecksumAlgorithm": "SHA256"} if self._calls.bucket.checksums else {}
        )
        with self._multipart(key, **algorithm) as upload_id:
            done = self._send_parts(key, upload_id, chain([first], rest))
            self._calls.complete_multipart(key, upload_id, done)

    def _send_parts(
        self, key: str, upload_id: str, blocks: Iterator[bytes]
    ) -> list[dict[str, Any]]:
        """Several at once; ends only when all have, so that an abort after it leaves nothing."""
        done: list[dict[str, Any]] = []
        with ThreadPoolExecutor(SEND_WORKERS) as pool:
            waiting: deque[Future[dict[str, Any]]] = deque()
            for number, block in enumerate(blocks, start=1):
                if len(waiting) == SEND_WORKERS:
                    done.append(waiting.popleft().result())
                waiting.append(pool.submit(self._send_part, key, upload_id, number, block))
                del block  # its worker alone holds it from now on
            done += [each.result() for each in waiting]
        return done

    def _send_part(self, key: str, upload_id: str, number: int, block: bytes) -> dict[str, Any]:
        checksum = self._calls.checksum(digests.sha256(block))
        etag = self._calls.send_part(key, upload_id, number, block, **checksum)
        return {"PartNumber": number, "ETag": etag, **checksum}

    # --- both ---

    @contextmanager
    def _multipart(self, key: str, **options: Any) -> Iterator[str]:
        """A multipart upload that is aborted unless it was completed."""
        upload_id = self._calls.begin_multipart(key, **options)
        try:
            yield upload_id
        except BaseException as error:
            self._calls.abort_multipart(key, upload_id)
            if isinstance(error, ClientError) and code(error) in MISSING | NO_UPLOAD:
                raise errors.missing_upload() from error  # committed or aborted meanwhile
            raise

    def _bytes_of(self, parts: Sequence[tuple[str, int]]) -> Iterator[bytes]:
        for source, _ in parts:
            _, body = self._open(source)
            with closing(body):
                yield from body.iter_chunks(PIECE_BYTES)

    def _open(self, source: str) -> tuple[str, Any]:
        try:
            return self._calls.get(source)
        except ClientError as error:
            if code(error) in MISSING:
                raise errors.missing_upload() from error
            raise

    def _bytes(self, key: str) -> Iterator[bytes]:
        _, body = self._calls.get(key)
        with closing(body):
            yield from body.iter_chunks(PIECE_BYTES)
