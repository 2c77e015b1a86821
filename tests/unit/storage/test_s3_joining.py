"""How an upload in S3 becomes one object: S3 copies its parts, and what it made is read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from exchange.usecases.errors import ObjectConflictError
from storage.errors import StorageUnavailableError
from storage.objects.s3 import S3Objects
from storage.objects.s3_calls import Calls
from storage.objects.s3_joining import LEAST_COPIED_BYTES, Joining
from tests.support.s3 import S3Service
from tests.support.stores import ENGINES, Objects, bucket_objects, digest

pytestmark = ENGINES

FIRST = hashlib.shake_128(b"first").digest(LEAST_COPIED_BYTES)
SECOND = hashlib.shake_128(b"second").digest(LEAST_COPIED_BYTES)
WHOLE = FIRST + SECOND
Hook = Callable[[dict[str, Any]], None]
on_both = pytest.mark.parametrize("bucket", ["yes", "no"], indirect=True)
"""A service with checksums, and one without."""


@dataclass
class Bucket:
    """A bucket with an upload of two parts, each just long enough to be copied by S3."""

    service: S3Service
    name: str
    objects: Objects
    upload: str

    def commit(self, store: S3Objects | None = None) -> str:
        """Commit what was sent."""
        return (store or self.store).commit(self.upload, len(WHOLE), digest(WHOLE))

    @property
    def store(self) -> S3Objects:
        """The store that is committed with."""
        assert isinstance(self.objects.store, S3Objects)
        return self.objects.store

    def part(self, number: int) -> str:
        """The key of a part."""
        return f"instance/uploads/{self.upload}/parts/{number:05d}"

    def overwrite(self, key: str, data: bytes) -> None:
        """What only somebody with other keys to the bucket, or the service itself, can do."""
        self.service.admin().put_object(Bucket=self.name, Key=key, Body=data)

    @contextmanager
    def at(self, call: str, hook: Hook) -> Iterator[None]:
        """``hook`` runs with each request of that name before it is sent."""
        events = self.store._calls._client.meta.events

        def run(params: dict[str, Any], **_more: Any) -> None:
            hook(params)

        events.register(f"before-call.s3.{call}", run)
        try:
            yield
        finally:
            events.unregister(f"before-call.s3.{call}", run)

    def calls(self, name: str) -> list[str]:
        """Grows by one with each request of that name."""
        seen: list[str] = []
        events = self.store._calls._client.meta.events
        events.register(f"before-call.s3.{name}", lambda **_: seen.append(name))
        return seen


@pytest.fixture
def bucket(request: pytest.FixtureRequest, s3: S3Service) -> Bucket:
    """The upload; ``checksums`` are compared by the service, unless a test says "no"."""
    name = s3.new_bucket()
    options = {"checksums": getattr(request, "param", "yes")}
    objects = bucket_objects(s3, name, **options)
    return Bucket(s3, name, objects, begun(objects, FIRST, SECOND))


def begun(objects: Objects, *parts: bytes) -> str:
    upload = objects.store.begin()
    for number, part in enumerate(parts, start=1):
        objects.store.put_part(upload, number, part, digest(part))
    return upload


def read(objects: Objects, name: str) -> bytes:
    return b"".join(objects.store.read(name))


def copy_another(bucket: Bucket) -> Hook:
    """A service that copies other bytes than it was asked for, and ignores the condition."""
    other = f"instance/uploads/{bucket.upload}/other"
    bucket.overwrite(other, SECOND)

    def hook(params: dict[str, Any]) -> None:
        params["headers"]["x-amz-copy-source"] = f"{bucket.name}/{other}"
        params["headers"].pop("x-amz-copy-source-if-match", None)

    return hook


@on_both
def test_s3_copies_the_parts(bucket: Bucket) -> None:
    """Parts of S3's least size or more never pass through this process again as one object."""
    copied, sent = bucket.calls("UploadPartCopy"), bucket.calls("UploadPart")
    assert read(bucket.objects, bucket.commit()) == WHOLE
    assert (len(copied), len(sent)) == (2, 0)
    assert bucket.objects.leftovers() == []


@on_both
def test_parts_too_small_to_be_copied_are_sent(bucket: Bucket) -> None:
    """A first part below S3's least size: the object is written from here, and none is copied."""
    copied, sent = bucket.calls("UploadPartCopy"), bucket.calls("UploadPart")
    short = FIRST[:-1]
    upload = begun(bucket.objects, short, SECOND)
    whole = short + SECOND
    name = bucket.store.commit(upload, len(whole), digest(whole))
    assert read(bucket.objects, name) == whole
    assert (len(copied), len(sent)) == (0, 2)


def test_a_part_replaced_before_its_copy_is_refused(bucket: Bucket) -> None:
    """What is copied is what was hashed: no object is made of anything else, not for a moment."""
    completed = bucket.calls("CompleteMultipartUpload")
    replaced = FIRST[:-1] + bytes([FIRST[-1] ^ 1])
    with (
        bucket.at("UploadPartCopy", lambda _: bucket.overwrite(bucket.part(1), replaced)),
        pytest.raises(ObjectConflictError),
    ):
        bucket.commit()
    assert completed == []
    assert list(bucket.store.names()) == []
    assert not any(each.startswith("multipart") for each in bucket.objects.leftovers())


@on_both
def test_a_wrong_copy_is_written_anew(bucket: Bucket) -> None:
    """A service that copies other bytes than the part's is found out by reading, and the object mended."""
    sent = bucket.calls("UploadPart")
    with bucket.at("UploadPartCopy", copy_another(bucket)):
        name = bucket.commit()
    assert read(bucket.objects, name) == WHOLE
    assert len(sent) == 2


def test_an_object_that_reads_wrong_is_never_committed(bucket: Bucket) -> None:
    """Where the service gives back other bytes however they are written, no commit answers and the parts
    stay; once it is mended the same commit succeeds."""
    name = bucket.store.name_of(bucket.upload, len(WHOLE), digest(WHOLE))
    events = bucket.store._calls._client.meta.events

    def spoil(**_more: Any) -> None:
        bucket.overwrite(f"instance/objects/{name}", SECOND + FIRST)

    events.register("after-call.s3.CompleteMultipartUpload", spoil)
    with pytest.raises(StorageUnavailableError):
        bucket.commit()
    events.unregister("after-call.s3.CompleteMultipartUpload", spoil)
    assert [number for number, _, _ in bucket.store.parts(bucket.upload)] == [1, 2]
    assert read(bucket.objects, bucket.commit()) == WHOLE


def test_an_object_that_nobody_read_back_is_not_believed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed after a wrong copy: whoever commits next reads the object, and mends it."""
    with monkeypatch.context() as patch, bucket.at("UploadPartCopy", copy_another(bucket)):
        patch.setattr(Joining, "holds", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bucket.commit()
    assert len(list(bucket.store.names())) == 1
    again = bucket.objects.reopen()
    assert isinstance(again, S3Objects)
    assert read(bucket.objects, bucket.commit(again)) == WHOLE


def test_a_worker_killed_in_mid_copy_leaves_what_a_sweep_finds(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half-made object holds space that no listing of objects shows; abandoning the upload frees it."""
    with monkeypatch.context() as patch:
        patch.setattr(Calls, "complete_multipart", lambda *_: 1 / 0)
        patch.setattr(Calls, "abort_multipart", lambda *_: None)
        with pytest.raises(ZeroDivisionError):
            bucket.commit()
    assert any(each.startswith("multipart") for each in bucket.objects.leftovers())
    for upload, _ in list(bucket.store.uploads()):
        bucket.store.abort(upload)
    assert bucket.objects.leftovers() == []


def test_a_commit_that_another_has_overtaken_agrees_with_it(bucket: Bucket) -> None:
    """Another worker ends the same commit while S3 copies for this one: both give the same object."""
    other, names = bucket.objects.reopen(), []
    assert isinstance(other, S3Objects)

    def overtake(_params: dict[str, Any]) -> None:
        if not names:
            names.append(bucket.commit(other))

    with bucket.at("CompleteMultipartUpload", overtake):
        names.append(bucket.commit())
    assert names == list(bucket.store.names()) * 2
    assert read(bucket.objects, names[0]) == WHOLE
    assert bucket.objects.leftovers() == []
