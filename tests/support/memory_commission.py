"""A fictional commission made of signed statements, over the real use cases and ports in memory.

Everything is accepted the way a client would have it accepted: signed, posted, logged. Times are
those of a clock that tests turn. Nobody in it exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crypto.digests import Digest, sha256
from crypto.keys import SigningSeed
from crypto.statements import Statement, Unverified
from crypto.statements.exchange import (
    AccessRequest,
    Declaration,
    Login,
    Purpose,
    Recusal,
    Undertaking,
)
from crypto.statements.registry import Role, SeatKind
from exchange.usecases.accept_statement import AcceptedStatement
from exchange.usecases.release import Releases, release
from tests.support.log_world import ORIGIN
from tests.support.memory_commission_deposits import CommissionDeposits, Deposited
from tests.support.memory_commission_registry import SeatOf, days
from tests.support.memory_commission_service import Person


@dataclass
class Commission(CommissionDeposits):
    """The world. Methods named after a statement sign it; ``post`` has it accepted."""

    def undertake(self, member: Person) -> AcceptedStatement:
        signed = self.by(
            member, Undertaking, mandate=member.mandate, text_sha256=sha256(b"engagement")
        )
        return self.post(signed, member.caller)

    def declare(self, member: Person, *deposits: Deposited) -> AcceptedStatement:
        return self._about(member, Declaration, deposits)

    def recuse(self, member: Person, *deposits: Deposited) -> AcceptedStatement:
        return self._about(member, Recusal, deposits)

    def _about(
        self, member: Person, kind: type[Statement], deposits: Sequence[Deposited]
    ) -> AcceptedStatement:
        dossiers = tuple(each.dossier for each in deposits)
        signed = self.by(member, kind, sitting=self.sitting_id, dossiers=dossiers)
        return self.post(signed, member.caller)

    def request(
        self, person: Person, *deposits: Deposited | str, **changes: Any
    ) -> Unverified[AccessRequest]:
        note = self.log.checkpoint()
        assert note is not None
        values = {
            "sitting": self.sitting_id,
            "sitting_sha256": self.sitting_digest(),
            "deposits": tuple(each if isinstance(each, str) else each.deposit for each in deposits),
            "purpose": Purpose.READ,
            "nonce": self.entropy(32),
            "reply_key": person.recipient,
            "checkpoint": note.decode(),
            **changes,
        }
        return self.by(person, AccessRequest, **values)

    def release(self, person: Person, *deposits: Deposited | str, **changes: Any) -> Releases:
        signed = self.request(person, *deposits, **changes)
        return release(self.service, person.caller, signed.envelope)

    def login_statement(
        self, signer: Digest, seed: SigningSeed, nonce: bytes, **changes: Any
    ) -> Unverified[Login]:
        values = {"origin": ORIGIN, "nonce": nonce, "expires_at": self.now + timedelta(minutes=2)}
        return self.sign(Login, signer, [seed], **{**values, **changes})


@dataclass
class Convened:
    """A commission with a convoked sitting: two who read, one recused by seat, one depositor each."""

    world: Commission
    doctor: Person
    mayor: Person
    altair_member: Person
    depositor: Person
    other_depositor: Person
    auditor: Person
    seats: list[SeatOf]

    def deposit(self, **changes: Any) -> Deposited:
        """A deposit of altair, sealed to everybody who may read it."""
        readers = [self.doctor, self.mayor]
        return self.world.deposit(self.depositor, readers, **changes)

    def on_agenda(self, *deposits: Deposited) -> None:
        self.world.post(self.world.agenda(*deposits))

    def open_window(self) -> None:
        self.world.clock.advance(days(6))

    def ready(self) -> Deposited:
        """A deposit that the doctor may take at once."""
        made = self.deposit()
        self.on_agenda(made)
        self.world.undertake(self.doctor)
        self.world.declare(self.doctor, made)
        self.open_window()
        return made


def convened() -> Convened:
    """A fresh commission, convoked for a sitting in five days."""
    world = Commission()
    world.publish_trust()
    doctor = world.admit("Jérôme Chimère", "cdom", Role.MEMBER)
    mayor = world.admit("Karine Utopie", "maires", Role.MEMBER)
    altair_member = world.admit("Noémie Roman", "altair", Role.MEMBER)
    depositor = world.admit("Quitterie Demo", "altair", Role.DEPOSITOR)
    other = world.admit("Régis Demo", "amicale", Role.DEPOSITOR)
    auditor = world.admit("Solène Contrôle", "prefecture", Role.AUDITOR)
    guest = world.admit("Perrine Invitée", "universite", Role.MEMBER)
    seats = [
        SeatOf("cdom", SeatKind.DESIGNATED, doctor, alternates=False),
        SeatOf("maires", SeatKind.ELECTED, mayor),
        SeatOf("altair", SeatKind.ASSOCIATION, altair_member, organisation="altair"),
    ]
    roster = world.roster([*seats, SeatOf("invite", SeatKind.GUEST, guest, alternates=False)])
    world.post(roster)
    world.post(world.sitting(roster.digest, seats))
    return Convened(world, doctor, mayor, altair_member, depositor, other, auditor, seats)
