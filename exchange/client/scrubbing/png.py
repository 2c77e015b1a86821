"""PNG (ISO/IEC 15948): metadata are chunks of their own; they are left out."""

from __future__ import annotations

from typing import Final

from exchange.client.errors import UnsafeFileError
from exchange.client.scrubbing.finding import Scrubbed, Trace

MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_TELLING: Final = {
    b"tEXt": Trace.COMMENTS,
    b"zTXt": Trace.COMMENTS,
    b"iTXt": Trace.COMMENTS,
    b"eXIf": Trace.CAMERA,
    b"tIME": Trace.DATES,
}
_OVERHEAD: Final = 12
"""Length, type and checksum of a chunk."""


def scrub_png(data: bytes) -> Scrubbed:
    """``data`` without its metadata; raises UnsafeFileError when it is not a whole PNG."""
    kept, traces = bytearray(MAGIC), set[Trace]()
    at = len(MAGIC)
    while at + _OVERHEAD <= len(data):
        kind = data[at + 4 : at + 8]
        end = at + _OVERHEAD + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        if kind in _TELLING:
            traces.add(_TELLING[kind])
        else:
            kept += data[at:end]
        at = end
        if kind == b"IEND":
            if at != len(data):  # nothing may hide behind the end
                traces.add(Trace.HISTORY)
            return Scrubbed(bytes(kept) if traces else data, frozenset(traces))
    raise UnsafeFileError(
        "Cette image PNG est abîmée ou coupée : ouvrez-la et enregistrez-la de nouveau."
    )
