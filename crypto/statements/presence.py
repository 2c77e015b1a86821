"""Statements about who is there when a sitting deliberates, and who speaks for whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from crypto.statements.fields import MAX_ITEMS, Code, OpaqueId
from crypto.statements.model import Statement, Strict


class Presence(StrEnum):
    """How a member takes part (CRPA R133-10: a conference by telephone or video counts)."""

    ROOM = "room"
    REMOTE = "remote"


class SeatPresence(Strict):
    """One seat that takes part, and how. A seat that is not listed is absent."""

    seat: Code
    presence: Annotated[Presence, Field(strict=False)]


class Proxy(Statement):
    """A member gives the voice of their seat to another member of this sitting (CRPA R133-9).

    The latest one of a person at a sitting counts; ``holder`` null takes the mandate back.
    """

    TYPE: ClassVar[str] = "proxy"
    sitting: OpaqueId
    holder: Code | None
    """The seat that speaks for the signer's."""


class Attendance(Statement):
    """The secretariat records who takes part in a sitting. The latest one counts."""

    TYPE: ClassVar[str] = "attendance"
    sitting: OpaqueId
    seats: Annotated[tuple[SeatPresence, ...], Field(strict=False, max_length=MAX_ITEMS)]
