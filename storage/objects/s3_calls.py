"""What is asked of S3, call by call, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from crypto.encoding import encode_base64
from storage.objects import errors
from storage.objects.s3_bucket import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
EXISTS: Final = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
NO_UPLOAD: Final = frozenset({"404", "NoSuchUpload"})
CHANGED: Final = frozenset({"412", "PreconditionFailed"})


class Calls:
    """Requests to one bucket. Errors come as boto3 raises them: ``wrapped`` is around all of it."""

    def __init__(self, client: S3Client, bucket: Bucket) -> None:
        self._client = client
        self.bucket = bucket

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        """(key, length) of what begins so, by key."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket.name, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"], entry["Size"]

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, sorted."""
        return (key for key, _ in self.listed(prefix))

    def put(self, key: str, data: bytes, **options: Any) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self.bucket.name, Key=key, Body=data, **options)

    def put_new(self, key: str, data: bytes, sha256: str) -> bool:
        """Write an object with its digest unless the key exists; whether this wrote it."""
        try:
            self.put(
                key,
                data,
                IfNoneMatch="*",
                Metadata={"sha256": sha256},
                **self.checksum(sha256),
            )
        except ClientError as error:
            if code(error) in EXISTS:
                return False
            raise
        return True

    def checksum(self, sha256: str) -> dict[str, Any]:
        """The digest in the form in which S3 compares it with what arrives."""
        if not self.bucket.checksums:
            return {}
        return {"ChecksumSHA256": encode_base64(bytes.fromhex(sha256))}

    def head(self, key: str) -> tuple[int, dict[str, str]]:
        """Length and metadata."""
        head = self._client.head_object(Bucket=self.bucket.name, Key=key)
        return head["ContentLength"], head["Metadata"]

    def length(self, key: str) -> int | None:
        """The object's length; None where there is none."""
        try:
            return self.head(key)[0]
        except ClientError as error:
            if code(error) in MISSING:
                return None
            raise

    def get(self, key: str, **options: Any) -> tuple[str, Any]:
        """ETag and body, which the caller closes."""
        answer = self._client.get_object(Bucket=self.bucket.name, Key=key, **options)
        return answer["ETag"], answer["Body"]

    def erase(self, keys: Sequence[str]) -> None:
        """Where a bucket keeps versions, or once did, a plain deletion only hides the last one."""
        answer = self._client.get_bucket_versioning(Bucket=self.bucket.name)
        # One by one: DeleteObjects needs an MD5 or a checksum that not every service accepts.
        for key in keys:
            self._client.delete_object(Bucket=self.bucket.name, Key=key)
            if answer.get("Status"):
                self._erase_versions(key)

    def _erase_versions(self, key: str) -> None:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.bucket.name, Prefix=key):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if each["Key"] == key:
                    self._client.delete_object(
                        Bucket=self.bucket.name, Key=key, VersionId=each["VersionId"]
                    )

    # --- multipart uploads ---

    def begin_multipart(self, key: str, **options: Any) -> str:
        """A new multipart upload; its id."""
        answer = self._client.create_multipart_upload(Bucket=self.bucket.name, Key=key, **options)
        return answer["UploadId"]

    def send_part(self, key: str, upload_id: str, number: int, data: bytes, **options: Any) -> str:
        """Send one part; its ETag."""
        where: dict[str, Any] = {"Bucket": self.bucket.name, "Key": key, "UploadId": upload_id}
        answer = self._client.upload_part(**where, PartNumber=number, Body=data, **options)
        return answer["ETag"]

    def copy_part(self, key: str, upload_id: str, number: int, source: str, etag: str) -> str:
        """Have S3 copy an object, as long as it is the one with that ETag, as a part; its ETag."""
        answer = self._client.upload_part_copy(
            Bucket=self.bucket.name,
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            CopySource={"Bucket": self.bucket.name, "Key": source},
            CopySourceIfMatch=etag,
        )
        return answer["CopyPartResult"]["ETag"]

    def complete_multipart(self, key: str, upload_id: str, parts: Sequence[Any]) -> None:
        """Make the parts one object: it appears whole."""
        self._client.complete_multipart_upload(
            Bucket=self.bucket.name,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": list(parts)},
        )

    def abort_multiparts(self, key: str) -> None:
        """Abort every multipart upload of that key."""
        listed = self._client.list_multipart_uploads(Bucket=self.bucket.name, Prefix=key)
        for each in listed.get("Uploads", ()):
            if each["Key"] == key:
                self.abort_multipart(key, each["UploadId"])

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """Idempotent."""
        try:
            self._client.abort_multipart_upload(
                Bucket=self.bucket.name, Key=key, UploadId=upload_id
            )
        except ClientError as error:
            if code(error) not in NO_UPLOAD:
                raise


def code(error: ClientError) -> str:
    """S3's name of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def wrapped() -> Iterator[None]:
    """What boto3 raises inside becomes StorageUnavailableError."""
    try:
        yield
    except ClientError as error:
        raise errors.unavailable(code(error) or "réponse inattendue") from error
    except (BotoCoreError, HTTPError) as error:  # boto3 lets some through while a body is read
        raise errors.unavailable(type(error).__name__) from error
