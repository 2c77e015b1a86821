"""Several access requests at once: one transaction and one checkpoint, and to each its own answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.receipts import verify_receipt
from crypto.statements.registry import Role
from exchange.usecases.errors import (
    BrokerUnavailableError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    TooManyError,
    UnavailableError,
)
from exchange.usecases.release import Releases, release, release_rounds, release_together
from exchange.usecases.release_judging import Asked, asked_by
from exchange.usecases.service import MAX_REFUSALS
from tests.support.memory_commission import Convened
from tests.support.memory_commission_registry import days


@pytest.fixture
def both(convoked: Convened):
    """Two dossiers in the window, and two members who may read both."""
    made = [convoked.deposit(), convoked.deposit()]
    convoked.on_agenda(*made)
    for member in (convoked.doctor, convoked.mayor):
        convoked.world.undertake(member)
        convoked.world.declare(member, *made)
    convoked.open_window()
    return made


def asked(convoked: Convened, who, *deposits, **changes) -> Asked:
    signed = convoked.world.request(who, *deposits, **changes)
    return asked_by(who.caller, signed.envelope)


def together(convoked: Convened, *requests: Asked):
    return release_together(convoked.world.service, requests)


def test_each_gets_what_it_asked_for(convoked, world, both):
    """Two members, two dossiers: each header with the receipt of its own event, all of them logged before
    the first was opened and published under one checkpoint."""
    one, two = both
    published: list[bytes] = []
    integrate = world.log.integrate
    world.log.integrate = lambda: (published.append(b""), integrate())[1]
    first, second = together(
        convoked, asked(convoked, convoked.doctor, one, two), asked(convoked, convoked.mayor, two)
    )
    assert [each.deposit for each in first.opened] == [one.deposit, two.deposit]
    assert [each.deposit for each in second.opened] == [two.deposit]
    receipts = [
        verify_receipt(each.receipt, world.log_policy) for each in (*first.opened, *second.opened)
    ]
    assert [each.details.cites["certificate"] for each in receipts] == [
        convoked.doctor.certificate,
        convoked.doctor.certificate,
        convoked.mayor.certificate,
    ]
    assert [each.index for each in receipts] == sorted({each.index for each in receipts})
    assert len({each.checkpoint.checkpoint.size for each in receipts}) == 1
    assert len(published) == 1
    assert world.kinds()[-3:] == ["release.authorised"] * 3


def test_one_answer_is_as_it_would_be_alone(convoked, world, both):
    """Good, refused, late, of a foreign history, of a stranger's key: the order is kept, and the good one
    does not suffer."""
    one, two = both
    world.recuse(convoked.mayor, two)
    note = world.log.checkpoint().decode()
    other = note.replace(note.split("\n")[0], "autre.example/log")
    good = asked(convoked, convoked.doctor, one)
    refused = asked(convoked, convoked.mayor, one, two)
    foreign = asked(convoked, convoked.doctor, one, checkpoint=other)
    late = asked(convoked, convoked.doctor, one, issued_at=world.now - days(1))
    results = together(convoked, refused, late, foreign, good)
    assert [each.reason for each in results[0].refused] == ["recused"]
    assert [each.deposit for each in results[0].opened] == [one.deposit]
    assert isinstance(results[1], ExpiredError)
    assert isinstance(results[2], InvalidRequestError)
    assert [each.deposit for each in results[3].opened] == [one.deposit]


def test_nothing_is_written_for_what_is_wrong(convoked, world, both):
    """A revoked reader and a request without freshness leave no row and no event."""
    late = asked(convoked, convoked.doctor, both[0], issued_at=world.now - days(1))
    revoked = asked(convoked, convoked.mayor, both[0])
    world.revoke(convoked.mayor)
    before = world.database.dump()
    results = together(convoked, late, revoked)
    assert [type(each) for each in results] == [ExpiredError, NotAllowedError]
    assert world.database.dump() == before


def test_the_same_request_twice_at_once_is_one_release(convoked, world, both):
    """As a retry: one event, one opening, the same header."""
    request = asked(convoked, convoked.doctor, both[0])
    first, other, again = together(
        convoked, request, asked(convoked, convoked.mayor, both[0]), request
    )
    assert first.opened[0].header == again.opened[0].header
    assert len(other.opened) == 1
    assert world.kinds().count("release.authorised") == 2
    assert len(world.broker.opened) == 2


def test_a_retry_among_new_ones_keeps_its_answer(convoked, world, both):
    """Its header is that of before, and nothing is opened for it again."""
    request = asked(convoked, convoked.doctor, both[0])
    (first,) = together(convoked, request)
    new, again = together(convoked, asked(convoked, convoked.mayor, both[1]), request)
    assert again.opened[0].header == first.opened[0].header
    assert len(new.opened) == 1
    assert len(world.broker.opened) == 2


def test_what_the_broker_refused_is_logged_though_it_goes_away(convoked, world, both):
    """It refuses the first and answers no more: its record says that it refused, and so does the log;
    what it did not answer is asked for again, under the same event."""
    request = asked(convoked, convoked.doctor, *both)
    world.broker.refuses, world.broker.dies_after = "Enveloppe illisible.", 1
    (result,) = together(convoked, request)
    assert isinstance(result, BrokerUnavailableError)
    assert world.kinds()[-1] == "release.failed"
    assert world.events()[-1].facts["deposit"] == both[0].deposit
    world.broker.refuses = world.broker.dies_after = None
    (again,) = together(convoked, request)
    assert len(again.opened) == 2
    assert world.kinds().count("release.authorised") == 2


def test_an_answer_before_the_broker_went_away_is_kept(convoked, world, both):
    """The one that was opened is given again as it was; only the other is opened at the retry."""
    request = asked(convoked, convoked.doctor, *both)
    world.broker.dies_after = 1
    (result,) = together(convoked, request)
    assert isinstance(result, BrokerUnavailableError)
    world.broker.dies_after = None
    (again,) = together(convoked, request)
    assert len(again.opened) == 2
    assert sorted(deposit for _, deposit in world.broker.opened) == sorted(
        each.deposit for each in both
    )


def test_another_members_answer_comes_though_the_broker_goes_away_after_it(convoked, world, both):
    """Who was answered before it went away has the answer; who was not is told to come back."""
    world.broker.dies_after = 1
    first, second = together(
        convoked,
        asked(convoked, convoked.doctor, both[0]),
        asked(convoked, convoked.mayor, both[0]),
    )
    assert isinstance(first, Releases)
    assert len(first.opened) == 1
    assert isinstance(second, BrokerUnavailableError)


def test_who_does_not_need_the_broker_is_answered_while_it_is_away(convoked, world, both):
    """A retry whose answer is kept, and a refusal, in one round with a request that has to be opened."""
    kept = asked(convoked, convoked.doctor, both[0])
    (before,) = together(convoked, kept)
    refused = asked(convoked, convoked.doctor, world.new_id())
    world.broker.down = True
    retried, told, new = together(convoked, kept, refused, asked(convoked, convoked.mayor, both[0]))
    assert retried.opened[0].header == before.opened[0].header
    assert len(told.refused) == 1
    assert isinstance(new, BrokerUnavailableError)


def test_a_repetition_that_fails_costs_nobody_else_an_answer(convoked, world, both, monkeypatch):
    """The retry within the round finds the database away: its own outcome, and the others are answered."""
    request, real = asked(convoked, convoked.doctor, both[0]), world.service.transactions
    begun: list[int] = []

    def failing():
        begun.append(1)
        if len(begun) > 1:
            raise UnavailableError("La base ne répond pas.")
        return real()

    service = replace(world.service, transactions=failing)
    first, other, again = release_together(
        service, [request, asked(convoked, convoked.mayor, both[0]), request]
    )
    assert len(first.opened) == len(other.opened) == 1
    assert isinstance(again, UnavailableError)


def test_one_who_is_refused_too_often_stops_nobody_else(convoked, world, both):
    """The limit is each member's own, in a shared round too."""
    world.recuse(convoked.mayor, both[0])
    for _ in range(MAX_REFUSALS):
        world.release(convoked.mayor, both[0])
    first, second = together(
        convoked,
        asked(convoked, convoked.mayor, both[1]),
        asked(convoked, convoked.doctor, both[1]),
    )
    assert isinstance(first, TooManyError)
    assert len(second.opened) == 1


def test_what_cannot_be_published_is_everybodys(convoked, world, both):
    """Without the witness nothing opens for anybody; afterwards each retry finds its event."""
    requests = [asked(convoked, each, both[0]) for each in (convoked.doctor, convoked.mayor)]
    world.witness.up = False
    with pytest.raises(UnavailableError):
        together(convoked, *requests)
    assert world.broker.opened == []
    world.witness.up = True
    assert [len(each.opened) for each in together(convoked, *requests)] == [1, 1]
    assert world.kinds().count("release.authorised") == 2


def test_the_rounds_of_a_process(convoked, world, both):
    """What the pages call: one request's answer, or its error raised."""
    rounds = release_rounds(world.service)
    assert len(rounds.join(asked(convoked, convoked.doctor, both[0])).opened) == 1
    with pytest.raises(ExpiredError):
        rounds.join(asked(convoked, convoked.doctor, both[0], issued_at=world.now - days(1)))
    stranger = world.admit("Oscar Fictif", "maires", Role.MEMBER)
    signed = world.request(convoked.doctor, both[0])
    with pytest.raises(NotAllowedError):
        release(world.service, stranger.caller, signed.envelope)
