"""JPEG (ITU-T T.81 annex B): metadata are segments before the picture; they are left out.

Orientation is kept, in an Exif segment that says nothing else: without it a photograph taken
upright would be shown lying.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.client.errors import UnsafeFileError
from exchange.client.scrubbing.finding import Scrubbed, Trace

MAGIC: Final = b"\xff\xd8\xff"

_START_OF_SCAN: Final = 0xDA
_END: Final = 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM and restarts."""

_COMMENT: Final = 0xFE
_APP0: Final = 0xE0
_APP15: Final = 0xEF
_ADOBE: Final = 0xEE
_EXIF: Final = b"Exif\0\0"
_NEEDED: Final = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (_ADOBE, b"Adobe"))
"""Application segments without which colours or density change."""

_ORIENTATION: Final = 0x0112
_GPS: Final = 0x8825
_SOFTWARE: Final = 0x0131
_DATE: Final = 0x0132
_ARTIST: Final = 0x013B
_COPYRIGHT: Final = 0x8298
_UPRIGHT: Final = 1


def scrub_jpeg(data: bytes) -> Scrubbed:
    """``data`` without its metadata; raises UnsafeFileError when it is not a whole JPEG."""
    kept, traces = bytearray(data[:2]), set[Trace]()
    orientation = _UPRIGHT
    for marker, segment, rest in _segments(data):
        if marker == _START_OF_SCAN:
            end = _end_of_picture(data, rest)
            kept += data[rest:end]
            if end != len(data):  # phones append thumbnails and whole films there
                traces.add(Trace.HISTORY)
            break
        found = _traces(marker, segment)
        if found is None:
            kept += segment
            continue
        traces |= found
        if segment[4:].startswith(_EXIF):
            orientation = _exif_orientation(segment[4:])
    if not traces:
        return Scrubbed(data, frozenset())
    head = _orientation_segment(orientation) if orientation != _UPRIGHT else b""
    scrubbed = bytes(kept[:2]) + _after_jfif(bytes(kept[2:]), head)
    # A photograph that was cleaned before holds its orientation and nothing else.
    return (
        Scrubbed(data, frozenset()) if scrubbed == data else Scrubbed(scrubbed, frozenset(traces))
    )


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, whole segment, its offset) up to and with the start of the picture."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise _broken()
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            at += 1
            continue
        if marker in _ALONE:
            yield marker, data[at : at + 2], at
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _END or length < 2 or at + 2 + length > len(data):
            raise _broken()
        yield marker, data[at : at + 2 + length], at
        if marker == _START_OF_SCAN:
            return
        at += 2 + length
    raise _broken()


def _end_of_picture(data: bytes, at: int) -> int:
    """The offset after the end marker; ``at`` is that of the first start of scan."""
    while at + 4 <= len(data):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        while True:  # the coded picture: FF is followed by 00, or is a restart
            at = data.find(b"\xff", at)
            if at < 0 or at + 1 >= len(data):
                raise _broken()
            marker = data[at + 1]
            if marker == _END:
                return at + 2
            if marker not in {0x00, 0xFF, *_ALONE}:
                break
            at += 1 if marker == 0xFF else 2
    raise _broken()


def _traces(marker: int, segment: bytes) -> set[Trace] | None:
    """What a segment gives away; None when the picture needs it."""
    body = segment[4:]
    if marker == _COMMENT:
        return {Trace.COMMENTS}
    if not _APP0 <= marker <= _APP15:
        return None
    if any(marker == number and body.startswith(name) for number, name in _NEEDED):
        return None
    return _exif_traces(body) if body.startswith(_EXIF) else {Trace.HISTORY}


def _exif_traces(body: bytes) -> set[Trace]:
    exif = _load_exif(body)
    found = {Trace.CAMERA}
    for tags, trace in (
        ((_GPS,), Trace.PLACE),
        ((_SOFTWARE,), Trace.SOFTWARE),
        ((_DATE,), Trace.DATES),
        ((_ARTIST, _COPYRIGHT), Trace.AUTHOR),
    ):
        if any(tag in exif for tag in tags):
            found.add(trace)
    return found


def _exif_orientation(body: bytes) -> int:
    value = _load_exif(body).get(_ORIENTATION, _UPRIGHT)
    return value if isinstance(value, int) and 1 <= value <= 8 else _UPRIGHT


def _load_exif(body: bytes) -> dict[int, object]:
    """The main tags; none where the block cannot be read (it is taken out all the same)."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(body)
        return dict(exif)
    except Exception:  # noqa: BLE001  # Pillow raises many kinds on a damaged block
        return {}


def _orientation_segment(orientation: int) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    body = exif.tobytes()
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _after_jfif(segments: bytes, exif: bytes) -> bytes:
    """JFIF must be the first segment where it is present."""
    if not exif or segments[:2] != b"\xff\xe0":
        return exif + segments
    end = 2 + int.from_bytes(segments[2:4], "big")
    return segments[:end] + exif + segments[end:]


def _broken() -> UnsafeFileError:
    return UnsafeFileError(
        "Cette photographie JPEG est abîmée ou coupée : ouvrez-la et enregistrez-la de nouveau."
    )
