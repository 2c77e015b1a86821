"""The registrar's acts on people: invite, certify, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crypto.age.recipients import check_recipient
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.fingerprints import spoken_fingerprint
from crypto.statements.registry import Certificate, Enrolment, Invitation, Revocation, Role
from exchange.client.desk import Desk
from exchange.client.enrolment import InvitationFile
from exchange.client.errors import NotPossibleError
from exchange.client.registry import revoked
from exchange.usecases.ledger import Accepted

INVITATION_DAYS: Final = 30
"""A person on holiday still finds it valid."""

CERTIFICATE_DAYS: Final = 365
"""Renewed each year: a forgotten device ends by itself."""


def invite(
    desk: Desk,
    server: str,
    *,
    person: str | None,
    name: str,
    organisation: str,
    roles: Sequence[Role],
    days: int = INVITATION_DAYS,
) -> tuple[Accepted[Invitation], InvitationFile]:
    """Sign and record an invitation; returns it and the file for the person."""
    now = desk.machine.clock().replace(microsecond=0)
    last = desk.source.keeper.last()
    unverified = desk.draft(
        Invitation,
        person=person or new_opaque_id(desk.machine.entropy),
        name=name,
        organisation=organisation,
        roles=tuple(roles),
        expires_at=now + timedelta(days=days),
        trust_sha256=desk.view.trust.digest,
        checkpoint=None if last is None else last.decode(),
    )
    accepted, _none = desk.submit(unverified)
    file = InvitationFile(server, desk.view.trust, desk.view.attested(accepted.digest))
    return accepted, file


@dataclass(frozen=True)
class Waiting:
    """An enrolled device that waits for its certificate."""

    invitation: Accepted[Invitation]
    enrolment: Accepted[Enrolment]

    @property
    def fingerprint(self) -> str:
        """What the person reads out."""
        statement = self.enrolment.statement
        return spoken_fingerprint(statement.recipient, statement.signing_key)


def waiting(desk: Desk, person: str | None = None) -> tuple[Waiting, ...]:
    """Enrolled devices without a certificate; of one person (id) if given."""
    desk.load(Invitation)
    enrolments = desk.load(Enrolment)
    done = {each.statement.enrolment for each in desk.load(Certificate)}
    found = []
    for enrolment in enrolments:
        if enrolment.digest in done:
            continue
        invitation = desk.view.need(Invitation, enrolment.statement.invitation)
        if person is None or invitation.statement.person == person:
            found.append(Waiting(invitation, enrolment))
    return tuple(found)


def certify(
    desk: Desk, chosen: Waiting, *, days: int = CERTIFICATE_DAYS, now: datetime
) -> Accepted[Certificate]:
    """Certify a device. The caller has compared the fingerprint with the person.

    Raises MalformedError for a recipient key that no sender could use safely: a dishonest service
    may have let it through.
    """
    invitation, enrolment = chosen.invitation.statement, chosen.enrolment.statement
    check_recipient(enrolment.recipient)
    start = now.replace(microsecond=0)
    unverified = desk.draft(
        Certificate,
        enrolment=chosen.enrolment.digest,
        person=invitation.person,
        name=invitation.name,
        organisation=invitation.organisation,
        roles=invitation.roles,
        recipient=enrolment.recipient,
        signing_key=enrolment.signing_key,
        not_before=start,
        not_after=start + timedelta(days=days),
    )
    accepted, _none = desk.submit_and_confirm(unverified)
    return accepted


MIN_PREFIX: Final = 8
"""Digits of a digest that name one certificate among thousands."""


def named_certificates(desk: Desk, who: str) -> tuple[Accepted[Certificate], ...]:
    """The certificates named by ``who``: a digest (or its start), or a person's id."""
    if len(who) < MIN_PREFIX:
        raise NotPossibleError(
            "Donnez au moins {count} caractères de l'empreinte du certificat, ou l'identifiant de la "
            "personne.",
            count=MIN_PREFIX,
        )
    return tuple(
        each
        for each in desk.load(Certificate)
        if each.digest.startswith(who) or each.statement.person == who
    )


def certificates_of(desk: Desk, who: str) -> tuple[Accepted[Certificate], ...]:
    """Those of them that are not revoked."""
    named = named_certificates(desk, who)
    desk.load(Revocation)
    return tuple(each for each in named if not revoked(desk.view.ledger, each.digest))


def revoke(desk: Desk, who: str, reason: str) -> tuple[Accepted[Certificate], ...]:
    """Revoke a certificate, or all of a person; done when the broker confirms each."""
    found = certificates_of(desk, who)
    if not found:
        raise NotPossibleError(
            "Aucun certificat en cours ne correspond à « {who} » : « dossier registrar people » les "
            "montre.",
            who=who,
        )
    for each in found:
        certificate: Digest = each.digest
        desk.submit_and_confirm(desk.draft(Revocation, certificate=certificate, reason=reason))
    return found
