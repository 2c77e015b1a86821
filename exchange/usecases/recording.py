"""Which event records which statement, and under what name the event cites it (DESIGN, section 5).

The service writes by this table, and the broker and the auditor's replay read by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audit.events import EventDetails, EventType
from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.custody import Destruction, ReleaseKey, Status
from crypto.statements.exchange import AccessRequest, Grant, Login, Manifest


@dataclass(frozen=True)
class Recording:
    """The events that may record a type of statement, and its role among their cites."""

    events: frozenset[EventType]
    role: str


_RELEASES: Final = frozenset(
    {EventType.RELEASE_AUTHORISED, EventType.RELEASE_REFUSED, EventType.RELEASE_FAILED}
)
_RELEASE_KEYS: Final = frozenset({EventType.DEPOSIT_BEGUN, EventType.DEPOSIT_REKEYED})
_LOGINS: Final = frozenset({EventType.LOGIN_ACCEPTED, EventType.LOGIN_REFUSED})

_SPECIAL: Final[dict[type[Statement], Recording]] = {
    Manifest: Recording(frozenset({EventType.DEPOSIT_COMMITTED}), "manifest"),
    ReleaseKey: Recording(_RELEASE_KEYS, "release_key"),
    Grant: Recording(frozenset({EventType.GRANT_ADDED}), "grant"),
    AccessRequest: Recording(_RELEASES, "access_request"),
    Login: Recording(_LOGINS, "login"),
    Destruction: Recording(frozenset({EventType.KEY_DESTROYED}), "destruction"),
}
_OTHERS: Final = Recording(frozenset({EventType.STATEMENT_ACCEPTED}), "statement")


def recording_of(kind: type[Statement]) -> Recording | None:
    """How statements of a type are recorded; None for those that never are (statuses)."""
    return None if kind is Status else _SPECIAL.get(kind, _OTHERS)


def records(details: EventDetails, kind: type[Statement], digest: Digest) -> bool:
    """Whether an event is the one that records this statement."""
    recording = recording_of(kind)
    return (
        recording is not None
        and details.type in recording.events
        and details.cites.get(recording.role) == digest
    )
