"""Committing a deposit: the payload is whole, the manifest true, everyone who will sit can read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit.events import EventType
from crypto.age.layout import payload_length_is_valid
from crypto.digests import Digest
from crypto.statements import Unverified, parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Kind, Manifest, Purpose
from crypto.statements.registry import Role, Sitting
from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import allows, step
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.authority import find_certificate
from exchange.usecases.depositing import open_sitting, own_deposit, require_approval, roster_now
from exchange.usecases.dossier_rules import check_dossier
from exchange.usecases.envelopes import addressed_to, match_envelopes
from exchange.usecases.errors import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    ObjectConflictError,
    explained,
)
from exchange.usecases.facts import recusal_of
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import DepositRecord, UnitOfWork
from exchange.usecases.recipients import grant_certificates, reader_certificates
from exchange.usecases.record import present, publish, receipt, record_statement
from exchange.usecases.service import MAX_CARD_BYTES, Caller, Service
from exchange.usecases.signatures import (
    require_between,
    require_certificate,
    require_own,
    verified_by,
)


def commit_deposit(
    service: Service, caller: Caller, deposit: str, envelope: bytes, envelopes: Sequence[bytes]
) -> bytes:
    """Commit a deposit by its signed manifest; the receipt of ``deposit.committed``.

    The deposit's row names the object before it is made, so that the sweep knows it wherever a crash
    comes; then the object is made; then state and event follow in one transaction.
    """
    with explained():
        unverified = parse(Manifest, envelope)
    sealed = match_envelopes(unverified.statement.envelopes, envelopes)
    statement = unverified.statement
    now = present(service)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            record = _check(service, work, caller, deposit, unverified, now)
            content = statement.length, statement.sha256
            promised = service.objects.name_of(record.upload, *content)
            work.deposits.promise_object(deposit, promised)
            work.commit()
    if known is not None:
        return _again(service, caller, unverified, known.order)
    _make_object(service, record, statement, promised)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            # Again, in the transaction that writes: what was true a moment ago may not be any more.
            record = _check(service, work, caller, deposit, unverified, now)
            ticket = _commit(service, work, record, unverified, promised, now)
            for digest, data in sealed.items():
                work.deposits.add_envelope(deposit, digest, data)
            work.commit()
    if known is not None:  # two attempts at once: the other was faster
        return _again(service, caller, unverified, known.order)
    publish(service)
    push_to_broker(service)
    return receipt(service, ticket)


def _make_object(
    service: Service, record: DepositRecord, statement: Manifest, promised: str
) -> None:
    """Make the object; what was sent and is not what the manifest says leaves no promise behind."""
    try:
        name = service.objects.commit(record.upload, statement.length, statement.sha256)
        _check_nonce(service, name, statement)
    except (ObjectConflictError, InvalidRequestError):
        with service.transactions() as work:
            work.deposits.take_back_object(record.deposit, promised)
            work.commit()
        raise


def _commit(
    service: Service,
    work: UnitOfWork,
    record: DepositRecord,
    unverified: Unverified[Manifest],
    name: str,
    now: datetime,
) -> int:
    """The deposit's new state and the event that records it; the event's ticket."""
    statement = unverified.statement
    ticket = record_statement(
        service,
        work,
        verified_by(service, work, unverified, now),
        EventType.DEPOSIT_COMMITTED,
        at=now,
        cites={
            "certificate": statement.signer,
            "release_key": statement.release_key_sha256,
            "sitting": statement.sitting_sha256,
        },
        facts={"deposit": record.deposit},
    )
    work.deposits.set_committed(
        record.deposit, object_name=name, manifest=unverified.digest, length=statement.length
    )
    after = step(TABLE, DepositState(record.state), DepositEvent.COMMIT)
    work.deposits.move(record.deposit, expected=record.state, new=after.value)
    return ticket


def _again(
    service: Service, caller: Caller, unverified: Unverified[Manifest], ticket: int
) -> bytes:
    require_own(caller, unverified.statement)
    publish(service)
    return receipt(service, ticket)


def _check(
    service: Service,
    work: UnitOfWork,
    caller: Caller,
    deposit: str,
    unverified: Unverified[Manifest],
    now: datetime,
) -> DepositRecord:
    statement = unverified.statement
    held = require_certificate(service, work, caller, Role.DEPOSITOR, now)
    require_own(caller, statement)
    record = own_deposit(work, caller, deposit)
    # Signed at any time since the deposit began: a slow line sends 256 MiB in hours.
    tolerance = service.limits.clock_tolerance
    require_between(statement.issued_at, record.begun_at - tolerance, now + tolerance)
    if not allows(TABLE, DepositState(record.state), DepositEvent.COMMIT):
        raise ConflictError("Ce dépôt n'est plus en cours (état : {state}).", state=record.state)
    if (statement.deposit, statement.sitting) != (deposit, record.sitting):
        raise InvalidRequestError("Ce manifeste est celui d'un autre dépôt ou d'une autre séance.")
    if statement.origin != service.origin:
        raise InvalidRequestError("Ce manifeste était destiné à un autre service.")
    association = held.statement.organisation
    sitting = open_sitting(work.statements, statement, now)
    require_approval(work.statements, association, record.sitting, now)
    verified_by(service, work, unverified, now)
    _check_release_key(work.statements, statement)
    check_dossier(work.statements, statement, association)
    _check_payload(service, statement)
    _check_recipients(work.statements, statement, sitting, association, now)
    return record


def _check_release_key(index: StatementIndex, statement: Manifest) -> None:
    accepted = index.get(statement.release_key_sha256)
    made = accepted.statement if accepted else None
    if not isinstance(made, ReleaseKey) or made.deposit != statement.deposit:
        raise InvalidRequestError(
            "La clé de dépôt citée n'est pas celle que le gardien a faite pour ce dépôt."
        )


def _check_payload(service: Service, statement: Manifest) -> None:
    length = statement.length
    if statement.kind is Kind.CONFLICT_CARD and length > MAX_CARD_BYTES:
        raise InvalidRequestError(
            "Une fiche de conflit fait au plus {most} octets, scellée : ce n'est pas un dossier.",
            most=MAX_CARD_BYTES,
        )
    if length > service.limits.deposit_bytes or not payload_length_is_valid(length):
        raise InvalidRequestError("La longueur annoncée n'est pas celle d'un fichier age entier.")


def _check_recipients(
    index: StatementIndex,
    statement: Manifest,
    sitting: Accepted[Sitting],
    association: str,
    now: datetime,
) -> None:
    readers = reader_certificates(
        index,
        sitting.statement,
        roster_now(index),
        association=association,
        audience=statement.audience,
        now=now,
    )
    wanted = addressed_to(statement.envelopes, Purpose.READ)
    if wanted - readers:
        raise NotAllowedError(
            "Ce dépôt est scellé pour une personne qui ne siège pas, ou qui est déportée : la "
            "composition a peut-être changé, recommencez le dépôt."
        )
    if _still_expected(index, statement, readers) - wanted:
        raise InvalidRequestError(
            "Il manque une enveloppe pour une personne qui siège : recommencez le dépôt."
        )
    grants = addressed_to(statement.envelopes, Purpose.GRANT)
    if grants - grant_certificates(index, association=association, now=now):
        raise NotAllowedError("Une enveloppe est destinée à une autre association.")


def _still_expected(
    index: StatementIndex, statement: Manifest, readers: frozenset[Digest]
) -> frozenset[Digest]:
    """The readers who did not step aside: a complement may leave those out who did."""
    held = {digest: find_certificate(index, digest) for digest in readers}
    return frozenset(
        digest
        for digest, each in held.items()
        if each
        and not recusal_of(index, statement.sitting, statement.dossier, each.statement.person)
    )


def _check_nonce(service: Service, name: str, statement: Manifest) -> None:
    """The payload begins with the nonce that the manifest and its commitment are made with."""
    start = b"".join(service.objects.read(name, 0, len(statement.nonce)))
    if start != statement.nonce:
        raise InvalidRequestError(
            "Le contenu reçu n'est pas celui que le manifeste décrit : recommencez le dépôt."
        )
