"""One part of a deposit's payload."""

from __future__ import annotations

from crypto.digests import Digest
from crypto.statements.registry import Role
from exchange.domain.deposit_lifecycle import DepositState
from exchange.usecases.depositing import own_deposit
from exchange.usecases.errors import ConflictError, InvalidRequestError, TooManyError
from exchange.usecases.record import present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate


def put_part(
    service: Service, caller: Caller, deposit: str, number: int, data: bytes, digest: Digest
) -> None:
    """Keep part ``number`` (from 1). The same part again is fine. Durable when it returns. The store
    compares the digest with the bytes, once more where they were just hashed on arrival.
    """
    limits = service.limits
    if not data or len(data) > limits.part_bytes:
        raise InvalidRequestError(
            "Une partie compte entre 1 et {limit} octets.", limit=limits.part_bytes
        )
    if not 1 <= number <= -(-limits.deposit_bytes // limits.part_bytes):
        raise TooManyError("Un dépôt compte au plus {limit} octets.", limit=limits.deposit_bytes)
    with service.readings() as work:
        require_certificate(service, work, caller, Role.DEPOSITOR, present(service))
        record = own_deposit(work, caller, deposit)
    if record.state != DepositState.BEGUN:
        raise ConflictError("Ce dépôt est déjà terminé : plus aucune partie ne s'y ajoute.")
    service.objects.put_part(record.upload, number, data, digest)
