"""Devices: when each was last used, and what a lost one could open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from crypto.digests import Digest
from crypto.statements.exchange import (
    AccessRequest,
    EnvelopeEntry,
    Grant,
    Login,
    Manifest,
    Purpose,
    Withdrawal,
)
from crypto.statements.registry import Certificate, Closing, Revocation, Roster, Sitting
from exchange.client.desk import Desk
from exchange.client.registry import association_of, is_closed, is_withdrawn, sitting_of
from exchange.usecases.ledger import Accepted, StatementIndex


@dataclass(frozen=True)
class Device:
    """One certified device of a person. ``last_login`` None: it never logged in."""

    certificate: Accepted[Certificate]
    revoked: bool
    last_login: datetime | None


@dataclass(frozen=True)
class Reach:
    """A deposit with an envelope for a device.

    ``asked``: the device asked for its header, so that its content may lie on that machine. ``live``:
    the broker still holds the key, so that it could be asked for until the device was revoked.
    """

    dossier: str
    association: str
    sitting: str
    deposit: str
    purpose: Purpose
    asked: bool
    live: bool


def devices_of(desk: Desk, person: str) -> tuple[Device, ...]:
    """The devices of a person, oldest first, as far as this login may know."""
    desk.load(Revocation)
    index = desk.view.ledger
    found = desk.load(Certificate, person=person)
    return tuple(
        Device(
            each,
            bool(index.find(Revocation, certificate=each.digest)),
            max((login.at for login in desk.load(Login, signer=each.digest)), default=None),
        )
        for each in found
    )


def reach_of(desk: Desk, certificates: Collection[Digest]) -> tuple[Reach, ...]:
    """Everything that was sealed for these devices: what to think of when one is lost (GDPR 33)."""
    for kind in (Roster, Sitting, Closing, Certificate, Manifest, Grant, Withdrawal, AccessRequest):
        desk.load(kind)
    index, now = desk.view.ledger, desk.machine.clock()
    asked = {
        deposit
        for device in certificates
        for request in index.find(AccessRequest, signer=device)
        for deposit in request.statement.deposits
    }
    found = []
    for manifest in index.find(Manifest):
        statement = manifest.statement
        sitting = sitting_of(index, statement.sitting).statement
        ended = is_closed(index, sitting, now) or is_withdrawn(index, statement.dossier)
        purposes = {
            entry.purpose
            for entry in _envelopes(index, manifest)
            if entry.certificate in certificates
        }
        found += [
            Reach(
                statement.dossier,
                association_of(index, statement),
                statement.sitting,
                statement.deposit,
                purpose,
                statement.deposit in asked,
                not ended,
            )
            for purpose in sorted(purposes)
        ]
    return tuple(found)


def _envelopes(index: StatementIndex, manifest: Accepted[Manifest]) -> tuple[EnvelopeEntry, ...]:
    grants = index.find(Grant, manifest=manifest.digest)
    return (
        *manifest.statement.envelopes,
        *(entry for grant in grants for entry in grant.statement.envelopes),
    )
