"""Accepting what concerns keys, erasure and evidence."""

from __future__ import annotations

import pytest

from audit.note import KeyType
from crypto.digests import sha256
from crypto.statements.custody import (
    Attestation,
    BundleIndex,
    Destruction,
    Emergency,
    Hold,
    Recovery,
)
from crypto.statements.exchange import Complaint, Grant, Purpose
from exchange.usecases.accept_statement import accept_statement
from exchange.usecases.errors import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from exchange.usecases.recovery import recover
from exchange.usecases.visibility import may_know
from tests.support.log_world import ORIGIN, signer
from tests.support.memory_commission_registry import days
from tests.support.refusals import refused


def test_the_broker_answers_for_itself(world):
    """A destruction posted by a person is refused: it comes from the broker alone."""
    signed = world.by_registrar(Destruction, release_keys=(), cause="expiry", because=None)
    refused(world, InvalidRequestError, signed)


def test_holds_have_a_term(convoked, world):
    """A hold is on dossiers that exist, until a day to come."""
    made = convoked.deposit()

    def hold(**changes):
        values = {"dossiers": (made.dossier,), "until": world.now + days(100), "reason": "recours"}
        return world.by_registrar(Hold, **{**values, **changes})

    refused(world, NotFoundError, hold(dossiers=("aaaaa-aaaaa",)))
    refused(world, ConflictError, hold(until=None))
    refused(world, ExpiredError, hold(until=world.now))
    refused(world, ExpiredError, hold(until=world.now + days(4000)))
    world.post(hold())
    world.post(hold(until=None))
    refused(world, ConflictError, hold(until=None))


def test_an_emergency_is_short_and_lowers_something(world):
    """It has not expired, lasts a week at most, and asks for fewer witnesses than there are; it needs
    no login, because while witnesses are missing nobody can log in.
    """

    def emergency(**changes):
        values = {"quorum": 0, "reason": "panne", "expires_at": world.now + days(1), **changes}
        return world.by_registrar(Emergency, **values)

    refused(world, InvalidRequestError, emergency())  # the broker alone is no witness to spare
    tribunal = signer("tribunal.example", KeyType.COSIGNATURE_V1, 77)
    lines = (
        f"witness broker {world.cosigner.verifier}",
        f"witness tribunal {tribunal.verifier}",
        "quorum tribunal\n",
    )
    world.post(world.trust_policy(2, witness_policy="\n".join(lines)))
    refused(world, ExpiredError, emergency(expires_at=world.now))
    refused(world, InvalidRequestError, emergency(expires_at=world.now + days(8)))
    refused(world, InvalidRequestError, emergency(quorum=1))
    accepted = accept_statement(world.service, None, emergency().envelope)
    with pytest.raises(NotAllowedError):
        accept_statement(
            world.service,
            None,
            world.by_registrar(Hold, dossiers=("aaaaa-aaaaa",), until=None, reason="x").envelope,
        )
    assert world.index().get(accepted.digest) is not None


def test_complaints_are_about_ones_own_header(convoked, world):
    """Only the device that a header was signed for complains of it, once; its association may know."""
    made = convoked.deposit()
    caller = convoked.doctor.caller

    def complaint(person, **changes):
        entry = made.manifest.statement.envelopes[0]
        values = {"manifest": made.manifest.digest, "header_sha256": entry.header_sha256}
        return world.by(
            person, Complaint, **{**values, "fault": "altered", "found": None, **changes}
        )

    refused(world, NotAllowedError, complaint(convoked.altair_member), caller)
    stranger = convoked.altair_member
    refused(world, NotFoundError, complaint(stranger), stranger.caller)
    refused(world, NotFoundError, complaint(convoked.doctor, header_sha256=sha256(b"")), caller)
    refused(world, NotFoundError, complaint(convoked.doctor, manifest=sha256(b"")), caller)
    signed = complaint(convoked.doctor)
    world.post(signed, caller)
    refused(world, ConflictError, complaint(convoked.doctor, fault="other-content"), caller)
    known = {
        person.name: may_know(world.index(), person.caller, signed.statement)
        for person in (
            convoked.doctor,
            convoked.mayor,
            convoked.depositor,
            convoked.other_depositor,
        )
    }
    assert list(known.values()) == [True, False, True, False]


def test_complaints_of_a_late_grant(convoked, world):
    """A header of a grant can be dead as well."""
    made = convoked.deposit()
    world.add_grant(convoked.depositor, made, (convoked.mayor, Purpose.READ))
    entry = world.index().find(Grant)[0].statement.envelopes[0]
    values = {"manifest": made.manifest.digest, "header_sha256": entry.header_sha256}
    signed = world.by(convoked.mayor, Complaint, **values, fault="not-for-this-key", found=None)
    world.post(signed, convoked.mayor.caller)


def test_auditors_attest_what_is_in_the_log(convoked, world):
    """A range beyond the log, or beyond the cited checkpoint, is refused."""
    note = world.log.checkpoint().decode()
    convoked.deposit()

    def attestation(last):
        ranges = ({"first": 0, "last": last},)
        return world.by(
            convoked.auditor, Attestation, ranges=ranges, checkpoint=note, verdict="conforme"
        )

    caller = convoked.auditor.caller
    size = len(world.kinds())
    refused(world, InvalidRequestError, attestation(size), caller)
    refused(world, InvalidRequestError, attestation(size - 1), caller)
    world.post(attestation(3), caller)


def test_a_recovery_needs_the_threshold_of_the_roots(world):
    """No registrar and no single root; over HTTP not at all, and of no other log."""
    note = world.log.checkpoint().decode()
    root = world.roots[0].verify_key().fingerprint
    values = {"checkpoint": note, "reason": "base restaurée"}
    by_roots = world.sign(Recovery, root, world.roots[:2], **values)
    refused(world, InvalidRequestError, by_roots)
    for signed in (
        world.by_registrar(Recovery, **values),
        world.sign(Recovery, root, world.roots[:1], **values),
    ):
        with pytest.raises(NotAllowedError):
            recover(world.service, signed.envelope)
    elsewhere = {**values, "checkpoint": note.replace(ORIGIN, "autre.example/log")}
    with pytest.raises(InvalidRequestError):
        recover(world.service, world.sign(Recovery, root, world.roots[:2], **elsewhere).envelope)
    assert recover(world.service, by_roots.envelope) == (by_roots.digest, True)
    assert recover(world.service, by_roots.envelope) == (by_roots.digest, True)
    assert world.kinds()[-1] == "statement.accepted"


def test_a_bundle_index_names_each_path_once(convoked, world):
    """The same path twice would let one of two contents go unsigned."""
    file = {"path": "log/checkpoint", "sha256": "0" * 64, "length": 1}
    signed = world.by(convoked.auditor, BundleIndex, checkpoint="x", files=(file, file))
    refused(world, InvalidRequestError, signed, convoked.auditor.caller)
