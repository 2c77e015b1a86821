"""What an honest release opens, for whom, and how often it is recorded."""

from __future__ import annotations

import pytest

from audit.events import EventType
from crypto.age.decrypt import decrypt_with
from crypto.errors import CryptoError
from crypto.statements.exchange import Purpose
from exchange.usecases.broker_record import RecordKind
from tests.support.broker_world import Scene
from tests.support.openings import open_one
from tests.support.release_attempts import record


def test_an_honest_release_opens(scene: Scene) -> None:
    """The reader gets their own header, sealed to the reply key, and it is recorded once."""
    request, answer = scene.world.release(scene.member, scene.sitting, scene.deposit)
    assert decrypt_with(answer, request.reply) == scene.deposit.headers[scene.member.certificate]
    last = record(scene)[-1]
    assert last.kind is RecordKind.OPENED
    assert last.cites["access_request"] == request.digest


def test_the_answer_opens_for_the_reply_key_alone(scene: Scene) -> None:
    """Nobody but the holder of the one-use reply key opens the answer."""
    _request, answer = scene.world.release(scene.member, scene.sitting, scene.deposit)
    with pytest.raises(CryptoError):
        decrypt_with(answer, scene.member.identity.age_identity)


def test_retry_gets_the_same_answer_and_one_record(scene: Scene) -> None:
    """The same request under a newer checkpoint gets the same bytes; the record grows once."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    first = open_one(world.broker, world.shown(request, scene.deposit, index))
    world.advance(hours=2)
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    again = open_one(world.new_broker(), world.shown(request, scene.deposit, index))
    assert again == first
    assert [entry.kind for entry in record(scene)].count(RecordKind.OPENED) == 1


def test_grant_without_declaration_opens_for_the_association(scene: Scene) -> None:
    """A depositor of the same association gets the grant envelope, without any declaration."""
    world = scene.world
    request = world.request(scene.depositor, scene.sitting, scene.deposit, purpose=Purpose.GRANT)
    index = world.authorise(request, scene.deposit)
    answer = open_one(world.broker, world.shown(request, scene.deposit, index))
    due = scene.deposit.headers[scene.depositor.certificate]
    assert decrypt_with(answer, request.reply) == due
