"""What goes wrong around objects is said in our words, and costs no object that was acknowledged."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from botocore.response import StreamingBody

from crypto.digests import sha256
from storage.errors import StorageConfigurationError, StorageUnavailableError
from storage.objects import filesystem, open_objects
from storage.objects.s3_calls import wrapped

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


class Dead(BaseException):
    """The process ends here."""


def test_a_repeated_commit_makes_the_name_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process died between the object's name and its flush: whoever commits again flushes the folder
    before the parts go and the answer leaves."""
    store = open_objects(f"file://{tmp_path}", clock=lambda: datetime.now(UTC), entropy=os.urandom)
    upload, data = store.begin(), b"x" * 100
    store.put_part(upload, 1, data, sha256(data))
    real, synced = filesystem.sync_folder, []

    def dying(folder: Path) -> None:
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(filesystem, "sync_folder", dying)
        with pytest.raises(Dead):
            store.commit(upload, 100, sha256(data))

    parts = [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()]
    assert parts

    def watching(folder: Path) -> None:
        synced.append((folder, all(each.exists() for each in parts)))
        real(folder)

    monkeypatch.setattr(filesystem, "sync_folder", watching)
    name = store.commit(upload, 100, sha256(data))
    (found,) = (tmp_path / "objects").rglob(name)
    assert (found.parent, True) in synced
    assert not any(each.exists() for each in parts)


@pytest.mark.parametrize(
    "error",
    [
        urllib3.exceptions.SSLError("bad record mac"),
        urllib3.exceptions.ProtocolError("cut"),
        urllib3.exceptions.ReadTimeoutError(None, "", "slow"),  # type: ignore[arg-type]
    ],
)
def test_a_line_that_breaks_in_a_body_is_unavailable(error: Exception) -> None:
    """Whatever the library below boto3 raises while a body is read, ours comes out."""

    class Broken:
        def read(self, _amount: int | None = None) -> bytes:
            raise error

    with pytest.raises(StorageUnavailableError), wrapped():
        StreamingBody(Broken(), 10).read(5)


@pytest.mark.parametrize("query", ["endpoint=minio:9000", "region=n%C3%A9ant%20"])
def test_an_address_that_cannot_be_one_is_said(query: str) -> None:
    """A slip in the settings is a sentence for the operator."""
    with pytest.raises(StorageConfigurationError):
        open_objects(
            f"s3://bucket?{query}",
            clock=lambda: datetime.now(UTC),
            entropy=os.urandom,
            environment=KEYS,
        )
