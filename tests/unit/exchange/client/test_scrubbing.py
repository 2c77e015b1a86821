"""What files say beyond their content does not reach the members; pages and pixels do, unchanged."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pikepdf
import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from exchange.client.errors import UnsafeFileError
from exchange.client.pieces import Metadata, read_papers
from exchange.client.scrubbing.finding import Kept, Trace
from exchange.client.scrubbing.jpeg import scrub_jpeg
from exchange.client.scrubbing.pdf import scrub_pdf
from exchange.client.scrubbing.png import scrub_png
from exchange.client.scrubbing.types import ADMITTED, type_of

SECRET = "Camille Canari, 12 rue Inventée"
GPS = {1: "N", 2: (48.0, 53.0, 24.0), 3: "E", 4: (2.0, 12.0, 36.0)}
ROTATED = 6


def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((64, 48)).convert("RGB")


def jpeg_with(orientation: int = 1, comment: bytes = SECRET.encode()) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Appareil inventé"
    exif[0x0131] = SECRET
    exif[0x013B] = SECRET
    exif[0x0132] = "2026:01:01 00:00:00"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update(GPS)
    sink = io.BytesIO()
    picture().save(sink, "JPEG", exif=exif, comment=comment, icc_profile=b"profile " * 40)
    return sink.getvalue()


def png_with(text: bool = True) -> bytes:
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Author", SECRET)
        info.add_itxt("Comment", SECRET, zip=True)
    sink = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = SECRET
    picture().save(sink, "PNG", pnginfo=info, **({"exif": exif} if text else {}))
    return sink.getvalue()


def pdf_with(scan: bytes | None = None) -> bytes:
    document = FPDF()
    document.set_author(SECRET)
    document.set_title(SECRET)
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text="une page de fiction")
    plain = io.BytesIO(bytes(document.output()))
    if scan is None:
        return plain.getvalue()
    sink = io.BytesIO()
    with pikepdf.open(plain) as opened:
        stream = pikepdf.Stream(opened, scan)
        stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        stream.Width, stream.Height, stream.BitsPerComponent = 64, 48, 8
        stream.ColorSpace, stream.Filter = pikepdf.Name.DeviceRGB, pikepdf.Name.DCTDecode
        opened.pages[0].obj.Scan = stream
        opened.pages[0].obj.PieceInfo = pikepdf.Dictionary(Outil=SECRET)
        with opened.open_metadata() as xmp:
            xmp["dc:creator"] = [SECRET]
        opened.save(sink)
    return sink.getvalue()


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


def test_a_photograph_loses_its_place_and_nothing_else() -> None:
    """GPS, camera, author, dates and comment go; every pixel and the colour profile stay."""
    data = jpeg_with()
    scrubbed = scrub_jpeg(data)
    assert scrubbed.traces >= {
        Trace.PLACE, Trace.CAMERA, Trace.AUTHOR, Trace.DATES, Trace.SOFTWARE, Trace.COMMENTS
    }  # fmt: skip
    assert SECRET.encode() in data
    assert SECRET.encode() not in scrubbed.data
    assert pixels(scrubbed.data) == pixels(data)
    opened = Image.open(io.BytesIO(scrubbed.data))
    assert not opened.getexif()
    assert opened.info["icc_profile"] == b"profile " * 40


def test_a_photograph_stays_upright() -> None:
    """The orientation is all that is left of the Exif block."""
    scrubbed = scrub_jpeg(jpeg_with(orientation=ROTATED)).data
    assert dict(Image.open(io.BytesIO(scrubbed)).getexif()) == {0x0112: ROTATED}


def test_what_is_clean_stays_untouched() -> None:
    """A file without metadata is handed back bit for bit, also after a first cleaning."""
    sink = io.BytesIO()
    picture().save(sink, "JPEG")
    for scrub, data in (
        (scrub_jpeg, sink.getvalue()),
        (scrub_jpeg, scrub_jpeg(jpeg_with()).data),
        (scrub_jpeg, scrub_jpeg(jpeg_with(orientation=ROTATED)).data),
        (scrub_png, png_with(text=False)),
        (scrub_png, scrub_png(png_with()).data),
        (scrub_pdf, scrub_pdf(pdf_with(jpeg_with())).data),
    ):
        again = scrub(data)
        assert (again.data, again.traces) == (data, frozenset())


def test_nothing_hides_behind_the_picture() -> None:
    """What a phone appends to a photograph, or a person to a PNG, is cut off."""
    for scrub, whole in ((scrub_jpeg, scrub_jpeg(jpeg_with()).data), (scrub_png, png_with(False))):
        scrubbed = scrub(whole + SECRET.encode())
        assert scrubbed.data == whole
        assert scrubbed.traces == {Trace.HISTORY}


def test_progressive_photographs_keep_all_their_scans() -> None:
    """A picture in several scans with tables between them is kept whole."""
    sink = io.BytesIO()
    picture().save(sink, "JPEG", progressive=True, comment=SECRET.encode(), quality=95)
    scrubbed = scrub_jpeg(sink.getvalue())
    assert pixels(scrubbed.data) == pixels(sink.getvalue())
    assert SECRET.encode() not in scrubbed.data


def test_an_image_loses_its_texts() -> None:
    """Text, compressed text and Exif of a PNG go; every pixel stays."""
    data = png_with()
    scrubbed = scrub_png(data)
    assert scrubbed.traces == {Trace.COMMENTS, Trace.CAMERA}
    assert SECRET.encode() not in scrubbed.data
    assert pixels(scrubbed.data) == pixels(data)


def test_a_pdf_loses_author_history_and_the_cameras_traces() -> None:
    """Information, XMP, private data and the Exif of a scanned page go; the page's text stays."""
    scrubbed = scrub_pdf(pdf_with(jpeg_with()))
    assert scrubbed.traces >= {
        Trace.AUTHOR,
        Trace.SOFTWARE,
        Trace.DATES,
        Trace.HISTORY,
        Trace.PLACE,
    }
    with pikepdf.open(io.BytesIO(scrubbed.data)) as opened:
        assert "/Info" not in opened.trailer
        assert "/Metadata" not in opened.Root
        flat = b"".join(
            each.read_raw_bytes() if isinstance(each, pikepdf.Stream) else each.unparse()
            for each in opened.objects
        )
        assert SECRET.encode() not in flat
        assert b"Canari" not in flat
        assert pixels(opened.pages[0].obj.Scan.read_raw_bytes()) == pixels(jpeg_with())
        assert len(opened.pages) == 1
    from pypdf import PdfReader

    text = PdfReader(io.BytesIO(scrubbed.data)).pages[0].extract_text()
    assert text == "une page de fiction"


def test_the_same_file_gives_the_same_bytes() -> None:
    """The size announced before sealing is the size that is sealed."""
    data = pdf_with(jpeg_with())
    assert scrub_pdf(data).data == scrub_pdf(data).data


def test_signed_and_locked_documents_are_left_and_said() -> None:
    """A signature is not broken behind a person's back, and a locked file is reported."""
    plain = pikepdf.open(io.BytesIO(pdf_with()))
    plain.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=pikepdf.Array())
    signed = io.BytesIO()
    plain.save(signed)
    kept = scrub_pdf(signed.getvalue())
    assert (kept.data, kept.kept) == (signed.getvalue(), Kept.SIGNED)
    assert Trace.AUTHOR in kept.traces
    locked = io.BytesIO()
    pikepdf.open(io.BytesIO(pdf_with())).save(
        locked, encryption=pikepdf.Encryption(owner="o", user="u")
    )
    assert scrub_pdf(locked.getvalue()).kept is Kept.LOCKED


@pytest.mark.parametrize("kind", ADMITTED[:3], ids=lambda kind: kind.suffixes[0])
@given(cut=st.integers(min_value=0, max_value=10_000))
def test_damaged_files_are_refused_in_plain_words(kind: object, cut: int) -> None:
    """However a file is cut, it is refused with our own error or handed back readable."""
    whole = {".pdf": pdf_with(), ".jpg": jpeg_with(), ".png": png_with()}[kind.suffixes[0]]  # type: ignore[attr-defined]
    data = whole[: len(whole) * cut // 10_001]
    with contextlib.suppress(UnsafeFileError):
        kind.scrub(data)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("virus.exe", b"MZ\x90"),
        ("lettre.docm", b"PK\x03\x04"),
        ("photo.jpg", b"%PDF-1.7"),
        ("photo.pdf", b"MZ\x90"),
        ("note.txt", b"\xff\xfe\x00"),
        ("sans-suffixe", b"%PDF-1.7"),
        ("image.svg", b"<svg onload='alert(1)'/>"),
    ],
)
def test_other_types_are_refused(path: str, data: bytes) -> None:
    """Programs, office files and files under a wrong name are refused before anything is sealed."""
    with pytest.raises(UnsafeFileError, match="type admis"):
        type_of(path, data)


def test_papers_read_as_clean_copies(tmp_path: Path) -> None:
    """What is sealed is the clean copy, of the size announced; the original is not touched."""
    original = jpeg_with(orientation=ROTATED)
    (tmp_path / "photo.JPG").write_bytes(original)
    (tmp_path / "vide.txt").write_bytes(b"")
    papers = read_papers((tmp_path,), Metadata.STRIP, any_type=False)
    photo = papers.pieces[0]
    with photo.open() as handle:
        read = handle.read()
    assert read == scrub_jpeg(original).data
    assert len(read) == photo.size
    assert photo.type == "image/jpeg"
    assert (tmp_path / "photo.JPG").read_bytes() == original
    assert [each.path for each in papers.findings] == ["photo.JPG"]
    kept = read_papers((tmp_path,), Metadata.KEEP, any_type=False)
    with kept.pieces[0].open() as handle:
        assert handle.read() == original
    assert kept.findings == papers.findings


def test_any_type_on_demand(tmp_path: Path) -> None:
    """A type that is not admitted goes only when the person asks for it, and as it is."""
    (tmp_path / "budget.ods").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnsafeFileError, match=r"budget\.ods"):
        read_papers((tmp_path,), Metadata.STRIP, any_type=False)
    [piece] = read_papers((tmp_path,), Metadata.STRIP, any_type=True).pieces
    assert piece.size == 4
