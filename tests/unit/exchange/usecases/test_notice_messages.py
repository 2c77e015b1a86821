"""Messages that a stranger may read: a link, at most a day, and not a word of the subject."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest

from exchange.usecases.notices.due import Notice, NoticeKind
from exchange.usecases.notices.messages import MAX_LINE_OCTETS, Message, compose

AT = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
URL = "https://echange.example"
FORBIDDEN = (
    *("prostitution", "dossier", "commission", "prefecture", "victime", "parcours", "association"),
    *(
        "victim",
        "pathway",
        "police",
        "sejour",
        "mouvement",
        "amicale",
        "altair",
        "seance",
        "sitting",
    ),
    *("membre", "member", "medecin", "temoin", "traite", "traffick", "cle ", "key"),
)


def made(kind: NoticeKind, language: str) -> Message:
    meets = kind in {NoticeKind.CONVOCATION, NoticeKind.SITTING_CHANGED}
    notice = Notice(kind, "p" * 26, "s" * 26, AT if meets else None)
    return compose(notice, "quelquun@poste.example", language, URL, AT)


@pytest.mark.parametrize("language", ["fr", "en", "?"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_nothing_is_given_away(kind: NoticeKind, language: str) -> None:
    """No name, reference or word of the subject in subject, body, calendar or their file."""
    message = made(kind, language)
    told = f"{message.subject} {message.body} {(message.calendar or b'').decode()}".casefold()
    plain = "".join(c for c in unicodedata.normalize("NFD", told) if not unicodedata.combining(c))
    assert [word for word in FORBIDDEN if word in plain.replace(URL, "")] == []
    assert URL in message.body
    assert "p" * 26 not in plain


@pytest.mark.parametrize("language", ["fr", "en"])
def test_subjects_do_not_tell_kinds_apart(language: str) -> None:
    """Whoever sees a mailbox's list sees one subject."""
    assert len({made(kind, language).subject for kind in NoticeKind}) == 1


def test_a_meeting_has_a_calendar_file() -> None:
    """RFC 5545: folded lines, CRLF, one whole-day event, the same UID when it is moved."""
    message = made(NoticeKind.CONVOCATION, "fr")
    assert message.calendar is not None
    assert "23/11/2026" in message.body
    text = message.calendar.decode()
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= MAX_LINE_OCTETS for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "").split("\r\n")
    fields = dict(line.split(":", 1) for line in unfolded if line)
    assert fields["DTSTART;VALUE=DATE"] == "20261123"
    assert fields["SUMMARY"] == "Réunion"
    moved = made(NoticeKind.SITTING_CHANGED, "fr").calendar
    assert moved is not None
    assert f"UID:{fields['UID']}" in moved.decode().replace("\r\n ", "")
    assert made(NoticeKind.AVAILABLE, "fr").calendar is None


def test_a_key_names_nobody() -> None:
    """What is remembered of a notice is a hash, and differs by kind, person and cause."""
    keys = {
        Notice(kind, person, cause).key
        for kind in NoticeKind
        for person in ("a", "b")
        for cause in ("c", "d")
    }
    assert len(keys) == len(NoticeKind) * 4
    assert all(len(key) == 64 for key in keys)
