"""Objects in an S3 bucket, within the subset that AWS, MinIO, SeaweedFS and Ceph share.

    uploads/<upload>/begun/20261124T083000Z   when it began (the key says it; empty)
    uploads/<upload>/parts/00001              a part; its SHA-256 is in its metadata
    uploads/<upload>/joins/<name>             an object that a commit of this upload may have begun
    objects/<name>                            a committed object

Kept out on purpose: conditional deletes and overwrites, listings that are not by prefix,
lifecycle rules, keys that begin other keys. A conditional PUT (If-None-Match) guards parts; a
service that ignored it could lose one of two contradicting parts, and the commit would then be
refused. Joined objects need no guard: the name follows from upload, length and digest, so two
commits that meet write the same bytes. S3 shows an object only when it is complete; while its name
is under ``joins/`` a commit believes it only after reading it (``s3_joining``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from crypto import digests
from crypto.digests import Digest, parse_digest
from crypto.encoding import new_opaque_id
from crypto.errors import MalformedError
from exchange.usecases.errors import ObjectConflictError, ObjectMissingError
from exchange.usecases.ports import Clock
from storage.errors import CorruptStorageError
from storage.objects import errors
from storage.objects.blocks import JOIN_BYTES, regroup
from storage.objects.names import MAX_PARTS, is_name, object_name
from storage.objects.s3_bucket import Bucket
from storage.objects.s3_calls import MISSING, Calls, code, wrapped
from storage.objects.s3_joining import PIECE_BYTES, Joining

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BEGUN_FORMAT: Final = "%Y%m%dT%H%M%SZ"


class S3Objects:
    """Implements ``usecases.ports.ObjectStore``. Any number of workers on any number of hosts."""

    def __init__(
        self, client: S3Client, bucket: Bucket, *, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._calls = Calls(client, bucket)
        self._joining = Joining(self._calls)
        self._prefix = bucket.prefix
        self._clock = clock
        self._entropy = entropy

    # --- uploads ---

    def begin(self) -> str:
        """A new upload id."""
        upload = new_opaque_id(self._entropy)
        begun = self._clock().astimezone(UTC).strftime(_BEGUN_FORMAT)
        with wrapped():
            self._calls.put(f"{self._upload(upload)}begun/{begun}", b"")
        return upload

    def put_part(self, upload: str, number: int, data: bytes, sha256: Digest) -> None:
        """Keep one part; durable when it returns."""
        if not 1 <= number <= MAX_PARTS:
            raise errors.bad_number(number)
        if digests.sha256(data) != sha256:
            raise errors.wrong_part(number)
        key = f"{self._existing_upload(upload)}parts/{number:05d}"
        with wrapped():
            if not self._calls.put_new(key, data, sha256) and self._part(key)[2] != sha256:
                raise errors.other_part(number)

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        """(number, length, digest) of the parts kept so far, by number."""
        prefix = self._existing_upload(upload)
        with wrapped():
            return [self._part(key) for key in self._calls.keys(f"{prefix}parts/")]

    def name_of(self, upload: str, length: int, sha256: Digest) -> str:
        """The name under which ``commit`` keeps that content of that upload."""
        return object_name(upload, length, sha256)

    def commit(self, upload: str, length: int, sha256: Digest) -> str:
        """Join the parts under a name that follows from upload and content."""
        name = object_name(upload, length, sha256)
        prefix = self._upload(upload)
        with wrapped():
            if not self._is_kept(upload, name, length, sha256):
                try:
                    self._join(upload, name, length, sha256)
                except (ObjectMissingError, ObjectConflictError):
                    # Another commit of this upload may have won and tidied up while we read.
                    if not self._is_kept(upload, name, length, sha256):
                        raise
            self._remove_upload(prefix)
        return name

    def abort(self, upload: str) -> None:
        """Forget an upload and its parts. Idempotent; a committed object stays."""
        with wrapped():
            self._remove_upload(self._upload(upload))

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        """Unfinished uploads and when they began."""
        root = f"{self._prefix}uploads/"
        last = None
        with wrapped():
            for key in self._calls.keys(root):
                upload, _, rest = key.removeprefix(root).partition("/")
                # Keys come sorted, "begun/…" before "joins/…" and "parts/…".
                if upload != last and is_name(upload):
                    yield upload, _begun(rest)
                last = upload

    # --- objects ---

    def read(self, name: str, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Stream a range in pieces of at most 1 MiB, cut at the object's end."""
        size = self.size(name)
        last = size if length is None else min(size, first + length)
        return self._stream(self._object(name), first, last)

    def size(self, name: str) -> int:
        """The object's length."""
        key = self._object(name)
        with wrapped():
            size = self._calls.length(key)
        if size is None:
            raise errors.missing_object()
        return size

    def delete(self, name: str) -> None:
        """Remove an object, with all the versions that the bucket kept of it. Idempotent."""
        if is_name(name):
            with wrapped():
                self._calls.erase([self._object(name)])

    def put_back(self, name: str, length: int, sha256: Digest, pieces: Iterator[bytes]) -> None:
        """Write an object of a backup under the name that it had; an existing one stays."""
        key = self._object(name)
        with wrapped():
            if self._calls.length(key) is None:
                self._joining.write(key, length, regroup(pieces, length, sha256), sha256)

    def names(self) -> Iterator[str]:
        """All committed objects."""
        root = f"{self._prefix}objects/"
        with wrapped():
            for key in self._calls.keys(root):
                name = key.removeprefix(root)
                if is_name(name):
                    yield name

    # --- keys ---

    def _object(self, name: str) -> str:
        if not is_name(name):
            raise errors.missing_object()
        return f"{self._prefix}objects/{name}"

    def _upload(self, upload: str) -> str:
        if not is_name(upload):
            raise errors.missing_upload()
        return f"{self._prefix}uploads/{upload}/"

    def _existing_upload(self, upload: str) -> str:
        prefix = self._upload(upload)
        with wrapped():
            if not any(True for _ in self._calls.keys(f"{prefix}begun/")):
                raise errors.missing_upload()
        return prefix

    # --- requests ---

    def _part(self, key: str) -> tuple[int, int, Digest]:
        try:
            length, metadata = self._calls.head(key)
            digest = parse_digest(metadata.get("sha256", ""))
        except ClientError as error:
            if code(error) in MISSING:  # committed or aborted meanwhile
                raise errors.missing_upload() from error
            raise
        except MalformedError as error:
            raise CorruptStorageError("Une partie conservée a perdu son empreinte.") from error
        return int(key.rpartition("/")[2]), length, digest

    def _stream(self, key: str, first: int, last: int) -> Iterator[bytes]:
        if first >= last:
            return
        with wrapped():
            try:
                _, body = self._calls.get(key, Range=f"bytes={first}-{last - 1}")
            except ClientError as error:
                if code(error) in MISSING:
                    raise errors.missing_object() from error
                raise
            with closing(body):
                yield from body.iter_chunks(PIECE_BYTES)

    # --- joining ---

    def _join(self, upload: str, name: str, length: int, sha256: Digest) -> None:
        prefix = self._existing_upload(upload)
        if length > JOIN_BYTES:
            # Noted before it begins, for two reasons: an interrupted multipart upload holds space that
            # no listing of objects shows, and ``_remove_upload`` finds it by its exact key, all MinIO
            # can list by; and an object whose making was cut short is not believed unread.
            self._calls.put(self._note(prefix, name), b"")
        parts = list(self._calls.listed(f"{prefix}parts/"))
        self._joining.join(parts, self._object(name), length, sha256)

    def _is_kept(self, upload: str, name: str, length: int, sha256: Digest) -> bool:
        """Whether an earlier commit of the same content was cut short, or its answer was lost. A wrong
        digest leads to another name, where nothing is.
        """
        key = self._object(name)
        if self._calls.length(key) is None:
            return False
        noted = any(True for _ in self._calls.keys(self._note(self._upload(upload), name)))
        return not noted or self._joining.holds(key, length, sha256)

    @staticmethod
    def _note(prefix: str, name: str) -> str:
        return f"{prefix}joins/{name}"

    def _remove_upload(self, prefix: str) -> None:
        """Everything else first and ``begun`` last, so that an upload cut short here is still
        found by a sweep with its age.
        """
        for key in self._calls.keys(f"{prefix}joins/"):
            self._calls.abort_multiparts(self._object(key.rpartition("/")[2]))
        keys = self._calls.keys(prefix)
        self._calls.erase(sorted(keys, key=lambda key: key.startswith(f"{prefix}begun/")))


def _begun(rest: str) -> datetime:
    kind, _, moment = rest.partition("/")
    try:
        if kind == "begun":
            return datetime.strptime(moment, _BEGUN_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        pass
    return datetime.fromtimestamp(0, UTC)
