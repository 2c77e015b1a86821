"""What every object store promises (usecases.ports.ObjectStore), tried on each of them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.usecases.errors import ObjectConflictError, ObjectMissingError
from tests.support.s3 import S3Service
from tests.support.stores import (
    ENGINES,
    NOW,
    Objects,
    bucket_objects,
    digest,
    random_id,
    stored,
)

MIB = 1_048_576
CRAFTED = ["../../etc/passwd", "..", "", "a/b", "A" * 26, "a" * 27, "a" * 26 + "\n", "é" * 26, "\0"]


def read(objects: Objects, name: str, *range_: int) -> bytes:
    return b"".join(objects.store.read(name, *range_))


@pytest.mark.parametrize("size", [0, 1, 1000, 8 * MIB, 8 * MIB + 1, 17 * MIB])
def test_what_is_committed_reads_back(objects: Objects, size: int) -> None:
    """Any length, in one part or many, comes back bit for bit, and nothing else is left."""
    data = bytes(range(251)) * (size // 251 + 1)
    name = stored(objects.store, data[:size])
    assert read(objects, name) == data[:size]
    assert objects.store.size(name) == size
    assert list(objects.store.names()) == [name]
    assert list(objects.store.uploads()) == []
    assert objects.leftovers() == []


def test_small_parts_join_in_the_order_of_their_numbers(objects: Objects) -> None:
    """Parts may come in any order and any size; numbers decide, as numbers and not as text."""
    upload = objects.store.begin()
    for number in (11, 2, 1, 9, 10):
        part = b"%d;" % number
        objects.store.put_part(upload, number, part, digest(part))
    whole = b"1;2;9;10;11;"
    assert [number for number, _, _ in objects.store.parts(upload)] == [1, 2, 9, 10, 11]
    name = objects.store.commit(upload, len(whole), digest(whole))
    assert read(objects, name) == whole


def test_pieces_are_at_most_a_mebibyte(objects: Objects) -> None:
    """A reader needs constant memory, whatever the object's size."""
    data = bytes(3 * MIB + 5)
    pieces = list(objects.store.read(stored(objects.store, data)))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= MIB


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(first=st.integers(0, 120), length=st.none() | st.integers(0, 120))
def test_ranges_are_slices(objects: Objects, first: int, length: int | None) -> None:
    """Every range is the slice that Python would cut, beyond the end as well."""
    data = bytes(range(100))
    name = next(objects.store.names(), None) or stored(objects.store, data)
    last = None if length is None else first + length
    assert b"".join(objects.store.read(name, first, length)) == data[first:last]


def test_parts_are_listed_with_length_and_digest(objects: Objects) -> None:
    """A client that resumes learns from any worker exactly what is kept."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 2, b"two", digest(b"two"))
    objects.store.put_part(upload, 1, b"", digest(b""))
    expected = [(1, 0, digest(b"")), (2, 3, digest(b"two"))]
    assert list(objects.reopen().parts(upload)) == expected


def test_the_same_part_again_is_fine(objects: Objects) -> None:
    """A client that saw no answer sends the part again."""
    upload = objects.store.begin()
    for _ in range(2):
        objects.store.put_part(upload, 1, b"data", digest(b"data"))
    assert len(objects.store.parts(upload)) == 1


def test_another_part_under_the_number_is_refused(objects: Objects) -> None:
    """What was acknowledged is never replaced."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    with pytest.raises(ObjectConflictError):
        objects.store.put_part(upload, 1, b"DATA", digest(b"DATA"))
    name = objects.store.commit(upload, 4, digest(b"data"))
    assert read(objects, name) == b"data"


def test_a_part_with_a_wrong_digest_is_not_kept(objects: Objects) -> None:
    """A truncated or altered transfer leaves nothing."""
    upload = objects.store.begin()
    with pytest.raises(ObjectConflictError):
        objects.store.put_part(upload, 1, b"trunc", digest(b"truncated"))
    assert list(objects.store.parts(upload)) == []


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_numbers_are_bounded(objects: Objects, number: int) -> None:
    """Numbers outside of 1 to 10,000 are refused."""
    upload = objects.store.begin()
    with pytest.raises(ObjectConflictError):
        objects.store.put_part(upload, number, b"", digest(b""))


@pytest.mark.parametrize("size", [10, 9 * MIB])
@pytest.mark.parametrize("wrong", ["digest", "length", "missing part"])
def test_a_wrong_whole_is_not_committed(objects: Objects, size: int, wrong: str) -> None:
    """Parts that do not give the announced file make no object; the upload can still be mended."""
    data = bytes(range(256)) * (size // 256 + 1)
    parts = [data[: size // 2], data[size // 2 : size]]
    whole = b"".join(parts)
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, parts[0], digest(parts[0]))
    if wrong != "missing part":
        objects.store.put_part(upload, 2, parts[1], digest(parts[1]))
    length = size + 1 if wrong == "length" else size
    with pytest.raises(ObjectConflictError):
        objects.store.commit(upload, length, digest(b"x" if wrong == "digest" else whole))
    assert list(objects.store.names()) == []
    if wrong == "missing part":
        objects.store.put_part(upload, 2, parts[1], digest(parts[1]))
    assert read(objects, objects.store.commit(upload, size, digest(whole))) == whole
    assert objects.leftovers() == []


def test_nothing_is_readable_before_commit(objects: Objects) -> None:
    """An upload is no object, under no name that it has."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    assert list(objects.store.names()) == []
    with pytest.raises(ObjectMissingError):
        objects.store.read(upload)


def test_commit_is_idempotent(objects: Objects) -> None:
    """A commit whose answer was lost gives the same name, from any worker."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    name = objects.store.commit(upload, 4, digest(b"data"))
    assert objects.reopen().commit(upload, 4, digest(b"data")) == name
    assert list(objects.store.names()) == [name]


def test_a_second_commit_with_another_content_is_refused(objects: Objects) -> None:
    """A committed upload cannot become another object."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    name = objects.store.commit(upload, 4, digest(b"data"))
    with pytest.raises(ObjectMissingError):
        objects.store.commit(upload, 5, digest(b"other"))
    with pytest.raises(ObjectMissingError):
        objects.store.put_part(upload, 2, b"more", digest(b"more"))
    assert read(objects, name) == b"data"


def test_the_same_content_twice_makes_two_objects(objects: Objects) -> None:
    """Names say nothing of content: equal ciphertexts are not linked by them."""
    names = {stored(objects.store, b"same"), stored(objects.store, b"same")}
    assert len(names) == 2
    assert sorted(names) == list(objects.store.names())


def test_concurrent_commits_give_one_object(objects: Objects) -> None:
    """Two requests that commit the same upload at once agree, and neither fails."""
    data = bytes(range(256)) * 4096
    upload = objects.store.begin()
    for number in range(1, 5):
        objects.store.put_part(upload, number, data, digest(data))
    whole, results = data * 4, []

    def commit() -> None:
        try:
            results.append(objects.store.commit(upload, len(whole), digest(whole)))
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results) == set(objects.store.names())
    assert len(results) == 4
    assert read(objects, results[0]) == whole


def test_concurrent_parts_under_one_number_have_one_winner(objects: Objects) -> None:
    """Of different contents under one number exactly one is acknowledged and kept."""
    upload, outcomes = objects.store.begin(), {}

    def put(text: bytes) -> None:
        try:
            objects.store.put_part(upload, 1, text, digest(text))
            outcomes[text] = True
        except ObjectConflictError:
            outcomes[text] = False

    threads = [threading.Thread(target=put, args=(b"content %d" % n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [text for text, won in outcomes.items() if won]
    assert len(outcomes) == 6
    assert [kept for _, _, kept in objects.store.parts(upload)] == [digest(w) for w in winners]


def test_delete_is_idempotent(objects: Objects) -> None:
    """A deleted object is gone for every reader; deleting it again is no error."""
    name = stored(objects.store, b"data")
    other = stored(objects.store, b"other")
    for _ in range(2):
        objects.store.delete(name)
    assert list(objects.store.names()) == [other]
    with pytest.raises(ObjectMissingError):
        objects.store.read(name)
    with pytest.raises(ObjectMissingError):
        objects.store.size(name)


def test_a_deleted_object_does_not_come_back(objects: Objects) -> None:
    """A late retry of the commit after a purge resurrects nothing."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    objects.store.delete(objects.store.commit(upload, 4, digest(b"data")))
    with pytest.raises(ObjectMissingError):
        objects.store.commit(upload, 4, digest(b"data"))
    assert list(objects.store.names()) == []


def test_unfinished_uploads_are_listed_with_their_beginning(objects: Objects) -> None:
    """A sweep finds what was begun and when, by the service's clock, and removes it whole."""
    first = objects.store.begin()
    objects.now[0] = NOW + timedelta(hours=5)
    second = objects.store.begin()
    objects.store.put_part(second, 1, b"data", digest(b"data"))
    assert dict(objects.store.uploads()) == {first: NOW, second: NOW + timedelta(hours=5)}
    for upload in (first, second, second):
        objects.store.abort(upload)
    assert list(objects.store.uploads()) == []
    assert objects.leftovers() == []


def test_abort_keeps_committed_objects(objects: Objects) -> None:
    """Sweeping an upload that was committed meanwhile takes nothing away."""
    upload = objects.store.begin()
    objects.store.put_part(upload, 1, b"data", digest(b"data"))
    name = objects.store.commit(upload, 4, digest(b"data"))
    objects.store.abort(upload)
    assert read(objects, name) == b"data"


def test_unknown_names_are_missing(objects: Objects) -> None:
    """A name that was never given is answered like one whose object is gone."""
    unknown = random_id()
    for attempt in (
        lambda: objects.store.read(unknown),
        lambda: objects.store.size(unknown),
        lambda: objects.store.parts(unknown),
        lambda: objects.store.put_part(unknown, 1, b"", digest(b"")),
        lambda: objects.store.commit(unknown, 0, digest(b"")),
    ):
        with pytest.raises(ObjectMissingError):
            attempt()
    objects.store.delete(unknown)
    objects.store.abort(unknown)


@pytest.mark.parametrize("crafted", CRAFTED)
def test_crafted_names_reach_nothing(objects: Objects, crafted: str) -> None:
    """A name that is not of our form is missing: it never becomes a path or a key."""
    for attempt in (
        lambda: objects.store.read(crafted),
        lambda: objects.store.size(crafted),
        lambda: objects.store.parts(crafted),
        lambda: objects.store.put_part(crafted, 1, b"", digest(b"")),
        lambda: objects.store.commit(crafted, 0, digest(b"")),
        lambda: objects.store.abort(crafted),
    ):
        with pytest.raises(ObjectMissingError):
            attempt()
    objects.store.delete(crafted)
    assert objects.leftovers() == []


def test_names_have_128_random_bits_and_differ_from_uploads(objects: Objects) -> None:
    """Names are opaque ids, none equal to an upload's, and share no beginning."""
    upload = objects.store.begin()
    name = objects.store.commit(upload, 0, digest(b""))
    others = [stored(objects.store, b"x") for _ in range(5)]
    assert len({upload, name, *others}) == 7
    assert all(len(each) == 26 for each in (name, *others))


@ENGINES
def test_a_deletion_leaves_no_version(s3: S3Service) -> None:
    """In a bucket that keeps versions nothing of a deleted object or of its parts stays behind."""
    bucket = s3.new_bucket()
    admin = s3.admin()
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = bucket_objects(s3, bucket)
    name = stored(objects.store, b"never again")
    assert admin.list_object_versions(Bucket=bucket)["Versions"]
    objects.store.delete(name)
    objects.store.delete(name)
    listed = admin.list_object_versions(Bucket=bucket)
    assert listed.get("Versions", []) == []
    assert listed.get("DeleteMarkers", []) == []


@pytest.mark.parametrize("size", [0, 5, 17 * MIB])
def test_an_object_of_a_backup_comes_back_under_its_name(objects: Objects, size: int) -> None:
    """What was copied out is put back bit for bit; other bytes under that name are refused."""
    data = b"z" * size
    name = random_id()
    with pytest.raises(ObjectConflictError):
        objects.store.put_back(name, size, digest(data + b"!"), iter([data]))
    assert list(objects.store.names()) == []
    objects.store.put_back(name, size, digest(data), iter([data]))
    assert read(objects, name) == data
    assert objects.leftovers() == []
