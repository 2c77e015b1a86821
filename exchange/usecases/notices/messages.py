"""The messages: a link and, for a meeting, a day. No name, no reference, no word of the subject.

Whoever reads over a shoulder, or in a mailbox that a colleague shares, learns that a service has something
for this person, and not what.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exchange.usecases.notices.due import Notice, NoticeKind

MAX_LINE_OCTETS: Final = 75
"""RFC 5545, section 3.1: longer content lines are folded."""

SUBJECTS: Final = MappingProxyType(
    {"fr": "Un message vous attend", "en": "A message is waiting for you"}
)

PHRASES: Final = MappingProxyType(
    {
        NoticeKind.CERTIFIED: ("Votre accès est ouvert.", "Your access is open."),
        NoticeKind.CONVOCATION: (
            "Une réunion est prévue le {day}.",
            "A meeting is planned on {day}.",
        ),
        NoticeKind.SITTING_CHANGED: (
            "Une réunion a changé de date : le {day}.",
            "A meeting has a new date: {day}.",
        ),
        NoticeKind.AVAILABLE: (
            "Des documents sont à votre disposition.",
            "Documents are available to you.",
        ),
        NoticeKind.CLOSING_SOON: (
            "Un délai se termine dans vingt-quatre heures.",
            "A time limit ends within twenty-four hours.",
        ),
        NoticeKind.COMPLEMENT: (
            "Une réponse est attendue de vous.",
            "An answer is expected of you.",
        ),
        NoticeKind.GRANT_AWAITED: ("Un geste est attendu de vous.", "An act is expected of you."),
    }
)
"""French, English. ``day``: 31/12/2027 or 2027-12-31."""

CLOSINGS: Final = MappingProxyType(
    {
        "fr": "Connectez-vous : {url}\n\nCe message est automatique ; n'y répondez pas.",
        "en": "Log in: {url}\n\nThis message is automatic; do not answer it.",
    }
)
MEETING: Final = MappingProxyType({"fr": "Réunion", "en": "Meeting"})


@dataclass(frozen=True)
class Message:
    """One e-mail; ``calendar`` an iCalendar object (RFC 5545), for a meeting."""

    address: str
    subject: str
    body: str
    calendar: bytes | None


def compose(notice: Notice, address: str, language: str, url: str, now: datetime) -> Message:
    """The message of a notice, in French unless ``language`` is ``en``."""
    spoken = "en" if language == "en" else "fr"
    sentence = PHRASES[notice.kind][0 if spoken == "fr" else 1]
    if notice.meets_at is not None:
        day = f"{notice.meets_at:%d/%m/%Y}" if spoken == "fr" else f"{notice.meets_at:%Y-%m-%d}"
        sentence = sentence.format(day=day)
    body = f"{sentence}\n\n{CLOSINGS[spoken].format(url=url)}\n"
    calendar = None
    if notice.meets_at is not None:
        calendar = _calendar(notice, notice.meets_at, MEETING[spoken], url, now)
    return Message(address, SUBJECTS[spoken], body, calendar)


def _calendar(notice: Notice, at: datetime, title: str, url: str, now: datetime) -> bytes:
    """An event of one whole day; the same meeting moved replaces it (same UID)."""
    place = url.removeprefix("https://").removeprefix("http://")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//echange//FR",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{notice.cause.split(' ')[0]}@{place}",
        f"SEQUENCE:{int(at.timestamp()) // 60}",
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{at:%Y%m%d}",
        f"SUMMARY:{title}",
        f"URL:{url}",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _folded(line: str) -> str:
    """RFC 5545, section 3.1. Our lines are ASCII but for the title, which is short."""
    first, rest = line[:MAX_LINE_OCTETS], line[MAX_LINE_OCTETS:]
    width = MAX_LINE_OCTETS - 1
    return "".join([first, *(f"\r\n {rest[at : at + width]}" for at in range(0, len(rest), width))])
