"""Joining a commission: an invitation file, a fingerprint compared by phone, a device presented."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from audit.events import EventType
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.errors import MalformedError
from crypto.fingerprints import spoken_fingerprint
from crypto.statements.model import load_strict_json
from crypto.statements.registry import Enrolment, Invitation
from crypto.trust import Trust
from exchange.client.api import attested, field, text, utf8
from exchange.client.desk import open_view
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.machine import Machine, new_statement
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

MAX_INVITATION_BYTES: Final = 262_144
"""Server, trust, one statement and its receipt: about 10 KiB."""


@dataclass(frozen=True)
class InvitationFile:
    """What the registrar hands to the person, by any channel: nothing in it is secret."""

    server: str
    trust: Trust
    invitation: Attested

    def to_json(self) -> bytes:
        """The file's bytes."""
        document = {
            "server": self.server,
            "trust": self.trust.model_dump(mode="json"),
            "invitation": {
                "envelope": self.invitation.envelope.decode(),
                "receipt": self.invitation.receipt.decode(),
            },
        }
        return (json.dumps(document, indent=2) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> InvitationFile:
        """Read an invitation file; raises MalformedError."""
        loaded = load_strict_json(data, limit=MAX_INVITATION_BYTES)
        try:
            return cls(
                text(loaded["server"]),
                Trust.parse(json.dumps(loaded["trust"]).encode()),
                attested(loaded["invitation"]),
            )
        except (KeyError, TypeError, ValidationError) as error:
            raise MalformedError(
                "Ce fichier n'est pas une invitation : demandez au secrétariat de vous la renvoyer."
            ) from error


@dataclass(frozen=True)
class Enrolled:
    """A device presented, waiting for its certificate."""

    invitation: Accepted[Invitation]
    enrolment: Digest
    fingerprint: str


def enrol(machine: Machine, file: InvitationFile, identity: Identity, device: str) -> Enrolled:
    """Present this device's keys. The profile must already trust ``file.trust``."""
    view, source = open_view(machine)
    source.begin_with_file()
    invitation = view.take_as(Invitation, file.invitation)
    _check(machine, invitation.statement, view.trust)
    key = identity.verify_key
    unverified = identity.sign(
        new_statement(
            machine,
            view.trust,
            key.fingerprint,
            Enrolment,
            invitation=invitation.digest,
            device=device,
            recipient=identity.recipient,
            signing_key=key,
        )
    )
    source.begin()
    answer = machine.api.enrol(invitation.statement.id, unverified.envelope)
    receipt = field(answer, "receipt", utf8)
    view.check_receipt(receipt, EventType.STATEMENT_ACCEPTED, {"statement": unverified.digest})
    _remember(machine, file.server, invitation, unverified.digest)
    machine.profile.keep_statement(unverified.digest, unverified.envelope)
    machine.profile.keep_receipt(unverified.digest, receipt)
    return Enrolled(invitation, unverified.digest, spoken_fingerprint(identity.recipient, key))


def _check(machine: Machine, invitation: Invitation, trust: Trust) -> None:
    if invitation.trust_sha256 != trust.digest:
        raise NotTrustworthyError(
            "Cette invitation a été signée pour une autre commission que celle du fichier : elle est "
            "refusée. Demandez-en une nouvelle au secrétariat."
        )
    if machine.clock() >= invitation.expires_at:
        raise NotPossibleError(
            "Cette invitation a expiré le {day:%d/%m/%Y} : demandez-en une nouvelle au secrétariat.",
            day=invitation.expires_at,
        )


def _remember(
    machine: Machine, server: str, invitation: Accepted[Invitation], enrolment: Digest
) -> None:
    statement = invitation.statement
    changes: dict[str, Any] = {
        "server": server,
        "invitation": invitation.digest,
        "enrolment": enrolment,
        "person": statement.person,
        "name": statement.name,
        "organisation": statement.organisation,
        "roles": tuple(role.value for role in statement.roles),
    }
    machine.profile.change(**changes)
