"""One byte range of an object (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exchange.web.errors import RangeError

_SINGLE: Final = re.compile(r"bytes=(\d{0,16})-(\d{0,16})")


@dataclass(frozen=True)
class Span:
    """``length`` octets from ``first`` on, of ``total``."""

    first: int
    length: int
    total: int

    @property
    def content_range(self) -> str:
        """The value of ``Content-Range``."""
        return f"bytes {self.first}-{self.first + self.length - 1}/{self.total}"


def requested_span(header: str | None, total: int) -> Span | None:
    """The one range asked for; None where the whole is due; raises RangeError (416).

    Several ranges, another unit or a malformed value are ignored, as RFC 9110 allows: the whole
    is then the answer.
    """
    found = _SINGLE.fullmatch(header.strip()) if header else None
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), total)
    begin = int(first)
    end = min(int(last), total - 1) if last else total - 1
    if last and int(last) < begin:
        return None
    if begin >= total:
        raise RangeError(total)
    return Span(begin, end - begin + 1, total)


def _suffix(length: int, total: int) -> Span:
    if length == 0 or total == 0:
        raise RangeError(total)
    kept = min(length, total)
    return Span(total - kept, kept, total)
