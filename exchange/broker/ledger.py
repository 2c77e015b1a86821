"""What the broker has acknowledged: accepted statements, in the order of the log.

``statements.jsonl`` keeps each envelope with its receipt, as evidence; in memory there is the same
index that the service and the replay use. Trust policies are chained from the pinned root again at
each start, because only that check makes a ``TrustedPolicy``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from crypto.digests import Digest, sha256
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import CryptoError
from crypto.statements import Statement, parse, parse_any
from crypto.statements.agenda import OpenedItem
from crypto.statements.fields import Count, Instant
from crypto.statements.model import Strict, load_strict_json
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, TrustedPolicy, accept_first, accept_next
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import LineFile
from exchange.usecases.ledger import Accepted, MemoryLedger, StatementIndex
from exchange.usecases.ports import Attested

MAX_LINE_BYTES: Final = 4_194_304
"""The largest envelope (2 MiB) in base64, and its receipt."""


S = TypeVar("S", bound=Statement)

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Line(Strict):
    index: Count
    at: Instant
    envelope: str
    receipt: str


class Before:
    """The statements of an index that the log holds before one place of it."""

    def __init__(self, index: StatementIndex, order: int) -> None:
        self._index = index
        self._order = order

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        accepted = self._index.get(digest)
        return accepted if accepted is not None and accepted.order < self._order else None

    def find(self, kind: type[S], **references: str) -> Sequence[Accepted[S]]:
        found = self._index.find(kind, **references)
        return [accepted for accepted in found if accepted.order < self._order]

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        return self._index.opened(agenda) if self.get(agenda) else ()


class BrokerLedger:
    """Acknowledged statements. The caller holds the store's lock."""

    def __init__(self, directory: Path, trust: Trust) -> None:
        self._file = LineFile(directory / "statements.jsonl")
        self._trust = trust
        self._policies: list[tuple[int, TrustedPolicy]] = []
        self._order: list[int] = []
        self._times: list[datetime] = []
        """For each kept index, ascending: the latest time up to and including it."""
        self._by_envelope: dict[Digest, Digest] = {}
        """Statement by the SHA-256 of the very bytes that were acknowledged."""
        self.index = MemoryLedger()

    @property
    def policy(self) -> TrustedPolicy | None:
        """The trust policy in force, None before the first."""
        return self._policies[-1][1] if self._policies else None

    def policy_at(self, index: int) -> TrustedPolicy | None:
        """The trust policy that was in force when the log took the entry ``index`` in.

        A broker that takes another's place reads the whole past at once: what a registrar signed
        last year counts by the policy of then, what is logged today by today's.
        """
        before = [policy for place, policy in self._policies if place < index]
        return before[-1] if before else self.policy

    def latest_before(self, index: int) -> datetime:
        """The latest time at which anything below a log index counts as made."""
        place = bisect_left(self._order, index)
        return self._times[place - 1] if place else _BEGINNING

    def acknowledged(self, envelope: bytes) -> Accepted[Statement] | None:
        """What exactly these bytes hold, if they were acknowledged before: nothing is parsed again."""
        digest = self._by_envelope.get(sha256(envelope))
        return self.index.get(digest) if digest is not None else None

    def refresh(self) -> None:
        """Take in what other processes acknowledged."""
        for line in self._file.refresh():
            self._take(_parse_line(line))

    def accept_policies(self, envelopes: Sequence[bytes]) -> tuple[TrustedPolicy, ...]:
        """Check the next trust policies against the chain, one after the other, without keeping them."""
        current, accepted = self.policy, []
        for envelope in envelopes:
            unverified = parse(TrustPolicy, envelope)
            current = (
                accept_next(current, unverified)
                if current
                else accept_first(self._trust, unverified)
            )
            accepted.append(current)
        return tuple(accepted)

    def add(self, attested: Attested, index: int, at: datetime) -> None:
        """Keep one verified statement; durable when it returns."""
        line = _Line(
            index=index,
            at=at,
            envelope=encode_base64(attested.envelope),
            receipt=encode_base64(attested.receipt),
        )
        self._file.append(line.model_dump_json().encode())
        self._take(line)

    def _take(self, line: _Line) -> None:
        try:
            envelope = decode_base64(line.envelope)
            unverified = parse_any(envelope)
            if isinstance(unverified.statement, TrustPolicy):
                (policy,) = self.accept_policies([envelope])
                self._policies.append((line.index, policy))
        except CryptoError as error:
            raise _damaged() from error
        self._take_time(line.index, line.at)
        self._by_envelope[sha256(envelope)] = unverified.digest
        self.index.add(Accepted(unverified.statement, unverified.digest, line.index, line.at))

    def _take_time(self, index: int, at: datetime) -> None:
        place = bisect_left(self._order, index)
        self._order.insert(place, index)
        self._times.insert(place, max(at, self._times[place - 1] if place else at))
        for later in range(place + 1, len(self._times)):
            self._times[later] = max(self._times[later], at)


def _parse_line(line: bytes) -> _Line:
    try:
        return _Line.model_validate(load_strict_json(line, limit=MAX_LINE_BYTES))
    except (ValidationError, CryptoError) as error:
        raise _damaged() from error


def _damaged() -> BrokerStoreError:
    return BrokerStoreError(
        "Le fichier « statements.jsonl » du gardien des clés est altéré. N'y touchez pas : suivez "
        "la procédure de reprise du guide d'exploitation."
    )
