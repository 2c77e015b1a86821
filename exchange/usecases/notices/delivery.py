"""Sending what is due, once each, and trying again what could not be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

from exchange.usecases.notices.due import Notice, is_reachable, notices_due
from exchange.usecases.notices.messages import Message, compose
from exchange.usecases.ports import Contact
from exchange.usecases.record import present
from exchange.usecases.service import Service

FIRST_RETRY: Final = timedelta(minutes=5)
"""A mail server that restarts is back by then; each further wait is twice as long."""

MAX_ATTEMPTS: Final = 8
"""Ten hours in all: after that the news is no help any more."""

REMEMBERED: Final = timedelta(days=400)
"""Longer than anything stays due, so that nothing is sent a second time."""


class Outcome(StrEnum):
    """What came of handing a message to the mail server."""

    SENT = "sent"
    LATER = "later"
    """The server was not reached, or said to try again (4xx)."""
    REFUSED = "refused"
    """It will never take this message (5xx)."""


class Mailer(Protocol):
    """A way to one mail server."""

    def send(self, message: Message) -> Outcome:
        """Hand one message over; raises nothing that a server or a network may cause."""


@dataclass(frozen=True)
class Delivered:
    """How many messages went, wait for another attempt, or were given up."""

    sent: int
    waiting: int
    given_up: int


def deliver_notices(service: Service, mailer: Mailer, url: str) -> Delivered:
    """Send every notice that is due to somebody with an address and was not sent yet."""
    counts = dict.fromkeys(Outcome, 0)
    for notice, contact in _wanted(service):
        message = compose(notice, contact.address, contact.language, url, present(service))
        outcome = mailer.send(message)
        counts[_remember(service, notice, outcome)] += 1
    return Delivered(counts[Outcome.SENT], counts[Outcome.LATER], counts[Outcome.REFUSED])


def _wanted(service: Service) -> list[tuple[Notice, Contact]]:
    now = present(service)
    with service.transactions() as work:
        work.notices.drop_before(now - REMEMBERED)
        contacts = {}
        for each in work.contacts.all():
            if is_reachable(work.statements, each.person, now):
                contacts[each.person] = each
            else:
                work.contacts.remove(each.person)
        due = [
            (notice, contacts[notice.person])
            for notice in notices_due(work.statements, now)
            if notice.person in contacts and work.notices.is_due(notice.key, now)
        ]
        work.commit()
    return due


def _remember(service: Service, notice: Notice, outcome: Outcome) -> Outcome:
    """Note the attempt; what failed too often is given up."""
    now = present(service)
    with service.transactions() as work:
        attempts = work.notices.attempts(notice.key) + 1
        if outcome is Outcome.LATER and attempts >= MAX_ATTEMPTS:
            outcome = Outcome.REFUSED
        again = now + FIRST_RETRY * 2 ** (attempts - 1) if outcome is Outcome.LATER else None
        work.notices.note(notice.key, attempts=attempts, again_at=again, now=now)
        work.commit()
    return outcome
