"""A pack that was tampered with after it was taken does not open, and leaves nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import ExplainedError
from exchange.client.errors import NotTrustworthyError, UnsafeFileError
from exchange.client.pack_get import get_pack
from exchange.client.pack_open import open_pack
from tests.support.client_world import Scene, ready

Entries = dict[str, bytes]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, bytes]:
    """A pack of two dossiers."""
    scene = ready(tmp_path_factory.mktemp("scene"), dossiers=2)
    out = scene.folder / "pack.tar"
    assert len(get_pack(scene.desk("claire"), scene.sitting, out).references) == 2
    return scene, out.read_bytes()


def entries(data: bytes) -> Entries:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def packed(files: Entries) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def opens(scene: Scene, data: bytes, folder: Path, who: str = "claire") -> Any:
    pack = folder / "tampered.tar"
    pack.write_bytes(data)
    world = scene.server.world
    return open_pack(pack, folder / "out", world.trust, scene.person(who).identity, world.now)


def refused(scene: Scene, data: bytes, folder: Path, who: str = "claire") -> None:
    with pytest.raises(ExplainedError):
        opens(scene, data, folder, who)
    assert sorted(path.name for path in folder.iterdir()) == ["tampered.tar"]


def dossiers(files: Entries) -> list[str]:
    return sorted(name for name in files if name.endswith(".tar.age"))


def swap(files: Entries) -> None:
    one, two = dossiers(files)
    files[one], files[two] = files[two], files[one]


def swap_receipts(files: Entries) -> None:
    one, two = (name.replace(".tar.age", ".receipt") for name in dossiers(files))
    files[one], files[two] = files[two], files[one]


def drop_receipt(files: Entries) -> None:
    del files[dossiers(files)[0].replace(".tar.age", ".receipt")]


def flip_header(files: Entries) -> None:
    name = dossiers(files)[0]
    data = files[name]
    other = b"A" if data[800:801] != b"A" else b"B"
    files[name] = data[:800] + other + data[801:]


def flip_payload(files: Entries) -> None:
    name = dossiers(files)[-1]
    data = files[name]
    files[name] = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]


def cut_payload(files: Entries) -> None:
    name = dossiers(files)[-1]
    files[name] = files[name][:-65_552]


def rename(files: Entries) -> None:
    name = dossiers(files)[0]
    files["01-altair/aaaaa-aaaaa.tar.age"] = files.pop(name)


def other_association(files: Entries) -> None:
    name = dossiers(files)[0]
    files[name.replace("altair", "nid")] = files.pop(name)
    receipt = name.replace(".tar.age", ".receipt")
    files[receipt.replace("altair", "nid")] = files.pop(receipt)


def climb(files: Entries) -> None:
    files["../outside"] = b"x"


def drop_statements(files: Entries) -> None:
    for name in [name for name in files if name.startswith("statements/")]:
        del files[name]


def spoil_statements(files: Entries) -> None:
    name = max(name for name in files if name.startswith("statements/"))
    files[name] = files[name].replace(b'\\"sig\\":\\"', b'\\"sig\\":\\"AA', 1)


def another_member(files: Entries) -> None:
    import json

    head = json.loads(files["pack.json"])
    head["member"] = "0" * 64
    files["pack.json"] = json.dumps(head).encode()


@pytest.mark.parametrize(
    "tamper",
    [
        swap,
        swap_receipts,
        climb,
        drop_statements,
        spoil_statements,
        another_member,
    ],
)
def test_tampered_pack(
    taken: tuple[Scene, bytes], tmp_path: Path, tamper: Callable[[Entries], None]
) -> None:
    """What the whole pack rests on was changed, or every dossier: nothing is unpacked."""
    scene, data = taken
    files = entries(data)
    tamper(files)
    refused(scene, packed(files), tmp_path)


@pytest.mark.parametrize(
    "tamper",
    [drop_receipt, flip_header, flip_payload, cut_payload, rename, other_association],
)
def test_one_spoilt_dossier(
    taken: tuple[Scene, bytes], tmp_path: Path, tamper: Callable[[Entries], None]
) -> None:
    """The other dossier opens; of the spoilt one no file stays, and it is named with the reason."""
    scene, data = taken
    files = entries(data)
    tamper(files)
    opened = opens(scene, packed(files), tmp_path)
    assert (len(opened.dossiers), len(opened.spoilt)) == (1, 1)
    assert str(opened.spoilt[0].error)
    folders = [path for path in (tmp_path / "out").glob("*/*") if any(path.iterdir())]
    assert folders == [tmp_path / "out" / opened.dossiers[0].folder]
    assert not (tmp_path / "out" / opened.spoilt[0].folder).exists()


def test_untouched_pack(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """The same entries packed again open: what the other tests changed is what counts."""
    scene, data = taken
    opened = opens(scene, packed(entries(data)), tmp_path)
    assert (len(opened.dossiers), opened.spoilt) == (2, ())


def test_dossiers_are_standard_age_files(taken: tuple[Scene, bytes]) -> None:
    """Each entry is a whole age file for the member, which any age tool opens to a tar."""
    from crypto.age.decrypt import decrypt_with

    scene, data = taken
    files = entries(data)
    for name in dossiers(files):
        plain = decrypt_with(files[name], scene.person("claire").identity.age_identity)
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            assert tar.getnames()[0] == "dossier.json"


def test_another_members_pack(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """A pack opens with its own member's key alone."""
    scene, data = taken
    refused(scene, data, tmp_path, "martin")


def test_cut_pack(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """A pack cut anywhere is refused."""
    scene, data = taken
    refused(scene, data[: len(data) // 2], tmp_path)
    refused(scene, b"no tar", tmp_path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices(taken: tuple[Scene, bytes], tmp_path: Path, kind: bytes) -> None:
    """An archive with anything but regular files is refused."""
    scene, data = taken
    sink = io.BytesIO(data)
    with tarfile.open(fileobj=sink, mode="a") as tar:
        info = tarfile.TarInfo("01-altair/link")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    refused(scene, sink.getvalue(), tmp_path)


def test_duplicate_entry(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """Two entries of one name would let two readers see two packs: refused."""
    scene, data = taken
    files = entries(data)
    sink = io.BytesIO(packed(files))
    with tarfile.open(fileobj=sink, mode="a") as tar:
        name = dossiers(files)[0]
        info = tarfile.TarInfo(name)
        info.size = len(files[name])
        tar.addfile(info, io.BytesIO(files[name]))
    refused(scene, sink.getvalue(), tmp_path)


def test_output_folder_in_use(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """Dossiers are never unpacked among other files."""
    scene, data = taken
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UnsafeFileError):
        opens(scene, data, tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_pack_is_never_overwritten(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """An existing file stops the command before anything is asked for or logged."""
    scene, _data = taken
    out = tmp_path / "pack.tar"
    out.write_text("mine")
    before = len(scene.server.requests)
    with pytest.raises(UnsafeFileError):
        get_pack(scene.desk("claire"), scene.sitting, out)
    assert out.read_text() == "mine"
    assert not [r for r in scene.server.requests[before:] if "releases" in r.target]


def test_missing_pack(taken: tuple[Scene, bytes], tmp_path: Path) -> None:
    """A path that is not there is named."""
    scene, _data = taken
    world = scene.server.world
    with pytest.raises((UnsafeFileError, NotTrustworthyError)):
        open_pack(
            tmp_path / "absent.tar",
            tmp_path / "out",
            world.trust,
            scene.person("claire").identity,
            world.now,
        )
