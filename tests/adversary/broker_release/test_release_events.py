"""A hostile server shows the broker another event than the one that authorises this release."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from audit.events import EventDetails, EventType
from crypto.digests import Digest
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import Scene
from tests.support.memory_log import MemoryLogStore
from tests.support.openings import open_one
from tests.support.release_attempts import attempt, refused


def test_no_event(scene: Scene) -> None:
    """Without a release event in the log nothing opens: another event's receipt will not do."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_refused_event(scene: Scene) -> None:
    """A logged refusal is no authorisation."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    cites = {"access_request": request.digest, "certificate": scene.member.certificate}
    facts = {"deposit": scene.deposit.deposit, "purpose": "read", "reason": "recused"}
    index = world.log_event(EventType.RELEASE_REFUSED, cites, facts)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_another_deposits_event(scene: Scene) -> None:
    """The authorisation of one deposit opens no other."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit, scene.other)
    index = world.authorise(request, scene.other)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_another_requests_event(scene: Scene) -> None:
    """The authorisation of an earlier request does not serve a new one."""
    world = scene.world
    earlier = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(earlier, scene.deposit)
    later = world.request(scene.member, scene.sitting, scene.deposit)
    assert refused(scene, world.shown(later, scene.deposit, index)) == "not-authorised"


@pytest.mark.parametrize("role", ["sitting", "roster", "manifest", "certificate", "declaration"])
def test_event_that_cites_something_else(scene: Scene, role: str) -> None:
    """The event must cite exactly the statements in force, each of them."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit, **{role: Digest("0" * 64)})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_event_in_a_log_of_its_own(scene: Scene) -> None:
    """An event logged aside, in a log signed by the real key, has no cosignature: it opens nothing."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    honest = world.shown(request, scene.deposit, 0)
    world.store, world.log_policy = MemoryLogStore(), None
    world.log = world.new_log(world.store, cosigned=False)
    forged = world.receipt(world.authorise(request, scene.deposit))
    shown = OpenRequest(
        honest.access_request,
        honest.statements,
        forged,
        honest.deposit,
        honest.envelope,
        honest.item,
    )
    assert refused(scene, shown) == "bad-receipt"


def test_event_in_a_fork_that_shares_the_past(scene: Scene) -> None:
    """The broker cosigns one history: a fork from an earlier state gets no signature of it."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    fork = MemoryLogStore()
    for ticket in world.store.rows.tickets:
        fork.append(world.store.rows.entries[ticket])
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    honest = world.shown(request, scene.deposit, 0)
    world.store, world.log_policy = fork, None
    world.log = world.new_log(fork)
    forged = world.receipt(world.authorise(request, scene.deposit))
    shown = OpenRequest(
        honest.access_request,
        honest.statements,
        forged,
        honest.deposit,
        honest.envelope,
        honest.item,
    )
    assert refused(scene, shown) == "bad-receipt"


@pytest.mark.parametrize("line", [1, 2, 3, 4, 5, 7, 8, 9])
def test_forged_receipt(scene: Scene, line: int) -> None:
    """A receipt with any line altered proves nothing."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    lines = world.receipt(world.authorise(request, scene.deposit)).split(b"\n")
    text = bytearray(lines[line])
    place = len(text) // 2
    text[place] = ord("B") if text[place] != ord("B") else ord("C")
    lines[line] = bytes(text)
    shown = world.shown(request, scene.deposit, 0, release=b"\n".join(lines))
    assert refused(scene, shown) == "bad-receipt"


def test_frozen_checkpoint(scene: Scene) -> None:
    """A checkpoint cosigned more than five minutes ago is no present: the log may have gone on."""
    shown = attempt(scene)
    scene.world.advance(minutes=6)
    assert refused(scene, shown) == "stale-checkpoint"


def test_reader_who_saw_another_log(scene: Scene) -> None:
    """A reader who was shown a checkpoint that this broker never cosigned is not served."""
    world = scene.world
    fork = MemoryLogStore()
    policy, world.log_policy = world.log_policy, None
    foreign = world.new_log(fork, cosigned=False).integrate().decode()
    world.log_policy = policy
    assert refused(scene, attempt(scene, checkpoint=foreign)) == "other-log"


def test_restored_old_store_opens_nothing(scene: Scene, tmp_path: Path) -> None:
    """A broker whose directory was set back notices that the log is ahead of its head."""
    world = scene.world
    state = (world.directory / "state.slots").read_bytes()
    world.advance(minutes=1)
    shown = attempt(scene)
    (world.directory / "state.slots").write_bytes(state)
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(world.new_broker(), shown)
    assert caught.value.params["reason"] in {"bad-receipt", "other-log"}


def test_backdated_event_of_a_revoked_author(scene: Scene) -> None:
    """Logging today, with yesterday's date, the act of a key revoked in between: refused."""
    world = scene.world
    world.advance(hours=1)
    world.revoke(scene.depositor)
    with pytest.raises(BrokerRefusalError) as caught:
        world.withdraw(scene.depositor, scene.deposit, at=world.now - timedelta(hours=2))
    assert caught.value.params["reason"] == "bad-signature"


@pytest.mark.parametrize("wrong", [{"purpose": "grant"}, {"deposit": "other"}, {"more": "x"}])
def test_event_that_says_something_else(scene: Scene, wrong: dict[str, str]) -> None:
    """The event's own facts, deposit and purpose, must be those of the request, and no more."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    honest = world.authorise(request, scene.deposit)
    disclosure = world.store.disclosure(honest)
    assert disclosure is not None
    details = EventDetails.parse(disclosure.details)
    index = world.log_event(details.type, details.cites, {**details.facts, **wrong})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"
