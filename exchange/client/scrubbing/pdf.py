"""PDF (ISO 32000): document information, XMP, private data of programs, Exif of scanned pages."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from exchange.client.errors import UnsafeFileError
from exchange.client.scrubbing import jpeg
from exchange.client.scrubbing.finding import Kept, Scrubbed, Trace

if TYPE_CHECKING:
    from pikepdf import Pdf

MAGIC: Final = b"%PDF-"

_INFORMATION: Final = {
    "/Author": Trace.AUTHOR,
    "/Title": Trace.AUTHOR,
    "/Subject": Trace.AUTHOR,
    "/Keywords": Trace.AUTHOR,
    "/CreationDate": Trace.DATES,
    "/ModDate": Trace.DATES,
    "/Creator": Trace.SOFTWARE,
    "/Producer": Trace.SOFTWARE,
}
_PRIVATE: Final = ("/Metadata", "/PieceInfo", "/LastModified")
"""Keys that any dictionary may have, and that no page needs to be shown."""


def scrub_pdf(data: bytes) -> Scrubbed:
    """``data`` without its metadata; raises UnsafeFileError when it is not a readable PDF.

    A PDF that is signed or locked by a password is handed back as it is, with the reason: rewriting
    would break the signature.
    """
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as document:
            if _is_signed(document):
                return _kept(document, data, Kept.SIGNED)
            if document.is_encrypted:
                return _kept(document, data, Kept.LOCKED)
            traces = _strip(document)
            if not traces:
                return Scrubbed(data, frozenset())
            sink = io.BytesIO()
            # The same file gives the same bytes: its size is announced before it is sealed.
            document.save(sink, deterministic_id=True, fix_metadata_version=False)
            return Scrubbed(sink.getvalue(), frozenset(traces))
    except pikepdf.PasswordError:
        return Scrubbed(data, frozenset(), Kept.LOCKED)
    except pikepdf.PdfError as error:
        raise UnsafeFileError(
            "Ce PDF est abîmé : ouvrez-le et enregistrez-le de nouveau."
        ) from error


def _kept(document: Pdf, data: bytes, reason: Kept) -> Scrubbed:
    return Scrubbed(data, frozenset(_information(document)), reason)


def _is_signed(document: Pdf) -> bool:
    form = document.Root.get("/AcroForm")
    return form is not None and int(form.get("/SigFlags", 0)) & 1 != 0


def _information(document: Pdf) -> set[Trace]:
    if "/Info" not in document.trailer:
        return set()
    return {_INFORMATION.get(key, Trace.COMMENTS) for key in document.trailer.Info.keys()}  # noqa: SIM118


def _strip(document: Pdf) -> set[Trace]:
    """Take everything out; returns what was there."""
    import pikepdf

    traces = _information(document)
    if "/Info" in document.trailer:
        del document.trailer["/Info"]
    for each in document.objects:
        if not isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
            continue
        for key in _PRIVATE:
            if key in each:
                del each[key]
                traces.add(Trace.HISTORY)
        if isinstance(each, pikepdf.Stream) and each.get("/Filter") == pikepdf.Name.DCTDecode:
            traces |= _strip_scan(each)
    return traces


def _strip_scan(stream: object) -> set[Trace]:
    """A page that was photographed keeps the camera's Exif inside the PDF."""
    import pikepdf

    assert isinstance(stream, pikepdf.Stream)
    raw = stream.read_raw_bytes()
    if not raw.startswith(jpeg.MAGIC):
        return set()
    try:
        scrubbed = jpeg.scrub_jpeg(raw)
    except UnsafeFileError:
        return set()  # a reader shows what it can of it; nothing is known to be in it
    if scrubbed.traces:
        stream.write(scrubbed.data, filter=pikepdf.Name.DCTDecode)
    return set(scrubbed.traces)
