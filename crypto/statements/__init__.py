"""Signed statements: one type each, strict JSON in a DSSE envelope (DESIGN, section 5)."""

from __future__ import annotations

from typing import Final

from crypto.errors import MalformedError
from crypto.statements import custody, exchange, presence, registry
from crypto.statements.dsse import (
    Unverified,
    Verified,
    add_signature,
    parse,
    payload_type_of,
    pre_authentication_encoding,
    seal,
    seal_with,
    verify,
    verify_threshold,
)
from crypto.statements.model import Statement

STATEMENT_TYPES: Final[dict[str, type[Statement]]] = {
    kind.payload_type(): kind
    for kind in (
        registry.TrustPolicy,
        registry.Invitation,
        registry.Enrolment,
        registry.Certificate,
        registry.Revocation,
        registry.Roster,
        registry.Sitting,
        registry.Agenda,
        registry.Closing,
        exchange.Manifest,
        exchange.ComplementRequest,
        exchange.Grant,
        presence.Proxy,
        presence.Attendance,
        exchange.Undertaking,
        exchange.Declaration,
        exchange.Recusal,
        exchange.AccessRequest,
        exchange.Withdrawal,
        exchange.Complaint,
        exchange.Opinion,
        exchange.Decision,
        exchange.Login,
        custody.ReleaseKey,
        custody.Status,
        custody.Destruction,
        custody.Hold,
        custody.Purge,
        custody.Retention,
        custody.Attestation,
        custody.Emergency,
        custody.Recovery,
        custody.BundleIndex,
    )
}


def parse_any(envelope: bytes) -> Unverified[Statement]:
    """Parse an envelope of whichever known type it declares; raises MalformedError."""
    kind = STATEMENT_TYPES.get(payload_type_of(envelope))
    if kind is None:
        raise MalformedError("Ce type de déclaration est inconnu de cette version.")
    return parse(kind, envelope)


__all__ = [
    "STATEMENT_TYPES",
    "Statement",
    "Unverified",
    "Verified",
    "add_signature",
    "parse",
    "parse_any",
    "payload_type_of",
    "pre_authentication_encoding",
    "seal",
    "seal_with",
    "verify",
    "verify_threshold",
]
