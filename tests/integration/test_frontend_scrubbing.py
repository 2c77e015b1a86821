"""The browser takes out of files what the command line takes out."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from io import BytesIO

import pikepdf
import pytest

from exchange.client.scrubbing import types
from tests.support.browser_actors import Actors, RefusedError, actors, can_run
from tests.unit.exchange.client.test_scrubbing import SECRET, jpeg_with, pdf_with, png_with

pytestmark = pytest.mark.skipif(
    not can_run(),
    reason="the pages' scripts need Node and « npm ci --ignore-scripts » in exchange/web/frontend",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actors]:
    with actors(tmp_path_factory.mktemp("actors"), "http://127.0.0.1:9") as made:
        yield made


def clean(browser: Actors, path: str, data: bytes) -> tuple[bytes, set[str], str | None]:
    answer = browser.does("anybody", "clean", path=path, data=b64encode(data).decode())
    return b64decode(answer["data"]), set(answer["traces"]), answer["kept"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("photo.jpg", jpeg_with()),
        ("couchee.jpeg", jpeg_with(orientation=6)),
        ("suivie.jpg", jpeg_with() + b"a film behind the picture"),
        ("sans.jpg", jpeg_with(comment=b"")),
        ("scan.png", png_with()),
        ("nu.png", png_with(text=False)),
        ("note.txt", b"Une note."),
    ],
)
def test_images_are_cleaned_to_the_same_octets(browser: Actors, path: str, data: bytes) -> None:
    """The browser's copy of an image, and what it reports, are those of the command line."""
    ours = types.scrub(types.type_of(path, data), data)
    cleaned, traces, kept = clean(browser, path, data)
    assert cleaned == ours.data
    assert traces == {trace.value for trace in ours.traces}
    assert kept is None
    assert clean(browser, path, cleaned) == (cleaned, set(), None)


def test_a_pdf_is_cleaned_in_place(browser: Actors) -> None:
    """Author, dates, software, XMP and a camera's data are gone; the document opens, as long as before."""
    data = pdf_with(jpeg_with())
    assert SECRET.encode() in data or SECRET.encode("utf-16-be") in data
    cleaned, traces, kept = clean(browser, "demande.pdf", data)
    assert len(cleaned) == len(data)
    assert {"author", "camera"} <= traces
    assert kept is None
    with pikepdf.open(BytesIO(cleaned)) as document:
        assert len(document.pages) == 1
        assert all(not str(value).strip() for value in document.docinfo.values())
    assert SECRET.encode() not in cleaned
    assert SECRET.encode("utf-16-be") not in cleaned
    assert clean(browser, "demande.pdf", cleaned)[1] == set()


def test_a_pdf_that_packs_its_metadata_says_so(browser: Actors) -> None:
    """Compressed objects are out of the page's reach: nothing is claimed to be clean."""
    document, out = pikepdf.open(BytesIO(pdf_with())), BytesIO()
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert clean(browser, "demande.pdf", out.getvalue())[2] == "packed"


def test_signed_and_locked_documents_are_left_and_said(browser: Actors) -> None:
    """A password or a signature leaves the document untouched."""
    document, out = pikepdf.open(BytesIO(pdf_with())), BytesIO()
    document.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    locked = out.getvalue()
    assert clean(browser, "demande.pdf", locked) == (locked, set(), "locked")
    signed = pdf_with() + b"\n% /ByteRange [0 1 2 3]\n"
    assert clean(browser, "demande.pdf", signed)[::2] == (signed, "signed")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("macro.docm", b"PK\x03\x04"),
        ("photo.pdf", b"\xff\xd8\xff\xe0"),
        ("cut.png", png_with()[:-9]),
    ],
)
def test_other_types_and_damaged_files_are_refused(browser: Actors, path: str, data: bytes) -> None:
    """Only PDF, JPEG, PNG and text under their true names, whole, are taken."""
    with pytest.raises(RefusedError) as refused:
        clean(browser, path, data)
    assert refused.value.kind == "usage"
