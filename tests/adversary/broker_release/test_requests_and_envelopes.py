"""A hostile server exchanges envelopes, or puts a request into a reader's mouth."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest

from crypto.age.identities import recipient_of
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.keys import HybridIdentity, MasterSeed
from crypto.statements.exchange import AccessRequest
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import Scene
from tests.support.openings import open_one
from tests.support.release_attempts import attempt, record, refused


def test_other_deposits_envelope(scene: Scene) -> None:
    """An envelope of another deposit, even for the same reader, is not the one to open."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    foreign = scene.other.envelopes[scene.member.certificate]
    shown = world.shown(request, scene.deposit, index, envelope=foreign)
    assert refused(scene, shown) == "foreign-envelope"


def test_other_readers_envelope(scene: Scene) -> None:
    """The envelope of another reader of the same deposit does not open for this one."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    foreign = scene.deposit.envelopes[scene.depositor.certificate]
    shown = world.shown(request, scene.deposit, index, envelope=foreign)
    assert refused(scene, shown) == "foreign-envelope"


def test_replay_with_another_reply_key(scene: Scene) -> None:
    """A server that puts its own reply key into a member's request breaks the signature."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    open_one(
        world.broker, world.shown(request, scene.deposit, world.authorise(request, scene.deposit))
    )
    thief = HybridIdentity.generate(os.urandom)
    outer = json.loads(request.signed.envelope)
    body = json.loads(base64.b64decode(outer["payload"]))
    body["reply_key"] = str(recipient_of(thief))
    outer["payload"] = base64.b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()
    request.signed = type(request.signed)(
        AccessRequest.model_validate(body),
        json.dumps(outer).encode(),
        request.digest,
        b"",
        request.signed.signatures,
    )
    index = world.authorise(request, scene.deposit)
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(world.broker, world.shown(request, scene.deposit, index))
    assert caught.value.params["reason"] == "bad-signature"


def test_request_signed_by_another_key(scene: Scene) -> None:
    """A request that names a member's certificate and is signed by somebody else is refused."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    stranger = Identity(MasterSeed.generate(os.urandom))
    request.signed = stranger.sign(request.signed.statement)
    index = world.authorise(request, scene.deposit)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "bad-signature"


def test_request_for_another_deposit(scene: Scene) -> None:
    """A deposit that the reader did not ask for is not opened in their name."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.other)
    index = world.authorise(request, scene.deposit)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_envelope_that_lies_about_its_header(scene: Scene) -> None:
    """A depositor whose envelope holds another header than announced is found out at opening."""
    world, claire = scene.world, scene.member
    real = world.envelope

    def lying(*arguments: Any) -> Any:
        entry, header, envelope = real(*arguments)
        return entry.model_copy(update={"header_sha256": Digest("1" * 64)}), header, envelope

    world.envelope = lying  # type: ignore[method-assign]
    deposit = world.deposit(scene.depositor, scene.sitting, claire)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, deposit)
    world.declare(claire, scene.sitting, deposit)
    assert refused(scene, attempt(scene, deposit=deposit)) == "broken-envelope"


def test_garbage(scene: Scene) -> None:
    """What is no request at all is refused and recorded, and changes nothing else."""
    shown = OpenRequest(b"{}", (), b"", "../../etc/passwd", b"")
    assert refused(scene, shown) == "malformed"
    assert "deposit" not in record(scene)[-1].facts


def test_refusals_are_recorded_once(scene: Scene) -> None:
    """A server that repeats a refused request does not fill the record."""
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    shown = attempt(scene)
    before = len(record(scene))
    for _ in range(3):
        refused(scene, shown)
    assert len(record(scene)) == before + 1
