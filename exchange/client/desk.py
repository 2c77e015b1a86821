"""A person at work: their profile, their key, a logged-in connection, and a trusted view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.policy import VerifiedCheckpoint
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.statements import Statement, Unverified
from crypto.statements.agenda import AgendaOpening
from crypto.statements.custody import Status
from crypto.statements.registry import Certificate
from crypto.trust import Trust
from exchange.client.api import Api, attested, field, many, optional, text, utf8
from exchange.client.checkpoints import CheckpointKeeper
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.login import prove_key
from exchange.client.machine import Machine, new_statement
from exchange.client.profile import Profile
from exchange.client.status import fetch_status, require_current, wait_until_acknowledged
from exchange.client.trusted_view import TrustedView, narrowed
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

S = TypeVar("S", bound=Statement)


class OnlineSource:
    """Gives a view what it lacks, from the server, under this profile's last checkpoint."""

    def __init__(self, machine: Machine) -> None:
        self._api = machine.api
        self.keeper = CheckpointKeeper(machine.profile, self._api)

    def begin(self) -> None:
        """A request is about to leave."""
        self.keeper.begin()

    def begin_with_file(self) -> None:
        """What comes next lay in a file: it may be older than what is known."""
        self.keeper.begin_with_file()

    def permit(self, recovery: Digest, checkpoint: Checkpoint) -> None:
        """A verified recovery lets the log go on from there."""
        self.keeper.permit(recovery, checkpoint)

    def accept(self, checkpoints: Iterable[VerifiedCheckpoint], now: datetime) -> None:
        """Refuse what contradicts the last checkpoint."""
        self.keeper.accept(checkpoints, now)

    def statement(self, digest: Digest) -> Attested:
        """One statement that the ledger lacks."""
        return self._api.statement(digest)


@dataclass(frozen=True)
class Who:
    """Whom the server logged in."""

    person: str | None
    organisation: str | None
    roles: tuple[str, ...]
    certificate: Digest | None


@dataclass(frozen=True)
class Desk:
    """A logged-in person. ``signer`` is how this person's statements name their key."""

    machine: Machine
    identity: Identity
    view: TrustedView
    source: OnlineSource
    signer: Digest
    who: Who

    @property
    def api(self) -> Api:
        """The server's routes."""
        return self.machine.api

    @property
    def profile(self) -> Profile:
        """The directory of the person."""
        return self.machine.profile

    @property
    def certificate(self) -> Accepted[Certificate]:
        """The certificate of the person; raises NotPossibleError for a registrar's key."""
        if self.who.certificate is None:
            raise NotPossibleError(
                "Cette commande est celle d'une personne certifiée ; ce profil porte une clé du "
                "secrétariat. Prenez le profil de la personne (--profile)."
            )
        return self.view.need(Certificate, self.who.certificate)

    def draft(self, kind: type[S], /, **fields: Any) -> Unverified[S]:
        """Compose and sign a statement of this person."""
        statement = new_statement(self.machine, self.view.trust, self.signer, kind, **fields)
        return self.identity.sign(statement)

    def take(self, items: Sequence[Attested]) -> tuple[Accepted[Statement], ...]:
        """Verify a batch that the server sent."""
        return self.view.take(items)

    def load(self, kind: type[S], **references: str) -> tuple[Accepted[S], ...]:
        """Fetch and verify all statements of a type."""
        self.source.begin()
        taken = self.view.take(self.api.statements(kind.TYPE, **references))
        return tuple(narrowed(kind, each) for each in taken)

    def load_sitting(self, sitting: str) -> None:
        """Fetch and verify everything that this person may see of a sitting."""
        self.source.begin()
        statements, agenda = self.api.sitting(sitting)
        self.view.take(statements)
        if agenda is not None:
            self.view.take_openings(agenda.agenda, agenda.shown())

    def submit(
        self, unverified: Unverified[S], openings: Sequence[AgendaOpening] = ()
    ) -> tuple[Accepted[S], Attested | None]:
        """Post a statement; returns it as recorded, and the destruction that it caused, if any."""
        self.source.begin()
        answer = self.api.post_statement(unverified.envelope, openings)
        receipt = field(answer, "receipt", utf8)
        taken = self.view.take([Attested(unverified.envelope, receipt)])[0]
        self.profile.keep_statement(unverified.digest, unverified.envelope)
        self.profile.keep_receipt(unverified.digest, receipt)
        destruction = answer.get("destruction") if isinstance(answer, dict) else None
        kept = None if destruction is None else field(answer, "destruction", attested)
        if kept is not None:
            # Now: its receipt may be older than the statement's, which a later request would not allow.
            self.view.take([kept])
        return narrowed(type(unverified.statement), taken), kept

    def submit_and_confirm(
        self, unverified: Unverified[S], openings: Sequence[AgendaOpening] = ()
    ) -> tuple[Accepted[S], Attested | None]:
        """Like :meth:`submit`, and done only when the broker has acknowledged it."""
        done = self.submit(unverified, openings)
        wait_until_acknowledged(
            self.view,
            self.machine,
            unverified.digest,
        )
        return done

    def status(self, sitting: str | None = None) -> Status:
        """A fresh status that agrees with what this client knows; looks again once.

        Something may have been accepted between the two requests; a second difference is hiding.
        """
        try:
            return self._status(sitting)
        except NotTrustworthyError:
            self._reload(sitting)
            return self._status(sitting)

    def _status(self, sitting: str | None) -> Status:
        status = fetch_status(self.view, self.machine, sitting=sitting)
        require_current(self.view, status, sitting)
        return status

    def _reload(self, sitting: str | None) -> None:
        if sitting is not None:
            self.load_sitting(sitting)
        self.source.begin()
        self.view.take(self.api.statements("revocation"))


def open_view(
    machine: Machine, trust: Trust | None = None, *, lapsed_too: bool = False
) -> tuple[TrustedView, OnlineSource]:
    """The trusted view of this profile, with the chain of trust policies walked.

    Raises NotTrustworthyError when the server belongs to another commission, UntrustedError when the
    policy has expired; ``lapsed_too`` allows that for acts that only take access away.
    """
    pinned = trust or machine.profile.trust()
    source = OnlineSource(machine)
    view = TrustedView(pinned, source, machine.clock)
    source.begin()
    answer = machine.api.trust()
    if field(answer, "trust", lambda value: value) != pinned.model_dump(mode="json"):
        raise NotTrustworthyError(
            "Ce service présente une autre commission ou d'autres clés racine que celles de ce profil : "
            "vérifiez son adresse ; si elle est bonne, prévenez le secrétariat par téléphone."
        )
    view.take_policies(
        *(field(answer, name, many(attested)) for name in ("policies", "emergencies", "recoveries"))
    )
    if not lapsed_too:
        view.policy.require_unexpired(machine.clock())
    return view, source


def log_in(machine: Machine, identity: Identity, *, lapsed_too: bool = False) -> Desk:
    """Log in with the profile's key, verify the receipt, and learn one's own certificate."""
    view, source = open_view(machine, lapsed_too=lapsed_too)
    settings = machine.profile.settings()
    signer = Digest(settings.certificate or identity.verify_key.fingerprint)
    login, answer = prove_key(machine, view, identity, signer)
    who = Who(
        field(answer, "person", optional(text)),
        field(answer, "organisation", optional(text)),
        field(answer, "roles", many(text)),
        field(answer, "certificate", optional(lambda value: Digest(text(value)))),
    )
    view.check_receipt(
        field(answer, "receipt", utf8), EventType.LOGIN_ACCEPTED, {"login": login.digest}
    )
    desk = Desk(machine, identity, view, source, signer, who)
    return desk if who.certificate is None else _with_certificate(desk, who.certificate)


def _with_certificate(desk: Desk, digest: Digest) -> Desk:
    """Check that the certificate is of this very key, and remember it in the profile."""
    certificate = desk.view.need(Certificate, digest).statement
    if (
        certificate.signing_key != desk.identity.verify_key
        or certificate.recipient != desk.identity.recipient
    ):
        raise NotTrustworthyError(
            "Le certificat que le service attribue à ce profil porte d'autres clés que les siennes : "
            "n'utilisez pas ce profil et prévenez le secrétariat."
        )
    if desk.profile.settings().certificate != digest:
        desk.profile.change(
            certificate=digest,
            person=certificate.person,
            name=certificate.name,
            organisation=certificate.organisation,
            roles=tuple(role.value for role in certificate.roles),
        )
    return replace(desk, signer=digest)
