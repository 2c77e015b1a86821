"""A release: decided, logged, and only then opened by the broker. Requests that come together share one
transaction, one checkpoint and one operation of the broker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.events import EventType
from crypto.digests import Digest
from exchange.domain.refusals import RefusalReason
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.errors import (
    BrokerRefusalError,
    BrokerUnavailableError,
    UseCaseError,
)
from exchange.usecases.facts import manifest_of
from exchange.usecases.ports import Attested, Opening, OpenRequest, UnitOfWork
from exchange.usecases.rates import pass_one, release_refusals
from exchange.usecases.record import Happening, present, publish, receipt, receipts, record_events
from exchange.usecases.release_deciding import (
    Authorised,
    Decided,
    Material,
    Refused,
    decide_together,
)
from exchange.usecases.release_judging import (
    Asked,
    Judged,
    asked_by,
    foreign_histories,
    judge_together,
)
from exchange.usecases.rounds import Rounds
from exchange.usecases.service import Caller, Service

DEPOSITS_TOGETHER: Final = 64
"""Deposits decided in one transaction: some 60 ms, for which other writers wait."""


@dataclass(frozen=True)
class Opened:
    """One deposit that was released: the header is sealed to the request's reply key."""

    deposit: str
    manifest: Attested
    grant: Attested | None
    header: bytes
    receipt: bytes


@dataclass(frozen=True)
class Refusal:
    """One deposit that was not; ``message`` is a French template with ``params``."""

    deposit: str
    reason: str
    message: str
    params: dict[str, object]
    receipt: bytes


@dataclass(frozen=True)
class Releases:
    """The answer to one access request."""

    opened: tuple[Opened, ...]
    refused: tuple[Refusal, ...]


ReleaseRounds = Rounds[Asked, Releases]
"""The requests of one process's threads, answered together where they come together."""


def release_rounds(service: Service) -> ReleaseRounds:
    """The rounds of one process: whatever else may be shared with a request, its answer is its own."""

    def work(asked: Sequence[Asked]) -> Sequence[Releases | UseCaseError]:
        return release_together(service, asked)

    return Rounds(work, lambda asked: len(asked.statement.deposits), DEPOSITS_TOGETHER)


def release(service: Service, caller: Caller, envelope: bytes) -> Releases:
    """Answer one access request by itself; see ``release_together``."""
    (outcome,) = release_together(service, [asked_by(caller, envelope)])
    if isinstance(outcome, UseCaseError):
        raise outcome
    return outcome


def release_together(service: Service, asked: Sequence[Asked]) -> list[Releases | UseCaseError]:
    """Answer access requests, deposit by deposit. A retry gets the same index and answer.

    Every deposit is decided and logged before the first is opened. What is wrong with one request is
    its own outcome; raises UnavailableError when nothing can be decided or opened now.
    """
    places: dict[Digest, int] = {}
    for place, each in enumerate(asked):
        places.setdefault(_key(each), place)
    different = _different(service, [asked[place] for place in places.values()])
    outcomes = dict(zip(places, different, strict=True))
    # The same request twice at once: the second is a retry, and comes after the first.
    return [
        outcomes[_key(each)] if places[_key(each)] == place else _again(service, each)
        for place, each in enumerate(asked)
    ]


def _again(service: Service, asked: Asked) -> Releases | UseCaseError:
    """A retry; the others have their answers, whatever becomes of it."""
    try:
        (outcome,) = release_together(service, [asked])
    except UseCaseError as error:
        return error
    return outcome


def _different(service: Service, asked: Sequence[Asked]) -> list[Releases | UseCaseError]:
    foreign = foreign_histories(service, asked)
    judging = [each for each in asked if each.statement.checkpoint not in foreign]
    outcomes = dict(zip(map(_key, judging), _answered(service, judging), strict=True))
    return [outcomes.get(_key(each)) or foreign[each.statement.checkpoint] for each in asked]


def _key(asked: Asked) -> Digest:
    return asked.request.digest


def _answered(service: Service, asked: Sequence[Asked]) -> list[Releases | UseCaseError]:
    judged, decided = _decide(service, asked) if asked else ([], [])
    done: dict[Digest, Releases | UseCaseError] = {}
    if decided:
        publish(service)
        push_to_broker(service)
        done = _open(service, decided)
    return [done[_key(each.asked)] if isinstance(each, Judged) else each for each in judged]


def _decide(
    service: Service, asked: Sequence[Asked]
) -> tuple[list[Judged | UseCaseError], list[Decided]]:
    now = present(service)
    with service.transactions() as work:
        judged = judge_together(service, work, asked, now)
        good = [each for each in judged if isinstance(each, Judged)]
        if not good:
            return judged, []
        decided = decide_together(service, work, good, now)
        for each in decided:
            if each.refused:
                who = each.asked.caller.certificate or ""
                pass_one(work, release_refusals(service), now, who)
        work.commit()
    return judged, decided


# --- opening --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tried:
    """One authorised deposit, and what came of showing it to the broker."""

    asked: Asked
    authorised: Authorised
    opening: Opening
    new: bool
    """Whether the broker answered now, and not before."""


def _open(service: Service, decided: Sequence[Decided]) -> dict[Digest, Releases | UseCaseError]:
    """Show the broker each deposit with the receipts that it asks for, all under one checkpoint."""
    pairs = [(each.asked, one) for each in decided for one in each.authorised]
    shown = [one.material.tickets for _, one in pairs if one.material]
    proofs = receipts(service, {one.record.ticket for _, one in pairs}.union(*shown))
    tried = _try(service, pairs, proofs)
    # What the broker refused is logged first, also when it went away later on: its record says so.
    failed = _log_failures(service, tried)
    # All answers at once: should this process die before, the broker gives the same ones again.
    _keep_answers(service, tried)
    refused = {
        _key(each.asked): [
            *each.refused,
            *(
                failed[at]
                for at, one in enumerate(tried)
                if one.asked is each.asked and at in failed
            ),
        ]
        for each in decided
    }
    tickets = [one.ticket for each in refused.values() for one in each]
    told = receipts(service, tickets) if tickets else {}
    return {
        _key(each.asked): _answer(
            service,
            [one for one in tried if one.asked is each.asked],
            [_with_receipt(one, told) for one in refused[_key(each.asked)]],
            proofs,
        )
        for each in decided
    }


def _try(
    service: Service, pairs: Sequence[tuple[Asked, Authorised]], proofs: Mapping[int, bytes]
) -> list[_Tried]:
    asking = [
        _open_request(service, asked, one, one.material, proofs)
        for asked, one in pairs
        if one.material is not None and one.record.answer is None
    ]
    openings = iter(_openings(service, asking))
    tried: list[_Tried] = []
    for asked, one in pairs:
        if one.material is None:
            gone = BrokerRefusalError("Ce dépôt a été retiré, ou sa séance est close.")
            tried.append(_Tried(asked, one, gone, new=False))
        elif one.record.answer is not None:
            tried.append(_Tried(asked, one, one.record.answer, new=False))
        else:
            tried.append(_Tried(asked, one, next(openings), new=True))
    return tried


def _openings(service: Service, asking: Sequence[OpenRequest]) -> Sequence[Opening]:
    """That the broker is away is the outcome of those who need it; others have their answers."""
    if not asking:
        return ()
    try:
        return service.broker.open_all(asking)
    except BrokerUnavailableError as error:
        return [error] * len(asking)


def _open_request(
    service: Service,
    asked: Asked,
    authorised: Authorised,
    material: Material,
    proofs: Mapping[int, bytes],
) -> OpenRequest:
    return OpenRequest(
        access_request=asked.request.envelope,
        statements=tuple(
            Attested(each.envelope, proofs[each.ticket])
            for each in material.statements
            if each.ticket in proofs  # retention erased the others
        ),
        item=material.item,
        release=_proof(service, proofs, authorised.record.ticket),
        deposit=authorised.record.deposit,
        envelope=material.envelope,
    )


def _proof(service: Service, proofs: Mapping[int, bytes], ticket: int) -> bytes:
    """One of the receipts; raises what says that it was erased."""
    return proofs.get(ticket) or receipt(service, ticket)


def _keep_answers(service: Service, tried: Sequence[_Tried]) -> None:
    answers = {
        (each.authorised.record.request, each.authorised.record.deposit): each.opening
        for each in tried
        if each.new and isinstance(each.opening, bytes)
    }
    if answers:
        with service.unordered() as work:
            work.releases.set_answers(answers)
            work.commit()


def _log_failures(service: Service, tried: Sequence[_Tried]) -> dict[int, Refused]:
    """``release.failed`` for each deposit that the broker refused, by its place in ``tried``."""
    failed = {
        at: (each, each.opening)
        for at, each in enumerate(tried)
        if isinstance(each.opening, BrokerRefusalError)
    }
    if not failed:
        return {}
    with service.transactions() as work:
        happened = [_failure(work, each) for each, _ in failed.values()]
        tickets = record_events(service, work, happened, at=present(service))
        work.commit()
    publish(service)
    reason = RefusalReason.BROKER_REFUSED.value
    return {
        at: Refused(each.authorised.record.deposit, reason, error.message, error.params, ticket)
        for (at, (each, error)), ticket in zip(failed.items(), tickets, strict=True)
    }


def _failure(work: UnitOfWork, tried: _Tried) -> Happening:
    record = tried.authorised.record
    manifest = manifest_of(work.statements, record.deposit)
    cites = {"access_request": record.request, "certificate": record.certificate}
    return Happening(
        EventType.RELEASE_FAILED,
        {**cites, "manifest": manifest.digest} if manifest else cites,
        {"deposit": record.deposit, "reason": RefusalReason.BROKER_REFUSED.value},
    )


# --- the answer -----------------------------------------------------------------------------------


def _with_receipt(refused: Refused, told: Mapping[int, bytes]) -> Refusal:
    return Refusal(
        refused.deposit, refused.reason, refused.message, refused.params, told[refused.ticket]
    )


def _answer(
    service: Service,
    tried: Sequence[_Tried],
    refused: Sequence[Refusal],
    proofs: Mapping[int, bytes],
) -> Releases | UseCaseError:
    """One request's answer; that the broker went away, if it did before all was said."""
    away = next((each.opening for each in tried if _is_away(each)), None)
    if isinstance(away, BrokerUnavailableError):
        return away
    return Releases(
        tuple(
            _opened(service, each.authorised, each.authorised.material, each.opening, proofs)
            for each in tried
            if isinstance(each.opening, bytes) and each.authorised.material is not None
        ),
        tuple(refused),
    )


def _is_away(tried: _Tried) -> bool:
    return isinstance(tried.opening, BrokerUnavailableError)


def _opened(
    service: Service,
    authorised: Authorised,
    material: Material,
    header: bytes,
    proofs: Mapping[int, bytes],
) -> Opened:
    manifest, grant = material.manifest, material.grant
    return Opened(
        authorised.record.deposit,
        Attested(manifest.envelope, _proof(service, proofs, manifest.ticket)),
        Attested(grant.envelope, _proof(service, proofs, grant.ticket)) if grant else None,
        header,
        _proof(service, proofs, authorised.record.ticket),
    )
