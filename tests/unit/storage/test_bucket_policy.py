"""The shipped bucket policy allows what the adapter asks of S3, all of it and nothing else."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, Final

import pytest

import storage.objects
from storage.objects.blocks import JOIN_BYTES
from storage.objects.s3 import S3Objects
from storage.objects.s3_calls import Calls
from storage.objects.s3_joining import LEAST_COPIED_BYTES
from tests.support.s3 import S3Service
from tests.support.stores import bucket_objects, digest, stored

ROOT = Path(__file__).parents[3]

ACTIONS: Final = {
    "PutObject": {"s3:PutObject"},
    "GetObject": {"s3:GetObject"},
    "HeadObject": {"s3:GetObject"},
    "DeleteObject": {"s3:DeleteObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "ListObjectVersions": {"s3:ListBucketVersions"},
    "GetBucketVersioning": {"s3:GetBucketVersioning"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
    "UploadPartCopy": {"s3:GetObject", "s3:PutObject"},
    "CompleteMultipartUpload": {"s3:PutObject"},
    "AbortMultipartUpload": {"s3:AbortMultipartUpload"},
    "ListMultipartUploads": {"s3:ListBucketMultipartUploads"},
}
"""The permission of each call (Amazon S3 user guide, "Required permissions for API operations")."""

VERSION: Final = {"s3:DeleteObjectVersion"}
"""Of a deletion that names a version."""

ON_THE_BUCKET: Final = {
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:GetBucketVersioning",
}


def policy() -> dict[str, set[str]]:
    """The shipped policy: resource → actions."""
    document = json.loads((ROOT / "deploy" / "minio" / "policy.json").read_text())
    allowed: dict[str, set[str]] = {}
    for statement in document["Statement"]:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for resource in statement["Resource"]:
            allowed.setdefault(resource, set()).update(statement["Action"])
    return allowed


@pytest.fixture
def asked(s3: S3Service) -> tuple[S3Objects, set[str], Any]:
    """A store in a bucket that keeps versions, and the permissions that its calls needed so far."""
    bucket = s3.new_bucket()
    admin = s3.admin()
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = bucket_objects(s3, bucket)
    store = objects.store
    assert isinstance(store, S3Objects)
    needed: set[str] = set()

    def note(model: Any, params: Any, **_more: Any) -> None:
        versioned = "versionId" in params["query_string"]
        needed.update(VERSION if versioned else ACTIONS[model.name])

    store._calls._client.meta.events.register("before-call.s3", note)
    return store, needed, objects


@pytest.mark.engines
def test_all_that_the_store_does_needs_just_that(
    asked: tuple[S3Objects, set[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything the store promises, done once on a bucket with versions: the same permissions."""
    store, needed, objects = asked
    whole = bytes(JOIN_BYTES + 1)
    store.delete(stored(store, whole, part_bytes=LEAST_COPIED_BYTES - 1))
    name = stored(store, whole)
    assert b"".join(store.read(name, 5, 10)) == whole[5:15]
    assert list(store.names()) == [name]
    upload = store.begin()
    store.put_part(upload, 1, whole, digest(whole))
    store.put_part(upload, 1, whole, digest(whole))
    assert len(store.parts(upload)) == 1
    _die_in_mid_join(store, upload, whole, monkeypatch)
    assert [each for each, _ in store.uploads()] == [upload]
    store.abort(upload)
    store.delete(name)
    store.put_back(name, 3, digest(b"abc"), iter([b"abc"]))
    store.delete(name)
    assert objects.leftovers() == []
    assert needed == set.union(*policy().values())


def _die_in_mid_join(
    store: S3Objects, upload: str, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A multipart upload that nobody completes, as a killed worker leaves it."""
    with monkeypatch.context() as patch:
        patch.setattr(Calls, "copy_part", lambda *_: 1 / 0)
        patch.setattr(Calls, "abort_multipart", lambda *_: None)
        with pytest.raises(ZeroDivisionError):
            store.commit(upload, len(whole), digest(whole))


def test_the_source_makes_no_other_call() -> None:
    """Every method of the client that the package names is one of those above."""
    folder = Path(storage.objects.__file__).parent
    nodes = [
        node
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    named = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_client"
    }
    pages = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get_paginator"
        and isinstance(node.args[0], ast.Constant)
    }
    calls = {_camel(str(each)) for each in (named - {"get_paginator"}) | pages}
    assert calls == set(ACTIONS)


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def test_the_policy_is_of_one_bucket() -> None:
    """What concerns the bucket is allowed on it, what concerns objects on its objects, and no
    statement has a wildcard elsewhere."""
    allowed = policy()
    (bucket,) = (each for each in allowed if not each.endswith("/*"))
    assert set(allowed) == {bucket, f"{bucket}/*"}
    assert allowed[bucket] == ON_THE_BUCKET
    assert not any("*" in action for actions in allowed.values() for action in actions)
