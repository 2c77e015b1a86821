"""Accepting invitations, enrolments, certificates and revocations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.keys import PartySigningSeed, Recipient
from crypto.statements.registry import Enrolment, Revocation, Role
from exchange.usecases.enrol import MAX_DEVICES, enrol
from exchange.usecases.errors import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    UseCaseError,
)
from tests.support.memory_commission_registry import days
from tests.support.refusals import refused


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (ExpiredError, {"expires_at": timedelta()}),
        (InvalidRequestError, {"trust_sha256": "0" * 64}),
    ],
)
def test_a_bad_invitation_is_refused(world, error, changes):
    """Expired, or for another trust file."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    signed = world.invitation(world.new_id(), "N", "cdom", Role.MEMBER, **changes)
    refused(world, error, signed)


def test_an_invitation_id_and_a_person_are_used_once(convoked, world):
    """A reused id is refused, and so is a person's id in another organisation."""
    first = world.invitation(world.new_id(), "N", "cdom", Role.MEMBER)
    world.post(first)
    again = world.invitation(world.new_id(), "M", "cdom", Role.MEMBER, id=first.statement.id)
    refused(world, ConflictError, again)
    moved = world.invitation(convoked.doctor.person, "N", "altair", Role.DEPOSITOR)
    refused(world, ConflictError, moved)


def enrolled(world, **changes):
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    enrolment = world.enrolment(invitation, *world.new_device())
    enrol(world.service, invitation.statement.id, enrolment.envelope)
    return invitation, world.certificate(invitation, enrolment, **changes)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (InvalidRequestError, {"person": "b" * 25 + "a"}),
        (InvalidRequestError, {"name": "Autre Nom"}),
        (InvalidRequestError, {"organisation": "altair"}),
        (InvalidRequestError, {"roles": (Role.MEMBER, Role.AUDITOR)}),
        (NotFoundError, {"enrolment": "0" * 64}),
        (ExpiredError, {"not_after": timedelta()}),
        (InvalidRequestError, {"not_after": days(1100)}),
        (ExpiredError, {"not_before": days(701)}),
    ],
)
def test_a_certificate_says_exactly_what_was_enrolled(world, error, changes):
    """Another person, name, organisation or role, or a bad term: refused."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    _, signed = enrolled(world, **changes)
    refused(world, error, signed)


def test_a_certificate_carries_the_enrolled_keys(world):
    """A registrar who certifies a key of its own under an enrolment is refused."""
    seed, recipient = world.new_device()
    for changes in ({"recipient": recipient}, {"signing_key": seed.verify_key()}):
        _, signed = enrolled(world, **changes)
        refused(world, InvalidRequestError, signed)


def test_a_key_is_certified_for_one_person(convoked, world):
    """An enrolment that presents another person's keys cannot be certified."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    enrolment = world.enrolment(invitation, convoked.doctor.seed, convoked.doctor.recipient)
    enrol(world.service, invitation.statement.id, enrolment.envelope)
    refused(world, ConflictError, world.certificate(invitation, enrolment))


def test_a_revoked_key_is_never_certified_again(world):
    """A renewal after a revocation needs a new key; before it, the same one serves."""
    invitation, signed = enrolled(world)
    world.post(signed)
    enrolment = world.index().get(signed.statement.enrolment)
    world.post(world.certificate(invitation, enrolment, not_after=world.now + days(800)))
    world.post(world.by_registrar(Revocation, certificate=signed.digest, reason="perte"))
    again = world.certificate(invitation, enrolment, not_after=world.now + days(801))
    refused(world, ConflictError, again)


def test_people_revoke_themselves_and_nobody_else(convoked, world):
    """One's own certificate, once; another person's never; the registrar anybody's."""
    values = {"certificate": convoked.mayor.certificate, "reason": "vengeance"}
    theirs = world.by(convoked.doctor, Revocation, **values)
    refused(world, NotAllowedError, theirs, convoked.doctor.caller)
    world.revoke(convoked.doctor, convoked.doctor.caller)
    with pytest.raises(UseCaseError):
        world.revoke(convoked.doctor)
    unknown = world.by_registrar(Revocation, certificate="0" * 64, reason="?")
    refused(world, NotFoundError, unknown)
    world.revoke(convoked.mayor)


def test_a_second_device_revokes_the_first(convoked, world):
    """Whoever loses a laptop revokes it from the desk."""
    desk = world.admit("Jérôme Chimère", "cdom", Role.MEMBER, person=convoked.doctor.person)
    signed = world.by(
        desk, Revocation, certificate=convoked.doctor.certificate, reason="portable perdu"
    )
    world.post(signed, desk.caller)
    assert world.broker.index.find(Revocation, certificate=convoked.doctor.certificate)


def test_enrolment_is_bound_to_its_invitation(world):
    """Wrong id, expired invitation, foreign signer, too many devices: refused."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    wanted = invitation.statement.id
    seed, recipient = world.new_device()
    good = world.enrolment(invitation, seed, recipient)
    with pytest.raises(NotFoundError):
        enrol(world.service, world.new_id(), good.envelope)
    other = PartySigningSeed.generate(world.entropy)
    values = {name: getattr(good.statement, name) for name in ("invitation", "device", "recipient")}
    forged = world.sign(
        type(good.statement),
        other.verify_key().fingerprint,
        [other],
        **values,
        signing_key=seed.verify_key(),
    )
    with pytest.raises(NotAllowedError):
        enrol(world.service, wanted, forged.envelope)
    for _ in range(MAX_DEVICES):
        enrol(world.service, wanted, world.enrolment(invitation, *world.new_device()).envelope)
    with pytest.raises(ConflictError):
        enrol(world.service, wanted, good.envelope)
    world.clock.advance(days(7))
    late = world.enrolment(invitation, *world.new_device())
    with pytest.raises(ExpiredError):
        enrol(world.service, wanted, late.envelope)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_small_order_recipients_are_refused_at_enrolment(world, point):
    """A recipient key to which everybody could open is refused, and nothing is recorded."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    seed, recipient = world.new_device()
    before = len(world.index().find(Enrolment))
    for bad in (Recipient(recipient.raw[:1184] + point), Recipient(b"\xff" * 1216)):
        signed = world.enrolment(invitation, seed, bad)
        with pytest.raises(InvalidRequestError):
            enrol(world.service, invitation.statement.id, signed.envelope)
    assert len(world.index().find(Enrolment)) == before
