"""Logins: one challenge, one answer, one service; every refusal is an event, within limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.receipts import verify_receipt
from crypto.statements.registry import Role
from exchange.usecases.caller import current_caller
from exchange.usecases.challenge_login import challenge_login
from exchange.usecases.errors import (
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    UnavailableError,
)
from exchange.usecases.login import login
from exchange.usecases.rates import Rate, pass_one, still_open
from exchange.usecases.service import MAX_REFUSALS
from tests.support.log_world import NOON, ORIGIN
from tests.support.memory_commission_registry import days


def answer(world, person, **changes):
    """A person's answer to a fresh challenge."""
    challenge = challenge_login(world.service)
    nonce = changes.pop("nonce", challenge.nonce)
    return world.login_statement(person.certificate, person.seed, nonce, **changes)


def last_event(world):
    return world.events()[-1]


def test_a_member_logs_in(convoked, world):
    """The caller is the certificate's person, and the receipt proves the event."""
    signed = answer(world, convoked.doctor)
    done = login(world.service, signed.envelope)
    assert done.caller == convoked.doctor.caller
    details = verify_receipt(done.receipt, world.log_policy).details
    assert details.type.value == "login.accepted"
    assert details.cites == {"login": signed.digest, "certificate": convoked.doctor.certificate}


def test_a_registrar_logs_in_with_a_policy_key(world):
    """A key of the trust policy is a login by itself; the event names the key."""
    challenge = challenge_login(world.service)
    key = world.registrar_seed.verify_key().fingerprint
    signed = world.login_statement(key, world.registrar_seed, challenge.nonce)
    done = login(world.service, signed.envelope)
    assert done.caller.is_registrar
    assert last_event(world).facts == {"key": key}


def test_a_fresh_device_logs_in_by_its_key(convoked, world):
    """A device that does not know its certificate yet names its key, and learns the certificate."""
    key = convoked.doctor.seed.verify_key().fingerprint
    challenge = challenge_login(world.service)
    signed = world.login_statement(key, convoked.doctor.seed, challenge.nonce)
    assert login(world.service, signed.envelope).caller == convoked.doctor.caller


def test_a_challenge_is_good_once(convoked, world):
    """The same answer again, and another answer to the same challenge, are refused."""
    challenge = challenge_login(world.service)
    first = world.login_statement(
        convoked.doctor.certificate, convoked.doctor.seed, challenge.nonce
    )
    login(world.service, first.envelope)
    second = world.login_statement(convoked.mayor.certificate, convoked.mayor.seed, challenge.nonce)
    for replayed in (first, second):
        with pytest.raises(ExpiredError):
            login(world.service, replayed.envelope)
        assert last_event(world).type.value == "login.refused"


def test_a_failed_answer_spends_its_challenge(convoked, world):
    """A challenge is not a place to try keys one after the other."""
    challenge = challenge_login(world.service)
    doctor = convoked.doctor
    forged = world.login_statement(doctor.certificate, convoked.mayor.seed, challenge.nonce)
    with pytest.raises(NotAllowedError):
        login(world.service, forged.envelope)
    honest = world.login_statement(doctor.certificate, doctor.seed, challenge.nonce)
    with pytest.raises(ExpiredError):
        login(world.service, honest.envelope)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (NotAllowedError, {"origin": "autre.example/log"}),
        (NotAllowedError, {"commission": "b" * 25 + "a"}),
        (ExpiredError, {"nonce": bytes(32)}),
        (ExpiredError, {"expires_at": timedelta()}),
        (ExpiredError, {"issued_at": -timedelta(minutes=6)}),
        (ExpiredError, {"issued_at": timedelta(minutes=6)}),
    ],
)
def test_a_bad_answer_is_refused_and_logged(convoked, world, error, changes):
    """For another service or commission, unknown challenge, expired or stale: one refusal event."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    signed = answer(world, convoked.doctor, **changes)
    count = len(world.kinds())
    with pytest.raises(error):
        login(world.service, signed.envelope)
    assert world.kinds()[count:] == ["login.refused"]
    assert last_event(world).cites == {}
    assert world.index().get(signed.digest) is None


def test_a_challenge_expires(convoked, world):
    """After its minutes a challenge is refused, also while the statement itself has not expired."""
    challenge = challenge_login(world.service)
    world.clock.advance(timedelta(minutes=5))
    doctor = convoked.doctor
    signed = world.login_statement(doctor.certificate, doctor.seed, challenge.nonce)
    with pytest.raises(ExpiredError):
        login(world.service, signed.envelope)
    challenge_login(world.service)
    assert len(world.database.rows.challenges) == 1


def test_keys_that_do_not_count_are_refused(convoked, world):
    """Uncertified, revoked, expired, or a registrar's key that the policy does not name."""
    stranger = replace(convoked.doctor, certificate="0" * 64)
    with pytest.raises(NotAllowedError):
        login(world.service, answer(world, stranger).envelope)
    world.revoke(convoked.doctor)
    with pytest.raises(NotAllowedError, match="révoqué"):
        login(world.service, answer(world, convoked.doctor).envelope)
    key = convoked.doctor.seed.verify_key().fingerprint
    by_key = replace(convoked.doctor, certificate=key)
    with pytest.raises(NotAllowedError):
        login(world.service, answer(world, by_key).envelope)
    world.clock.advance(days(701))
    with pytest.raises(NotAllowedError):
        login(world.service, answer(world, convoked.mayor).envelope)


def test_another_statement_is_no_login(world):
    """Only a login statement logs in, and garbage is refused without a trace."""
    before = world.database.dump()
    for envelope in (world.revised().envelope, b"", b"{}"):
        with pytest.raises(InvalidRequestError):
            login(world.service, envelope)
    assert world.database.dump() == before


def test_no_session_before_the_event_is_published(convoked, world):
    """Without witnesses nobody is logged in."""
    signed = answer(world, convoked.doctor)
    world.witness.up = False
    with pytest.raises(UnavailableError):
        login(world.service, signed.envelope)


def test_refusals_cannot_flood_the_log(convoked, world):
    """Beyond the limit refusals are counted, and the count stands in the next event."""
    bad = {"origin": "autre.example/log"}
    for _ in range(MAX_REFUSALS + 3):
        with pytest.raises(NotAllowedError):
            login(world.service, answer(world, convoked.doctor, **bad).envelope)
    assert world.kinds().count("login.refused") == MAX_REFUSALS
    login(world.service, answer(world, convoked.doctor).envelope)
    world.clock.advance(timedelta(minutes=2))
    with pytest.raises(NotAllowedError):
        login(world.service, answer(world, convoked.doctor, **bad).envelope)
    assert last_event(world).facts == {"reason": "not-allowed", "held_back": "3"}


def test_a_session_ends_with_its_key(convoked, world):
    """The caller of a cookie is looked up at each request: a revocation acts at once."""
    certificate = convoked.doctor.certificate
    found = current_caller(world.service, certificate=certificate, key=None)
    assert found == convoked.doctor.caller
    world.revoke(convoked.doctor)
    assert current_caller(world.service, certificate=certificate, key=None) is None
    key = world.registrar.key
    assert current_caller(world.service, certificate=None, key=key) == world.registrar
    world.clock.advance(days(360))
    assert current_caller(world.service, certificate=None, key=key) is None
    assert current_caller(world.service, certificate=None, key=None) is None


def test_a_login_of_several_roles_has_them_all(world):
    """One certificate may carry several roles."""
    both = world.admit("Double Rôle", "ddcs", Role.MEMBER, Role.AUDITOR)
    done = login(world.service, answer(world, both).envelope)
    assert done.caller.roles == {Role.MEMBER, Role.AUDITOR}


def test_the_flood_gate_opens_again(world):
    """Each name has its own count; what was held back is told once, in the next window."""
    rate = Rate("test", limit=2)

    def passes(now, who):
        with world.service.transactions() as work:
            passed = pass_one(work, rate, now, who)
            work.commit()
        return passed

    def opens(now, who):
        with world.service.transactions() as work:
            return who in still_open(work, rate, now, [who])

    assert [passes(NOON, "a") for _ in range(3)] == [0, 0, None]
    assert not opens(NOON, "a")
    assert passes(NOON, "b") == 0
    later = NOON + timedelta(minutes=1)
    assert opens(later, "a")
    assert passes(later, "a") == 1
    assert passes(later, "a") == 0


def test_the_challenge_names_the_origin(world):
    """A client binds its answer to the origin of the trust policy."""
    challenge = challenge_login(world.service)
    assert challenge.origin == ORIGIN
    assert len(challenge.nonce) == 32
    assert challenge.expires_at == world.now + timedelta(minutes=5)
