"""Accepting statements: signers, chains, repetition; each refusal leaves no trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.receipts import verify_receipt
from crypto.digests import sha256
from crypto.errors import UntrustedError
from crypto.statements import STATEMENT_TYPES
from crypto.statements.custody import BundleIndex
from crypto.statements.exchange import Decision, Declaration, Undertaking, Withdrawal
from crypto.statements.registry import Closing, Role
from exchange.usecases.accept_statement import accept_statement
from exchange.usecases.acceptance import CHECKS
from exchange.usecases.authority import AUTHORITY, certified, verify_statement
from exchange.usecases.errors import (
    BrokerUnavailableError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    UnavailableError,
)
from exchange.usecases.signatures import trusted_policy
from tests.support.memory_commission_registry import days
from tests.support.refusals import refused


def test_every_type_has_an_authority():
    """No type is without a rule on who signs it, and none that has one is unknown."""
    assert set(AUTHORITY) == set(STATEMENT_TYPES.values())


def test_every_type_is_accepted_here_or_by_its_own_verb():
    """What this verb does not take is exactly what others record in another way."""
    elsewhere = {kind.TYPE for kind in STATEMENT_TYPES.values() if kind not in CHECKS}
    assert elsewhere == {
        *("enrolment", "manifest", "grant", "access-request", "login"),
        *("release-key", "status", "destruction", "recovery"),
    }


def test_an_accepted_statement_is_logged_and_acknowledged(convoked, world):
    """The receipt proves the event, and the broker has taken note before the answer leaves."""
    signed = world.by(
        convoked.doctor, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    done = world.post(signed, convoked.doctor.caller)
    details = verify_receipt(done.receipt, world.log_policy).details
    assert (details.type.value, details.cites["statement"]) == ("statement.accepted", signed.digest)
    assert details.facts == {"type": "undertaking"}
    assert world.broker.index.get(signed.digest) is not None
    assert done.destruction is None


def test_the_same_statement_again_gives_the_first_receipt(convoked, world):
    """A repetition adds no event, however late it comes."""
    signed = world.revised()
    first = world.post(signed)
    count = len(world.kinds())
    world.clock.advance(timedelta(hours=3))
    again = world.post(signed)
    receipts = [verify_receipt(each.receipt, world.log_policy) for each in (first, again)]
    assert receipts[0].index == receipts[1].index
    assert len(world.kinds()) == count


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_statement_far_from_the_clock_is_refused(world, minutes):
    """Five minutes either way, no more."""
    signed = world.revised(issued_at=world.now + timedelta(minutes=minutes))
    refused(world, ExpiredError, signed)


def test_another_commissions_statement_is_refused(world):
    """A statement of another commission means nothing here, well signed or not."""
    refused(world, NotAllowedError, world.revised(commission="b" * 25 + "a"), match="commission")


def test_nobody_posts_without_a_login(world):
    """Only the first trust policy comes from nobody."""
    before = world.database.dump()
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, world.revised().envelope)
    assert world.database.dump() == before


def test_a_login_does_not_carry_anothers_statement(convoked, world):
    """A member cannot post what the registrar signed, nor the registrar what a member signed."""
    refused(world, NotAllowedError, world.revised(), convoked.doctor.caller)
    declared = world.by(
        convoked.doctor, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    refused(world, NotAllowedError, declared)


def test_a_receipt_is_not_given_to_whoever_holds_the_envelope(convoked, world):
    """Repeating someone's statement without their login discloses no event."""
    signed = world.revised()
    world.post(signed)
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, signed.envelope)
    with pytest.raises(NotAllowedError):
        world.post(signed, convoked.doctor.caller)


def test_a_forged_signature_is_refused(convoked, world):
    """A statement in a person's name by another key is refused."""
    forger = replace(convoked.doctor, seed=convoked.mayor.seed)
    signed = world.by(
        forger, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    refused(world, NotAllowedError, signed, convoked.doctor.caller)


def test_garbage_is_refused(world):
    """Bytes that are no statement are an invalid request."""
    for garbage in (b"", b"{}", b"\xff", b"[" * 10_000):
        with pytest.raises(InvalidRequestError):
            accept_statement(world.service, world.registrar, garbage)


def test_an_envelope_with_a_second_signature_is_refused(convoked, world):
    """A second signature would be a claim that nobody checks."""
    fingerprint = world.registrar_seed.verify_key().fingerprint
    twice = world.sign(
        Closing,
        fingerprint,
        [world.registrar_seed, convoked.doctor.seed],
        sitting=world.sitting_id,
        sitting_sha256=world.sitting_digest(),
    )
    refused(world, NotAllowedError, twice)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.DEPOSITOR, Role.AUDITOR])
def test_roles_limit_what_a_certificate_signs(convoked, world, role):
    """Each person's act needs its role; a registrar's act no certificate can do."""
    who = {
        Role.MEMBER: convoked.doctor,
        Role.DEPOSITOR: convoked.depositor,
        Role.AUDITOR: convoked.auditor,
    }[role]
    acts = {
        Role.MEMBER: world.by(
            who, Declaration, sitting=world.sitting_id, dossiers=("aaaaa-aaaaa",)
        ),
        Role.DEPOSITOR: world.by(who, Withdrawal, dossier="aaaaa-aaaaa", reason="x"),
        Role.AUDITOR: world.by(who, BundleIndex, checkpoint="x", files=()),
        Role.DECIDER: world.by(who, Decision, dossier="aaaaa-aaaaa", payload_sha256=sha256(b"x")),
        None: world.by(
            who, Closing, sitting=world.sitting_id, sitting_sha256=world.sitting_digest()
        ),
    }
    for needed, signed in acts.items():
        if needed is not role:
            refused(world, NotAllowedError, signed, who.caller)


def test_an_expired_certificate_signs_nothing(world):
    """From not_after on, the certificate's statements and logins are refused."""
    brief = world.admit("Basile Fictif", "ddcs", Role.AUDITOR, not_after=world.now + days(1))
    world.clock.advance(days(1))
    signed = world.by(brief, BundleIndex, checkpoint="x", files=())
    refused(world, NotAllowedError, signed, brief.caller)


def test_a_registrar_key_past_its_term_signs_nothing(world):
    """The registrar's key ends with its date in the trust policy."""
    world.clock.advance(days(360))
    refused(world, NotAllowedError, world.revised())


def test_a_broker_away_delays_and_loses_nothing(world):
    """The statement is recorded; its author hears that it has no effect yet, and repeats it."""
    signed = world.revised()
    world.broker.down = True
    with pytest.raises(BrokerUnavailableError):
        world.post(signed)
    world.broker.down = False
    assert world.post(signed).receipt
    assert world.broker.index.get(signed.digest) is not None


def test_nothing_is_acknowledged_that_is_not_published(world):
    """Without a quorum of witnesses the broker is shown nothing."""
    signed = world.revised()
    world.witness.up = False
    with pytest.raises(UnavailableError):
        world.post(signed)
    assert world.broker.index.get(signed.digest) is None
    world.witness.up = True
    assert world.post(signed).receipt


def test_the_shared_verifier_agrees(convoked, world):
    """Broker, clients and replay verify with the function that the service verifies with."""
    signed = world.revised()
    with world.database.transactions() as work:
        policy = trusted_policy(world.trust, work.statements)
    assert verify_statement(policy, world.index(), signed, world.now).digest == signed.digest
    assert verify_statement(policy, world.index(), signed, world.now + days(359)).digest
    with pytest.raises(UntrustedError):
        verify_statement(policy, world.index(), signed, world.now + days(360))
    with pytest.raises(UntrustedError):
        verify_statement(None, world.index(), signed, world.now)
    held = certified(world.index(), convoked.doctor.certificate, world.now)
    assert held.statement.person == convoked.doctor.person
