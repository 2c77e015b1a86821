"""Another release key for a committed deposit, when the broker that made the first was lost.

The depositor's client then seals its envelopes again, from the file key that it kept, to the key of
the broker now named by the trust policy (DESIGN, section 4: a lost broker costs a re-grant, not a
dossier). The payload is not touched.
"""

from __future__ import annotations

from datetime import datetime

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Unverified, parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.registry import Certificate, Role, Sitting
from exchange.domain.deposit_lifecycle import DepositState
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import known_sitting, own_deposit, require_unclosed
from exchange.usecases.errors import BrokerRefusalError, ConflictError, explained
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested, DepositRecord, UnitOfWork
from exchange.usecases.record import Filed, attest, present, publish, record_statement
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate, verified_by


def renew_release_key(
    service: Service, caller: Caller, deposit: str, sitting_sha256: Digest
) -> Attested:
    """The deposit's release key by the broker in charge: the known one, or ``deposit.rekeyed``.

    A broker makes one key a deposit: as long as it is the same broker, its answer is the same
    statement, and nothing is recorded.
    """
    now = present(service)
    with service.readings() as work:
        _held, record, sitting = _check(service, work, caller, deposit, sitting_sha256, now)
    push_to_broker(service)
    envelope = service.broker.make_release_key(record.deposit, sitting.digest)
    with explained():
        unverified = parse(ReleaseKey, envelope)
    now = present(service)
    with service.transactions() as work:
        held, record, sitting = _check(service, work, caller, deposit, sitting_sha256, now)
        known = work.statements.get(unverified.digest)
        ticket = known.order if known else _record(service, work, held, record, unverified, now)
        work.commit()
    publish(service)
    push_to_broker(service)
    return attest(service, Filed(envelope, unverified.digest, ticket))


def _check(
    service: Service,
    work: UnitOfWork,
    caller: Caller,
    deposit: str,
    seen: Digest,
    now: datetime,
) -> tuple[Accepted[Certificate], DepositRecord, Accepted[Sitting]]:
    held = require_certificate(service, work, caller, Role.DEPOSITOR, now)
    record = own_deposit(work, caller, deposit)
    if record.state != DepositState.COMMITTED:
        raise ConflictError("Ce dépôt n'est pas, ou n'est plus, ouvert à de nouvelles enveloppes.")
    sitting = known_sitting(work.statements, record.sitting, seen)
    require_unclosed(work.statements, sitting, now)
    return held, record, sitting


def _record(
    service: Service,
    work: UnitOfWork,
    held: Accepted[Certificate],
    record: DepositRecord,
    unverified: Unverified[ReleaseKey],
    now: datetime,
) -> int:
    verified = verified_by(service, work, unverified, now)
    made = unverified.statement
    if made.deposit != record.deposit or made.sitting != record.sitting:
        raise BrokerRefusalError("Le gardien des clés a répondu pour un autre dépôt.")
    cites: dict[str, Digest] = {"certificate": held.digest, "sitting": made.sitting_sha256}
    if record.manifest is not None:
        cites["manifest"] = record.manifest
    return record_statement(
        service,
        work,
        verified,
        EventType.DEPOSIT_REKEYED,
        at=now,
        cites=cites,
        facts={"deposit": record.deposit},
    )
