"""Whether releases are due: several requests judged at once, each by itself, and nothing written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.checkpoint import Checkpoint
from crypto.digests import Digest
from crypto.statements import Unverified, Verified, parse
from crypto.statements.exchange import AccessRequest
from exchange.domain.refusals import RefusalReason
from exchange.usecases.access import refusal_of
from exchange.usecases.depositing import known_sitting
from exchange.usecases.errors import (
    InvalidRequestError,
    TooManyError,
    UnavailableError,
    UseCaseError,
    explained,
)
from exchange.usecases.foresight import foresee_decisions
from exchange.usecases.ports import ReleaseRecord, UnitOfWork
from exchange.usecases.rates import release_refusals, still_open
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import (
    require_caller,
    require_fresh,
    require_own,
    verified_by,
)


@dataclass(frozen=True)
class Asked:
    """One access request as it came, and whose login brought it."""

    caller: Caller
    request: Unverified[AccessRequest]

    @property
    def statement(self) -> AccessRequest:
        """What it says, unverified."""
        return self.request.statement


@dataclass(frozen=True)
class Verdict:
    """What is decided of one deposit now; ``record`` when it was released to this request before."""

    deposit: str
    reason: RefusalReason | None
    record: ReleaseRecord | None


@dataclass(frozen=True)
class Judged:
    """A request whose author and age are verified, with a verdict a deposit."""

    asked: Asked
    verified: Verified[AccessRequest]
    spent: bool
    """Whether the request itself is in the log already."""
    verdicts: tuple[Verdict, ...]


def asked_by(caller: Caller, envelope: bytes) -> Asked:
    """Read a request; raises InvalidRequestError or NotAllowedError."""
    with explained():
        unverified = parse(AccessRequest, envelope)
    require_own(caller, unverified.statement)
    return Asked(caller, unverified)


def foreign_histories(service: Service, asked: Iterable[Asked]) -> Mapping[str, UseCaseError]:
    """The checkpoints that the readers saw and that do not lie in this log, and why; each looked up
    once.
    """
    found: dict[str, UseCaseError] = {}
    for text in dict.fromkeys(each.statement.checkpoint for each in asked):
        try:
            _require_in_this_log(service, text)
        except UnavailableError:
            raise
        except UseCaseError as error:
            found[text] = error
    return found


def _require_in_this_log(service: Service, text: str) -> None:
    with explained():
        seen = Checkpoint.of_note(text.encode())
        if seen.origin != service.origin:
            raise InvalidRequestError("Cette demande cite un autre journal.")
        if not service.log.begins_with(seen):
            raise InvalidRequestError(
                "Cette demande cite un point de contrôle que ce journal n'a pas : il est plus long, "
                "ou celui d'un autre."
            )


def judge_together(
    service: Service, work: UnitOfWork, asked: Sequence[Asked], now: datetime
) -> list[Judged | UseCaseError]:
    """Judge each request; what is wrong with one is its own outcome.

    All are judged by the same statements: none of them is changed by a release, and whoever changes
    one waits until this transaction is over.
    """
    impatient = _impatient(service, work, asked, now)
    patient = [each for each in asked if each.caller.certificate not in impatient]
    foresee_decisions(
        work.statements,
        [each.statement for each in patient],
        [deposit for each in patient for deposit in each.statement.deposits],
        [each.request.digest for each in patient],
    )
    return [
        _too_many() if each.caller.certificate in impatient else _judge(service, work, each, now)
        for each in asked
    ]


def _impatient(
    service: Service, work: UnitOfWork, asked: Iterable[Asked], now: datetime
) -> frozenset[Digest | None]:
    """Whose requests were refused too often lately: asked first, because it costs least."""
    callers = {each.caller.certificate for each in asked}
    passing = still_open(
        work, release_refusals(service), now, [each or "" for each in sorted(callers, key=str)]
    )
    return frozenset(each for each in callers if (each or "") not in passing)


def _too_many() -> TooManyError:
    return TooManyError(
        "Trop de demandes refusées en peu de temps : corrigez-en la cause, puis recommencez "
        "dans une minute."
    )


def _judge(
    service: Service, work: UnitOfWork, asked: Asked, now: datetime
) -> Judged | UseCaseError:
    try:
        return _judged(service, work, asked, now)
    except UnavailableError:
        raise
    except UseCaseError as error:
        return error


def _judged(service: Service, work: UnitOfWork, asked: Asked, now: datetime) -> Judged:
    index, request = work.statements, asked.statement
    require_caller(service, work, asked.caller, now)
    verified = verified_by(service, work, asked.request, now)
    known_sitting(index, request.sitting, request.sitting_sha256)
    spent = index.get(asked.request.digest) is not None
    if not spent:
        require_fresh(service, request, now)
    verdicts = [
        _verdict(work, asked, deposit, spent, now) for deposit in dict.fromkeys(request.deposits)
    ]
    return Judged(asked, verified, spent, tuple(verdicts))


def _verdict(work: UnitOfWork, asked: Asked, deposit: str, spent: bool, now: datetime) -> Verdict:
    """Decided again at a retry: what was recused, withdrawn or closed since is refused, also where an
    answer is still kept.
    """
    reason = refusal_of(work.statements, asked.statement, deposit, now)
    if reason is not None or not spent:
        return Verdict(deposit, reason, None)
    record = work.releases.get(asked.request.digest, deposit)
    return Verdict(deposit, None if record else RefusalReason.REQUEST_SPENT, record)
