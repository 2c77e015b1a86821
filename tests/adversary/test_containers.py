"""Containers that a dishonest depositor might seal, and what unpacking them would do."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable

import pytest

from crypto.age.streams import Prepended
from crypto.edge.card import CARD_PATH, DEPOSIT_LIMITS, LOCAL_LIMITS, CardPiece, DossierCard
from crypto.edge.container import read_container
from crypto.edge.container_errors import ContainerError, TooLargeError, UnsafeContainerError
from crypto.edge.tar import BLOCK, END_BLOCKS, entry_header, padded_length
from tests.support.containers import FILES, card_of, container_of


def read_all(data: bytes) -> list[str]:
    _card, files = read_container(io.BytesIO(data))
    return [path for path, _size, _stream in files]


def entry(path: str, data: bytes) -> bytes:
    return entry_header(path, len(data)) + data + bytes(-len(data) % BLOCK)


def padded(content: bytes) -> bytes:
    whole = len(content) + END_BLOCKS
    return content + bytes(END_BLOCKS + padded_length(whole) - whole)


def forged(paths: dict[str, bytes], raw: Callable[[str, bytes], bytes] = entry) -> bytes:
    """A container whose card announces exactly what follows, unchecked names included."""
    card = card_of({f"{number}": data for number, data in enumerate(paths.values())})
    pieces = tuple(
        CardPiece.model_construct(path=path, type="application/pdf", size=len(data))
        for path, data in paths.items()
    )
    body = card.model_copy(update={"pieces": pieces}).to_json()
    return padded(entry(CARD_PATH, body) + b"".join(raw(*item) for item in paths.items()))


def test_the_forger_is_able() -> None:
    """An honest content forged by hand is the honest container: the refusals below are earned."""
    assert forged(FILES) == container_of(FILES)


@pytest.mark.parametrize(
    "path",
    ["../../.ssh/authorized_keys", "/etc/cron.d/x", "a/../../x", "C:/x", "a\\..\\x", "CON", "a ",
     "facture\u202efdp.exe", "e\u0301.pdf", "x\ny"],
)  # fmt: skip
def test_names_that_leave_or_deceive_are_refused(path: str) -> None:
    """No name leaves the folder, means a device or looks like another."""
    with pytest.raises(UnsafeContainerError):
        read_all(forged({path: b"x"}))


@pytest.mark.parametrize("other", ["a.pdf", "A.PDF", "a.pdf/b", "Dossier.JSON"])
def test_names_that_collide_are_refused(other: str) -> None:
    """A second file cannot replace one that was looked at, on any file system."""
    card = card_of({"a.pdf": b"1", "b.pdf": b"2"})
    pieces = (
        card.pieces[0],
        CardPiece.model_construct(path=other, type="application/pdf", size=1),
    )
    body = card.model_copy(update={"pieces": pieces}).to_json()
    data = padded(entry(CARD_PATH, body) + entry("a.pdf", b"1") + entry(other, b"2"))
    with pytest.raises(UnsafeContainerError):
        read_all(data)


def special(kind: bytes) -> Callable[[str, bytes], bytes]:
    def make(path: str, data: bytes) -> bytes:
        info = tarfile.TarInfo(path)
        info.type, info.size, info.linkname = kind, 0, "/etc/passwd"
        return info.tobuf(tarfile.PAX_FORMAT) + data[:0]

    return make


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
     tarfile.DIRTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, b"g", b"\0"],
)  # fmt: skip
def test_only_ordinary_files_are_unpacked(kind: bytes) -> None:
    """Links, devices, pipes, folders and extensions are refused, and called so."""
    with pytest.raises(UnsafeContainerError, match="fichiers ordinaires"):
        read_all(forged({"a.pdf": b""}, special(kind)))


@pytest.mark.parametrize(
    "change",
    [
        {"mode": 0o4755},
        {"uid": 1000},
        {"mtime": 1_700_000_000},
        {"uname": "camille"},
        {"pax_headers": {"comment": "caché"}},
        {"pax_headers": {"path": "../x"}},
        {"pax_headers": {"size": "99999999"}},
        {"pax_headers": {"linkpath": "/etc"}},
    ],
)
def test_no_second_form_of_an_entry(change: dict[str, object]) -> None:
    """Modes, owners, times and extensions that our form does not have are refused."""

    def make(path: str, data: bytes) -> bytes:
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(data), 0o644
        for name, value in change.items():
            setattr(info, name, value)
        return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % BLOCK)

    with pytest.raises(ContainerError):
        read_all(forged({"a.pdf": b"x"}, make))


def test_a_wrong_checksum_is_refused() -> None:
    """An entry whose checksum is off by one is refused."""
    data = bytearray(container_of({"a.pdf": b"x"}))
    at = data.index(b"a.pdf\0") + 153
    data[at] = data[at] ^ 1
    with pytest.raises(ContainerError):
        read_all(bytes(data))


def test_what_the_card_does_not_announce_is_refused() -> None:
    """A file that is missing, added, swapped or of another size is refused."""
    body = card_of({"a.pdf": b"1", "b.pdf": b"2"}).to_json()
    start, a, b = entry(CARD_PATH, body), entry("a.pdf", b"1"), entry("b.pdf", b"2")
    assert read_all(padded(start + a + b)) == ["a.pdf", "b.pdf"]
    for content in (
        start + a,
        start + b + a,
        start + a + b + entry("c.pdf", b"3"),
        start + a + entry("b.pdf", b"22"),
        a + b + start,
        start + start + a + b,
        b"",
    ):
        with pytest.raises(ContainerError):
            read_all(padded(content))


def test_padding_hides_nothing() -> None:
    """Neither between files nor at the end is there room for a message."""
    data = container_of({"a.pdf": b"x"})
    for at in (data.rindex(b"x") + 1, len(data) - 1, len(data) - 600):
        altered = bytearray(data)
        altered[at] = 1
        with pytest.raises(UnsafeContainerError):
            read_all(bytes(altered))


def test_padding_is_due() -> None:
    """A container without its padding, or with more, tells its size and is refused."""
    content = container_of({"a.pdf": os.urandom(100_000)})
    for data in (content[:-BLOCK], content + bytes(BLOCK)):
        with pytest.raises(ContainerError, match="remplissage"):
            read_all(data)


def test_a_huge_card_is_not_read() -> None:
    """A card that announces gigabytes is refused before it is read."""
    with pytest.raises(TooLargeError):
        read_all(entry_header(CARD_PATH, 8**11 - 1) + bytes(10 * BLOCK))


def test_a_huge_extension_is_not_read() -> None:
    """A pax header that announces gigabytes is refused before it is read."""

    class Endless:
        taken = 0

        def read(self, size: int, /) -> bytes:
            self.taken += size
            assert self.taken < 100 * BLOCK
            return bytes(size)

    block = bytearray(entry_header("é", 0)[:BLOCK])
    block[124:135] = b"77777777777"
    source = Endless()
    with pytest.raises(ContainerError):
        read_container(Prepended(bytes(block), source))
    assert source.taken <= 2 * BLOCK


def test_bombs_are_refused_by_the_card() -> None:
    """Too many files, or a file too large, are refused before any file is handed out."""
    card = json.loads(card_of(FILES).to_json())

    def announcing(count: int, size: int) -> bytes:
        pieces = [{"path": f"{n}.pdf", "type": "a/b", "size": size} for n in range(count)]
        return json.dumps({**card, "pieces": pieces}).encode()

    most = DEPOSIT_LIMITS
    for count, size in ((1, LOCAL_LIMITS.file_bytes + 1), (1, -1), (0, 0)):
        with pytest.raises(ContainerError, match="conforme"):
            read_all(padded(entry(CARD_PATH, announcing(count, size))))
    for count, size in ((most.files + 1, 1), (1, most.file_bytes + 1), (13, most.file_bytes)):
        whole = DossierCard.parse(announcing(count, size)).to_json()
        with pytest.raises(TooLargeError):
            read_all(padded(entry(CARD_PATH, whole)))


def test_a_second_spelling_of_the_card_is_refused() -> None:
    """A card laid out otherwise could say two things to two readers: refused."""
    body = card_of({"a.pdf": b"1"}).to_json().replace(b'"version": 1', b'"version":  1')
    with pytest.raises(ContainerError, match="forme exacte"):
        read_all(padded(entry(CARD_PATH, body) + entry("a.pdf", b"1")))
