"""Requests that come while others are being answered are answered together, in the next round.

A release costs a transaction, a published checkpoint and an operation of the broker, whether it is one
or sixty. So one round is under way at a time: nobody waits for company, and under load everybody who
waited shares the next one. Whoever waits longest is in it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from exchange.usecases.errors import UnavailableError

LONGEST_WAIT_SECONDS: Final = 30.0
"""For a round to end or to begin. What hangs for longer (a broker that takes connections and says
nothing) must not hold every thread of a worker one round after the other."""

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[Sequence[Item]], Sequence[Result | Exception]]
"""One outcome an item, in their order. What it raises is said of the whole round."""

_ALONE: Final = Exception("each by itself")


class _Ticket(Generic[Item, Result]):
    """One thread's place: woken with an outcome, or without one to lead the next round."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.called = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Until it is called; raises UnavailableError after LONGEST_WAIT_SECONDS."""
        if not self._lock.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise UnavailableError(
                "Les demandes d'ouverture attendent depuis trop longtemps : réessayez dans un instant, "
                "la même demande aura la même réponse."
            )

    def call(self, outcome: Result | Exception | None = None) -> None:
        """Wake its thread."""
        self.outcome, self.called = outcome, True
        self._lock.release()


class Rounds(Generic[Item, Result]):
    """Threads of one process that share rounds of ``work``.

    A round holds items of at most ``at_most`` by ``weight``, and always one. When it fails because
    something cannot be reached, all of it fails; after any other failure each is worked on by itself,
    so that nobody's request is another's error.
    """

    def __init__(
        self, work: Work[Item, Result], weight: Callable[[Item], int], at_most: int
    ) -> None:
        self._work = work
        self._weight = weight
        self._at_most = at_most
        self._mutex = threading.Lock()
        """Held for the moments in which the fields below change."""
        self._busy = False
        self._queue: deque[_Ticket[Item, Result]] = deque()

    def join(self, item: Item) -> Result:
        """The item's result, or its error raised; UnavailableError after waiting too long."""
        ticket: _Ticket[Item, Result] = _Ticket(item)
        if not self._leads(ticket):
            self._wait(ticket)
        outcome = ticket.outcome if ticket.outcome is not None else self._lead(ticket)
        if outcome is _ALONE:
            (outcome,) = self._work([item])
        if isinstance(outcome, Exception):
            try:
                raise outcome
            finally:
                del outcome, ticket  # an error that knows its own frame would outlive the request
        return outcome

    def _leads(self, ticket: _Ticket[Item, Result]) -> bool:
        with self._mutex:
            self._queue.append(ticket)
            leads, self._busy = not self._busy, True
            return leads

    def _wait(self, ticket: _Ticket[Item, Result]) -> None:
        try:
            ticket.wait()
        except BaseException:
            with self._mutex:
                waiting = ticket in self._queue
                # Called just now, and still in the queue: nobody else would lead the next round.
                leads = waiting and ticket is self._queue[0] and ticket.called
                if waiting:
                    self._queue.remove(ticket)
            if leads:
                self._pass_on()
            raise

    def _lead(self, mine: _Ticket[Item, Result]) -> Result | Exception:
        """One round, in which this thread's item is the first; its outcome."""
        with self._mutex:
            together = self._taken()
        outcomes: Sequence[Result | Exception] = [_ALONE] * len(together)
        try:
            outcomes = self._together([each.item for each in together])
        finally:
            self._pass_on()
            for each, outcome in zip(together, outcomes, strict=True):
                if each is not mine:
                    each.call(outcome)
        return outcomes[0]

    def _together(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            return self._work(items)
        except UnavailableError as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 - raised again, to whose request it belongs
            if len(items) == 1:
                return [error]
            return [_ALONE] * len(items)

    def _taken(self) -> list[_Ticket[Item, Result]]:
        taken = [self._queue.popleft()]
        weight = self._weight(taken[0].item)
        while self._queue:
            weight += self._weight(self._queue[0].item)
            if weight > self._at_most:
                break
            taken.append(self._queue.popleft())
        return taken

    def _pass_on(self) -> None:
        """To the thread that waits longest."""
        with self._mutex:
            if self._queue:
                self._queue[0].call()
            else:
                self._busy = False
