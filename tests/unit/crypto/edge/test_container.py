"""The container: written in one form, read only in that form."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from crypto.edge import container as module
from crypto.edge.card import CARD_PATH, DEPOSIT_LIMITS, LOCAL_LIMITS, DossierCard
from crypto.edge.container import Piece, container_length, read_container, write_container
from crypto.edge.container_errors import ContainerError, TooLargeError, UnsafeContainerError
from crypto.edge.tar import BLOCK, entry_header, entry_length, padded_length
from crypto.errors import MalformedError
from tests.support.containers import FILES, card_of, container_of, pieces_of

VECTOR = Path(__file__).parents[3] / "vectors" / "container"


def unpacked(data: bytes) -> tuple[DossierCard, dict[str, bytes]]:
    card, files = read_container(io.BytesIO(data))
    found = {}
    for path, size, stream in files:
        found[path] = stream.read(size) if size else b""
    return card, found


def sizes(count: int, each: int) -> DossierCard:
    card = card_of({f"{number}.pdf": b"" for number in range(count)})
    pieces = tuple(piece.model_copy(update={"size": each}) for piece in card.pieces)
    return card.model_copy(update={"pieces": pieces})


def test_round_trip() -> None:
    """What is put in comes out, in order, under the same card."""
    data = container_of(FILES)
    card, found = unpacked(data)
    assert card == card_of(FILES)
    assert list(found.items()) == list(FILES.items())
    assert len(data) == container_length(card)
    assert len(data) % BLOCK == 0


def test_files_may_be_skipped_or_read_in_part() -> None:
    """A reader that takes only some bytes of a file still finds the next one."""
    _card, files = read_container(io.BytesIO(container_of(FILES)))
    assert [(path, stream.read(3)) for path, _size, stream in files] == [
        (path, data[:3]) for path, data in FILES.items()
    ]


def test_a_stream_ends_with_its_file() -> None:
    """A file's stream never runs into the next one, however much is asked for."""
    _card, files = read_container(io.BytesIO(container_of(FILES)))
    for path, _size, stream in files:
        assert stream.read(10**9) == FILES[path]
        assert stream.read(1) == b""


def test_other_programs_unpack_it(tmp_path: Path) -> None:
    """GNU tar and Python's tarfile find the same names and contents."""
    data = container_of(FILES)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == [CARD_PATH, *FILES]
        member = archive.extractfile("pièces/titre de séjour.jpg")
        assert member is not None
        assert member.read() == b"y" * 512
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=data, check=True, capture_output=True)
    assert (tmp_path / "pièces" / "titre de séjour.jpg").read_bytes() == b"y" * 512
    assert json.loads((tmp_path / CARD_PATH).read_bytes())["dossier"] == "k7qf2-m3xta"


def test_nothing_of_the_machine_slips_in() -> None:
    """Entries carry no owner, no group and no time."""
    with tarfile.open(fileobj=io.BytesIO(container_of(FILES))) as archive:
        for member in archive:
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert (member.mtime, member.mode) == (0, 0o644)


def test_bytes_are_pinned() -> None:
    """The form never changes unseen: other programs of ours write it too."""
    expected = json.loads((VECTOR / "container.json").read_text(encoding="utf-8"))
    files = {path: text.encode() for path, text in expected["files"].items()}
    data = container_of(files, expected["note"])
    assert len(data) == expected["length"]
    assert hashlib.sha256(data).hexdigest() == expected["sha256"]


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 512), (1, 512), (512, 512), (513, 1024), (10_240, 10_240), (10_241, 10_752),
     (1_000_000, 1_015_808), (1 << 20, 1 << 20), ((1 << 20) + 1, (1 << 20) + (1 << 15)),
     (500 << 20, 528_482_304)],
)  # fmt: skip
def test_padded_lengths(length: int, padded: int) -> None:
    """Padmé's lengths, rounded up to blocks."""
    assert padded_length(length) == padded


def test_padding_costs_little_and_hides_something() -> None:
    """At most 12 % are added, and the lengths of a megabyte's breadth collapse to a few."""
    lengths = range(1 << 20, 2 << 20, BLOCK)
    assert all(length <= padded_length(length) <= length * 1.12 + BLOCK for length in lengths)
    assert len({padded_length(length) for length in lengths}) <= 33


def test_the_card_must_tell_the_truth() -> None:
    """A card that lists other pieces than are given is not written."""
    with pytest.raises(ContainerError):
        write_container(card_of(FILES), pieces_of({"a": b""}), io.BytesIO())


@pytest.mark.parametrize("change", [-1, 1])
def test_a_piece_that_changes_while_read_is_refused(change: int) -> None:
    """A file that shrinks or grows between listing and sealing stops the deposit."""
    honest = pieces_of({"a.pdf": b"x" * 100})[0]
    piece = Piece("a.pdf", honest.type, 100, lambda: io.BytesIO(b"x" * (100 + change)))
    with pytest.raises(ContainerError, match="changé de taille"):
        write_container(card_of({"a.pdf": b"x" * 100}), (piece,), io.BytesIO())


def test_pieces_are_closed() -> None:
    """Each file opened for the container is closed again."""
    opened: list[io.BytesIO] = []

    def open_piece() -> io.BytesIO:
        opened.append(io.BytesIO(b""))
        return opened[-1]

    piece = Piece("a.pdf", "application/pdf", 0, open_piece)
    write_container(card_of({"a.pdf": b""}), (piece,), io.BytesIO())
    assert [each.closed for each in opened] == [True]


@pytest.mark.parametrize("path", ["../x", "/x", "CON", "Dossier.JSON", "dossier.json/x"])
def test_unsafe_names_are_not_even_written(path: str) -> None:
    """What a reader would refuse, the writer refuses first."""
    with pytest.raises(UnsafeContainerError):
        container_of({path: b""})


def test_limits_hold_when_writing() -> None:
    """Too many files or too many bytes are refused before anything is written."""
    most = DEPOSIT_LIMITS
    for wrong in (sizes(13, most.file_bytes), sizes(1, most.file_bytes + 1), sizes(201, 0)):
        with pytest.raises(TooLargeError):
            module._check_card(wrong, most)
        module._check_card(wrong, LOCAL_LIMITS)
    module._check_card(sizes(12, most.file_bytes), most)
    module._check_card(sizes(200, 0), most)


def test_cards_are_strict() -> None:
    """A card with an unknown key, a second spelling or a foreign type is refused."""
    good = card_of(FILES).to_json()
    assert DossierCard.parse(good) == card_of(FILES)
    for bad in (
        good.replace(b'"version": 1', b'"version": 2'),
        good.replace(b'"version": 1', b'"version": "1"'),
        good.replace(b'"note"', b'"memo"'),
        good.replace(b'"note"', b'"dossier"'),
        good.replace(b"application/pdf", b"application"),
        good.replace(b'"size": 512', b'"size": -1'),
        good.replace(b"Bonjour", b"\\ud800"),
        b"[]",
        b"",
    ):
        with pytest.raises(MalformedError):
            DossierCard.parse(bad)


def test_long_and_accented_names_take_one_extra_header() -> None:
    """Names of 100 ASCII bytes fit the plain header; others take a pax record, whatever its length."""
    assert len(entry_header("a" * 100, 1)) == BLOCK
    for path in ("a" * 50 + "/" + "b" * 50, "é", "é" * 40, "/".join(["é" * 45] * 4)):
        header = entry_header(path, 5)
        assert len(header) % BLOCK == 0
        assert len(header) >= 3 * BLOCK
        assert entry_length(path, 5) == len(header) + BLOCK
        with tarfile.open(fileobj=io.BytesIO(header + bytes(BLOCK * 3))) as archive:
            assert archive.getnames() == [path]
