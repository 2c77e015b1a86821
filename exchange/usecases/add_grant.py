"""Further envelopes for a committed deposit: a late alternate, a new device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit.events import EventType
from crypto.statements import Unverified, parse
from crypto.statements.exchange import Grant, Manifest, Purpose
from crypto.statements.registry import Role
from exchange.domain.deposit_lifecycle import DepositState
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import known_sitting, own_deposit, require_unclosed, roster_now
from exchange.usecases.envelopes import addressed_to, match_envelopes
from exchange.usecases.errors import ConflictError, InvalidRequestError, NotAllowedError, explained
from exchange.usecases.facts import release_key_of
from exchange.usecases.ports import UnitOfWork
from exchange.usecases.recipients import grant_certificates, reader_certificates
from exchange.usecases.record import present, publish, receipt, record_statement
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import (
    require_certificate,
    require_fresh,
    require_own,
    verified_by,
)


def add_grant(
    service: Service, caller: Caller, deposit: str, envelope: bytes, envelopes: Sequence[bytes]
) -> bytes:
    """Accept a grant and its envelopes; the receipt of ``grant.added``."""
    with explained():
        unverified = parse(Grant, envelope)
    sealed = match_envelopes(unverified.statement.envelopes, envelopes)
    now = present(service)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            ticket = _accept(service, work, caller, deposit, unverified, now)
            for digest, data in sealed.items():
                work.deposits.add_envelope(deposit, digest, data)
            work.commit()
        else:
            require_own(caller, unverified.statement)
            ticket = known.order
    publish(service)
    push_to_broker(service)
    return receipt(service, ticket)


def _accept(
    service: Service,
    work: UnitOfWork,
    caller: Caller,
    deposit: str,
    unverified: Unverified[Grant],
    now: datetime,
) -> int:
    statement = unverified.statement
    held = require_certificate(service, work, caller, Role.DEPOSITOR, now)
    require_own(caller, statement)
    require_fresh(service, statement, now)
    record = own_deposit(work, caller, deposit)
    if record.state != DepositState.COMMITTED or record.manifest != statement.manifest:
        raise ConflictError("Ce dépôt n'est pas, ou n'est plus, ouvert à de nouvelles enveloppes.")
    verified = verified_by(service, work, unverified, now)
    _check_recipients(work, statement, held.statement.organisation, now)
    return record_statement(
        service,
        work,
        verified,
        EventType.GRANT_ADDED,
        at=now,
        cites={"manifest": statement.manifest, "certificate": held.digest},
    )


def _check_recipients(work: UnitOfWork, statement: Grant, association: str, now: datetime) -> None:
    index = work.statements
    accepted = index.get(statement.manifest)
    if accepted is None or not isinstance(accepted.statement, Manifest):
        raise InvalidRequestError("Cette autorisation cite un manifeste inconnu.")
    manifest = accepted.statement
    newest = release_key_of(index, manifest.deposit)
    if newest is None or newest.digest != statement.release_key_sha256:
        raise ConflictError(
            "Ces enveloppes sont scellées à une clé de dépôt qui n'est pas, ou n'est plus, celle de ce "
            "dépôt : recommencez."
        )
    sitting = known_sitting(index, manifest.sitting, manifest.sitting_sha256)
    require_unclosed(index, sitting, now)
    readers = reader_certificates(
        index,
        sitting.statement,
        roster_now(index),
        association=association,
        audience=manifest.audience,
        now=now,
    )
    colleagues = grant_certificates(index, association=association, now=now)
    if (
        addressed_to(statement.envelopes, Purpose.READ) - readers
        or addressed_to(statement.envelopes, Purpose.GRANT) - colleagues
    ):
        raise NotAllowedError(
            "Une enveloppe est destinée à une personne qui ne siège pas, ou qui est déportée."
        )
