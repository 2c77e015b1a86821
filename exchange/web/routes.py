"""What a route says of itself: the event that it records, who may call it, what it takes and gives.

Every view declares, by decorators, either the events that it records or the reason why it records
none. A view that declares nothing is refused at run time (``web.guard``) and fails a test that
walks the URL map. The OpenAPI document is drawn from the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from audit.events import EventType

View = TypeVar("View", bound=Callable[..., Any])

JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"
NDJSON: Final = "application/x-ndjson"
HTML: Final = "text/html; charset=utf-8"

_ATTRIBUTE: Final = "dossier_rules"


@dataclass(frozen=True)
class Answer:
    """One way in which a route succeeds."""

    status: int
    media_type: str | None = None
    model: type[BaseModel] | None = None


@dataclass(frozen=True)
class Rules:
    """Everything that one view declares."""

    events: tuple[EventType, ...] = ()
    silent_because: str | None = None
    anonymous_because: str | None = None
    login_optional: bool = False
    body: type[BaseModel] | None = None
    body_type: str = JSON
    body_limit: int = 0
    """Octets; 0: the route takes no body."""
    key_required: bool = False
    """Whether an ``Idempotency-Key`` must come along. With JSON it always may, after a login."""
    queries: tuple[tuple[str, bool, str], ...] = ()
    """Query parameters: name, whether required, what it is."""
    answers: tuple[Answer, ...] = ()

    @property
    def declared(self) -> bool:
        """Whether the view said what it records, or why nothing."""
        return bool(self.events) or self.silent_because is not None


NOTHING_DECLARED: Final = Rules()


def rules_of(view: Callable[..., Any] | None) -> Rules:
    """What ``view`` declared."""
    rules = getattr(view, _ATTRIBUTE, NOTHING_DECLARED)
    return rules if isinstance(rules, Rules) else NOTHING_DECLARED


def records(*events: EventType) -> Callable[[View], View]:
    """The view leaves these events in the audit log, whatever it answers."""
    return lambda view: _declare(view, events=events)


def records_nothing(reason: str) -> Callable[[View], View]:
    """The view leaves no event, and why that is right."""
    return lambda view: _declare(view, silent_because=reason)


def anonymous(reason: str) -> Callable[[View], View]:
    """The view answers without a login, and why that is right."""
    return lambda view: _declare(view, anonymous_because=reason)


def login_optional(reason: str) -> Callable[[View], View]:
    """The view is anonymous for what its use case allows so, and knows its caller otherwise."""
    return lambda view: _declare(view, anonymous_because=reason, login_optional=True)


def takes(
    model: type[BaseModel], limit: int, *, key_required: bool = False
) -> Callable[[View], View]:
    """The view takes a JSON body of this form, of at most ``limit`` octets."""
    return lambda view: _declare(view, body=model, body_limit=limit, key_required=key_required)


def takes_octets(limit: int) -> Callable[[View], View]:
    """The view takes opaque octets, at most ``limit``."""
    return lambda view: _declare(view, body_type=OCTETS, body_limit=limit)


def query(name: str, meaning: str, *, required: bool = False) -> Callable[[View], View]:
    """The view reads this query parameter."""
    return lambda view: _declare(view, queries=((name, required, meaning), *rules_of(view).queries))


def answers(
    status: int, model: type[BaseModel] | None = None, media_type: str | None = None
) -> Callable[[View], View]:
    """The view succeeds with this status and content."""
    given = Answer(status, media_type or (JSON if model else None), model)
    return lambda view: _declare(view, answers=(given, *rules_of(view).answers))


def _declare(view: View, **changes: Any) -> View:
    setattr(view, _ATTRIBUTE, replace(rules_of(view), **changes))
    return view
