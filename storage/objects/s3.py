"""Objects in an S3 bucket, within the subset that AWS, MinIO, SeaweedFS and Ceph share.

    uploads/<upload>/begun/20261124T083000Z   when it began (the key says it; empty)
    uploads/<upload>/parts/00001              a part; its SHA-256 is in its metadata
    uploads/<upload>/joins/<name>             an object that a commit of this upload may have begun
    objects/<name>                            a committed object

Kept out on purpose: conditional deletes and overwrites, listings that are not by prefix,
lifecycle rules, keys that begin other keys. A conditional PUT (If-None-Match) guards parts; a
service that ignored it could lose one of two contradicting parts, and the commit would then be
refused. Joined objects need no guard: the name follows from upload, length and digest, so two
commits that meet write the same bytes. S3 shows an object only when it is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from crypto import digests
from crypto.digests import Digest, parse_digest
from crypto.encoding import encode_base64, new_opaque_id
from crypto.errors import MalformedError
from exchange.usecases.ports import Clock
from storage.errors import CorruptStorageError
from storage.objects import errors
from storage.objects.blocks import JOIN_BYTES, regroup
from storage.objects.names import MAX_PARTS, is_name, object_name
from storage.objects.s3_bucket import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PIECE_BYTES: Final = 1_048_576
"""1 MiB read at a time, whatever the object's size."""

JOIN_WORKERS: Final = 3
"""Parts written at once while an upload is committed: a service takes one stream at a fraction of what it
can. They and the one being read are in memory, 32 MiB a commit."""

_BEGUN_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_EXISTS: Final = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_NO_UPLOAD: Final = frozenset({"404", "NoSuchUpload"})


class S3Objects:
    """Implements ``usecases.ports.ObjectStore``. Any number of workers on any number of hosts."""

    def __init__(
        self, client: S3Client, bucket: Bucket, *, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock
        self._entropy = entropy

    # --- uploads ---

    def begin(self) -> str:
        """A new upload id."""
        upload = new_opaque_id(self._entropy)
        begun = self._clock().astimezone(UTC).strftime(_BEGUN_FORMAT)
        with _wrapped():
            self._put(f"{self._upload(upload)}begun/{begun}", b"")
        return upload

    def put_part(self, upload: str, number: int, data: bytes, sha256: Digest) -> None:
        """Keep one part; durable when it returns."""
        if not 1 <= number <= MAX_PARTS:
            raise errors.bad_number(number)
        if digests.sha256(data) != sha256:
            raise errors.wrong_part(number)
        key = f"{self._existing_upload(upload)}parts/{number:05d}"
        with _wrapped():
            if not self._put_new(key, data, sha256) and self._part(key)[2] != sha256:
                raise errors.other_part(number)

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        """(number, length, digest) of the parts kept so far, by number."""
        prefix = self._existing_upload(upload)
        with _wrapped():
            return [self._part(key) for key in self._keys(f"{prefix}parts/")]

    def name_of(self, upload: str, length: int, sha256: Digest) -> str:
        """The name under which ``commit`` keeps that content of that upload."""
        return object_name(upload, length, sha256)

    def commit(self, upload: str, length: int, sha256: Digest) -> str:
        """Join the parts under a name that follows from upload and content."""
        name = object_name(upload, length, sha256)
        prefix = self._upload(upload)
        with _wrapped():
            # Already there: an earlier commit of the same content was cut short, or its answer
            # was lost. A wrong digest leads to another name, where nothing is.
            if self._length(self._object(name)) is None:
                self._join(self._existing_upload(upload), name, length, sha256)
            self._remove_upload(prefix)
        return name

    def abort(self, upload: str) -> None:
        """Forget an upload and its parts. Idempotent; a committed object stays."""
        with _wrapped():
            self._remove_upload(self._upload(upload))

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        """Unfinished uploads and when they began."""
        root = f"{self._bucket.prefix}uploads/"
        last = None
        with _wrapped():
            for key in self._keys(root):
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
        with _wrapped():
            size = self._length(key)
        if size is None:
            raise errors.missing_object()
        return size

    def delete(self, name: str) -> None:
        """Remove an object, with all the versions that the bucket kept of it. Idempotent."""
        if is_name(name):
            with _wrapped():
                self._erase([self._object(name)])

    def put_back(self, name: str, length: int, sha256: Digest, pieces: Iterator[bytes]) -> None:
        """Write an object of a backup under the name that it had; an existing one stays."""
        key = self._object(name)
        with _wrapped():
            if self._length(key) is None:
                self._write(key, length, regroup(pieces, length, sha256), sha256)

    def names(self) -> Iterator[str]:
        """All committed objects."""
        root = f"{self._bucket.prefix}objects/"
        with _wrapped():
            for key in self._keys(root):
                name = key.removeprefix(root)
                if is_name(name):
                    yield name

    # --- keys ---

    def _object(self, name: str) -> str:
        if not is_name(name):
            raise errors.missing_object()
        return f"{self._bucket.prefix}objects/{name}"

    def _upload(self, upload: str) -> str:
        if not is_name(upload):
            raise errors.missing_upload()
        return f"{self._bucket.prefix}uploads/{upload}/"

    def _existing_upload(self, upload: str) -> str:
        prefix = self._upload(upload)
        with _wrapped():
            if not any(True for _ in self._keys(f"{prefix}begun/")):
                raise errors.missing_upload()
        return prefix

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket.name, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    # --- requests ---

    def _put(self, key: str, data: bytes, **options: Any) -> None:
        self._client.put_object(Bucket=self._bucket.name, Key=key, Body=data, **options)

    def _put_new(self, key: str, data: bytes, sha256: Digest) -> bool:
        """Put unless the key exists; whether this put it."""
        try:
            self._put(
                key,
                data,
                IfNoneMatch="*",
                Metadata={"sha256": sha256},
                **self._checksum(sha256),
            )
        except ClientError as error:
            if _code(error) in _EXISTS:
                return False
            raise
        return True

    def _checksum(self, sha256: str) -> dict[str, Any]:
        if not self._bucket.checksums:
            return {}
        return {"ChecksumSHA256": encode_base64(bytes.fromhex(sha256))}

    def _length(self, key: str) -> int | None:
        try:
            return self._client.head_object(Bucket=self._bucket.name, Key=key)["ContentLength"]
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise

    def _part(self, key: str) -> tuple[int, int, Digest]:
        try:
            head = self._client.head_object(Bucket=self._bucket.name, Key=key)
            digest = parse_digest(head["Metadata"].get("sha256", ""))
        except ClientError as error:
            if _code(error) in _MISSING:  # committed or aborted meanwhile
                raise errors.missing_upload() from error
            raise
        except MalformedError as error:
            raise CorruptStorageError("Une partie conservée a perdu son empreinte.") from error
        return int(key.rpartition("/")[2]), head["ContentLength"], digest

    def _stream(self, key: str, first: int, last: int) -> Iterator[bytes]:
        if first >= last:
            return
        with _wrapped():
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket.name, Key=key, Range=f"bytes={first}-{last - 1}"
                )
            except ClientError as error:
                if _code(error) in _MISSING:
                    raise errors.missing_object() from error
                raise
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(PIECE_BYTES)

    # --- joining ---

    def _join(self, prefix: str, name: str, length: int, sha256: Digest) -> None:
        """Read all parts, write them as one object. The digest of the whole is known only after
        the last byte, so the object is completed after that, never before.
        """
        if length > JOIN_BYTES:
            # Noted before it begins: an interrupted multipart upload holds space that no listing of
            # objects shows. ``_remove_upload`` finds it by its exact key, all MinIO can list by.
            self._put(f"{prefix}joins/{name}", b"")
        blocks = regroup(self._part_bytes(prefix), length, sha256)
        self._write(self._object(name), length, blocks, sha256)

    def _write(self, key: str, length: int, blocks: Iterator[bytes], sha256: Digest) -> None:
        first = next(blocks)
        if length > JOIN_BYTES:
            self._multipart(key, first, blocks)
            return
        # Exhausting the blocks is what checks length and digest.
        for _ in blocks:
            raise errors.wrong_whole()
        self._put(key, first, **self._checksum(sha256))

    def _erase(self, keys: Sequence[str]) -> None:
        """Where a bucket keeps versions, or once did, a plain deletion only hides the last one."""
        answer = self._client.get_bucket_versioning(Bucket=self._bucket.name)
        for key in keys:
            self._client.delete_object(Bucket=self._bucket.name, Key=key)
            if answer.get("Status"):
                self._erase_versions(key)

    def _erase_versions(self, key: str) -> None:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket.name, Prefix=key):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if each["Key"] == key:
                    self._client.delete_object(
                        Bucket=self._bucket.name, Key=key, VersionId=each["VersionId"]
                    )

    def _multipart(self, key: str, first: bytes, rest: Iterator[bytes]) -> None:
        where: dict[str, Any] = {"Bucket": self._bucket.name, "Key": key}
        algorithm: dict[str, Any] = (
            {"ChecksumAlgorithm": "SHA256"} if self._bucket.checksums else {}
        )
        upload_id = self._client.create_multipart_upload(**where, **algorithm)["UploadId"]
        try:
            done = self._upload_parts(where, upload_id, chain([first], rest))
            self._client.complete_multipart_upload(
                **where, UploadId=upload_id, MultipartUpload={"Parts": done}
            )
        except BaseException:
            self._abort_multipart(key, upload_id)
            raise

    def _upload_parts(
        self, where: dict[str, Any], upload_id: str, blocks: Iterator[bytes]
    ) -> list[CompletedPartTypeDef]:
        """Several at once; ends only when all have, so that an abort after it leaves nothing."""
        done: list[CompletedPartTypeDef] = []
        with ThreadPoolExecutor(JOIN_WORKERS) as pool:
            waiting: deque[Future[CompletedPartTypeDef]] = deque()
            for number, block in enumerate(blocks, start=1):
                if len(waiting) == JOIN_WORKERS:
                    done.append(waiting.popleft().result())
                waiting.append(pool.submit(self._upload_part, where, upload_id, number, block))
                del block  # its worker alone holds it from now on
            done += [each.result() for each in waiting]
        return done

    def _upload_part(
        self, where: dict[str, Any], upload_id: str, number: int, block: bytes
    ) -> CompletedPartTypeDef:
        checksum = self._checksum(digests.sha256(block))
        answer = self._client.upload_part(
            **where, UploadId=upload_id, PartNumber=number, Body=block, **checksum
        )
        return {"PartNumber": number, "ETag": answer["ETag"], **checksum}  # type: ignore[typeddict-item]

    def _part_bytes(self, prefix: str) -> Iterator[bytes]:
        for key in self._keys(f"{prefix}parts/"):
            try:
                body = self._client.get_object(Bucket=self._bucket.name, Key=key)["Body"]
            except ClientError as error:
                if _code(error) in _MISSING:
                    raise errors.missing_upload() from error
                raise
            with closing(body):
                yield from body.iter_chunks(PIECE_BYTES)

    def _remove_upload(self, prefix: str) -> None:
        """Everything else first and ``begun`` last, so that an upload cut short here is still
        found by a sweep with its age.
        """
        for key in self._keys(f"{prefix}joins/"):
            self._abort_joins(self._object(key.rpartition("/")[2]))
        keys = sorted(self._keys(prefix), key=lambda key: key.startswith(f"{prefix}begun/"))
        # One by one: DeleteObjects needs an MD5 or a checksum that not every service accepts.
        self._erase(keys)

    def _abort_joins(self, key: str) -> None:
        listed = self._client.list_multipart_uploads(Bucket=self._bucket.name, Prefix=key)
        for each in listed.get("Uploads", ()):
            if each["Key"] == key:
                self._abort_multipart(key, each["UploadId"])

    def _abort_multipart(self, key: str, upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(
                Bucket=self._bucket.name, Key=key, UploadId=upload_id
            )
        except ClientError as error:
            if _code(error) not in _NO_UPLOAD:
                raise


def _begun(rest: str) -> datetime:
    kind, _, moment = rest.partition("/")
    try:
        if kind == "begun":
            return datetime.strptime(moment, _BEGUN_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        pass
    return datetime.fromtimestamp(0, UTC)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise errors.unavailable(_code(error) or "réponse inattendue") from error
    except BotoCoreError as error:
        raise errors.unavailable(type(error).__name__) from error
