"""A small commission with a real log and a real broker, whose server does what the test tells it.

Nothing here is trusted by the code under test: statements are signed on the spot, events are logged
whether they are lawful or not, and the log's key is the world's own. So a test can play an honest
service or any hostile one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.events import EventType
from crypto.age.identities import recipient_of
from crypto.digests import Digest, sha256
from crypto.keys import HybridIdentity
from crypto.statements import Unverified
from crypto.statements.exchange import AccessRequest, Declaration, Purpose, Recusal, Undertaking
from crypto.statements.registry import Role
from exchange.usecases import facts
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world_deposits import Deposit, WorldDeposits
from tests.support.broker_world_registry import Person
from tests.support.openings import open_one


@dataclass
class Request:
    """A reader's signed request and the secret of its one-use reply key."""

    signed: Unverified[AccessRequest]
    reply: HybridIdentity

    @property
    def digest(self) -> Digest:
        return self.signed.digest


@dataclass
class World(WorldDeposits):
    """The commission, its service's log and index, and the broker in ``directory``."""

    # --- a member's acts ------------------------------------------------------------------

    def undertake(self, who: Person) -> Digest:
        text = sha256(b"engagement")
        return self.post(self.by(who, Undertaking, mandate=who.mandate, text_sha256=text))

    def declare(self, who: Person, sitting: str, *deposits: Deposit) -> Digest:
        dossiers = tuple(deposit.dossier for deposit in deposits)
        return self.post(self.by(who, Declaration, sitting=sitting, dossiers=dossiers))

    def recuse(self, who: Person, sitting: str, *deposits: Deposit, **how: Any) -> Digest:
        dossiers = tuple(deposit.dossier for deposit in deposits)
        return self.post(self.by(who, Recusal, sitting=sitting, dossiers=dossiers), **how)

    # --- releases -------------------------------------------------------------------------

    def request(self, who: Person, sitting: str, *deposits: Deposit, **changes: Any) -> Request:
        reply = HybridIdentity.generate(os.urandom)
        values = {
            "sitting": sitting,
            "sitting_sha256": self.sittings[sitting].digest,
            "deposits": tuple(deposit.deposit for deposit in deposits),
            "purpose": Purpose.READ,
            "nonce": os.urandom(32),
            "reply_key": recipient_of(reply),
            "checkpoint": self.log.integrate().decode(),
            **changes,
        }
        return Request(self.by(who, AccessRequest, **values), reply)

    def authorise(
        self, request: Request, deposit: Deposit, *, at: datetime | None = None, **changes: Digest
    ) -> int:
        """Log ``release.authorised``, lawful or not; the index of the event."""
        statement = request.signed.statement
        self.envelopes[request.digest] = request.signed.envelope
        cites = {
            "access_request": request.digest,
            **facts.cited(
                self.index,
                certificate=statement.signer,
                sitting=statement.sitting,
                deposit=deposit.deposit,
                purpose=statement.purpose,
            ),
            **changes,
        }
        deposit_facts = {"deposit": deposit.deposit, "purpose": statement.purpose.value}
        return self.log_event(EventType.RELEASE_AUTHORISED, cites, deposit_facts, at)

    def shown(self, request: Request, deposit: Deposit, index: int, **changes: Any) -> OpenRequest:
        """What the server shows the broker: the statements in force, and the release's receipt."""
        statement = request.signed.statement
        rests_on = facts.cited(
            self.index,
            certificate=statement.signer,
            sitting=statement.sitting,
            deposit=deposit.deposit,
            purpose=statement.purpose,
        )
        values: dict[str, Any] = {
            "access_request": request.signed.envelope,
            "statements": tuple(self.attest(digest) for digest in rests_on.values()),
            "release": self.receipt(index),
            "deposit": deposit.deposit,
            "envelope": deposit.envelopes.get(statement.signer, b""),
            "item": self.opening_of(statement.sitting, deposit.manifest.digest),
            **changes,
        }
        return OpenRequest(**values)

    def release(self, who: Person, sitting: str, deposit: Deposit) -> tuple[Request, bytes]:
        """The whole honest path; the request and the broker's answer."""
        request = self.request(who, sitting, deposit)
        index = self.authorise(request, deposit)
        return request, open_one(self.broker, self.shown(request, deposit, index))

    # --- the usual situation --------------------------------------------------------------

    def found(self) -> None:
        """Trust, people and roster; nobody's sitting yet."""
        self.publish_trust()
        for name, organisation, seat, roles in (
            ("Claire Vasseur", "cdom", "cdom", (Role.MEMBER,)),
            ("Martin Lebrun", "mairie", "mairie", (Role.MEMBER,)),
            ("Odile Ferrand", "altair", "altair", (Role.MEMBER,)),
            ("Nadia Roche", "altair", "", (Role.DEPOSITOR,)),
            ("Paul Tessier", "nid", "", (Role.DEPOSITOR,)),
            ("Irène Caron", "prefecture", "", (Role.AUDITOR,)),
        ):
            person = self.enrol(name, organisation, *roles)
            person.seat, person.mandate = seat, self.new_id() if seat else ""
            self.people[name.split()[0].lower().replace("è", "e")] = person
        self.post(self.roster())


@dataclass
class Scene:
    """A convoked sitting whose window is open, one deposit, one member ready to read it."""

    world: World
    sitting: str
    deposit: Deposit
    other: Deposit
    """Another association's, on the same agenda."""
    member: Person
    depositor: Person


def open_scene(directory: Path) -> Scene:
    """The usual situation, in which an honest release succeeds."""
    return furnish(World(directory))


def furnish(world: World) -> Scene:
    """The usual situation in a new world."""
    world.found()
    claire, nadia, paul = (world.people[name] for name in ("claire", "nadia", "paul"))
    odile = world.people["odile"]
    sitting = world.publish_sitting("claire", "odile")
    deposit = world.deposit(nadia, sitting, claire)
    other = world.deposit(paul, sitting, claire, odile)
    world.publish_agenda(sitting, deposit, other)
    world.advance(days=5)
    world.undertake(claire)
    world.declare(claire, sitting, deposit, other)
    return Scene(world, sitting, deposit, other, claire, nadia)
