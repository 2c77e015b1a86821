"""What must be true of a statement, besides its signature, before it is accepted; by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crypto.statements import Statement, custody, exchange, presence, registry
from exchange.usecases.acceptance import custodial, declarations, meetings, people, trust, voices
from exchange.usecases.acceptance.context import AcceptanceContext

CHECKS: Final[Mapping[type[Statement], Callable[[AcceptanceContext, Any], None]]] = {
    registry.TrustPolicy: trust.check_trust_policy,
    registry.Invitation: people.check_invitation,
    registry.Certificate: people.check_certificate,
    registry.Revocation: people.check_revocation,
    registry.Roster: meetings.check_new_roster,
    registry.Sitting: meetings.check_new_sitting,
    registry.Agenda: meetings.check_new_agenda,
    registry.Closing: meetings.check_closing,
    presence.Proxy: voices.check_new_proxy,
    presence.Attendance: voices.check_attendance,
    exchange.Undertaking: declarations.check_undertaking,
    exchange.Declaration: declarations.check_declaration,
    exchange.Recusal: declarations.check_recusal,
    exchange.ComplementRequest: meetings.check_complement_request,
    exchange.Withdrawal: declarations.check_withdrawal,
    exchange.Complaint: declarations.check_complaint,
    exchange.Opinion: declarations.check_opinion,
    exchange.Decision: declarations.check_decision,
    custody.Hold: custodial.check_hold,
    custody.Purge: custodial.check_purge,
    custody.Retention: custodial.check_retention,
    custody.Attestation: custodial.check_attestation,
    custody.Emergency: custodial.check_emergency,
    custody.BundleIndex: custodial.check_bundle_index,
}
"""The types that ``accept_statement`` takes; every other type comes in by a verb of its own."""

__all__ = ["CHECKS", "AcceptanceContext"]
