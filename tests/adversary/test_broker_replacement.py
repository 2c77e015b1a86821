"""A broker in the place of one that was lost: what it believes, and what it will not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.events import EventType
from audit.policy import LogPolicy
from crypto.statements import parse, seal
from crypto.statements.custody import ReleaseKey, Status
from crypto.statements.registry import TrustPolicy
from exchange.broker.create import BrokerKeys, create_broker
from exchange.broker.keystore import KeyStore
from exchange.usecases.broker_record import RecordEntry, RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Attested
from tests.support.broker_world import Scene, World
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_log import ORIGIN


class Successor:
    """A new broker, the old one's store gone; the world's statements as the log holds them."""

    def __init__(self, scene: Scene, directory: Path) -> None:
        self.world: World = scene.world
        world = self.world
        self.lost = KeyStore(world.directory).statement_seed()
        world.directory = directory
        self.keys: BrokerKeys = create_broker(
            directory,
            trust=world.trust,
            origin=ORIGIN,
            log_keys=[str(world.log_signer.verifier)],
            entropy=os.urandom,
        )
        self.past = list(world.attested)
        world.broker_keys = self.keys
        world.broker = world.new_broker()
        mark = world.high_water.read()
        world.log = world.new_log(world.store)
        assert mark is not None
        world.high_water.write(mark)

    def policies(self, **changes: object) -> list[Attested]:
        """Both policies with receipts under the log as it is now; the second names this broker."""
        world = self.world
        signed = world.trust_policy(2, **changes)
        world.log_policy = LogPolicy.from_trust_policy(world.trust_policy(2).statement)
        index = world.log_event(
            EventType.STATEMENT_ACCEPTED, {"statement": signed.digest}, {"type": "trust-policy"}
        )
        world.keep(signed, index)
        digests = [each.digest for each in world.index.find(TrustPolicy)]
        return [world.attest(digest) for digest in digests]

    def takes_over(self) -> None:
        """Shown the chain of policies, then everything else in the order of the log."""
        self.world.broker.acknowledge_policies(self.policies())
        for digest in self.past:
            self.world.broker.acknowledge(self.world.attest(digest))

    def rekeyed(self, deposit: Deposit) -> None:
        """The new broker's key for a deposit, logged."""
        world = self.world
        sitting = parse(ReleaseKey, deposit.release_key.envelope).statement.sitting_sha256
        made = parse(ReleaseKey, world.broker.make_release_key(deposit.deposit, sitting))
        cites = {"release_key": made.digest, "manifest": deposit.manifest.digest}
        facts = {"deposit": deposit.deposit}
        world.post(made, EventType.DEPOSIT_REKEYED, cites=cites, facts_=facts)
        deposit.release_key = made

    def refused(self, policies: list[Attested]) -> str:
        with pytest.raises(BrokerRefusalError) as caught:
            self.world.broker.acknowledge_policies(policies)
        return str(caught.value.params["reason"])


@pytest.fixture
def successor(scene: Scene, tmp_path: Path) -> Successor:
    return Successor(scene, tmp_path / "successor")


def test_it_opens_what_was_sealed_again_and_nothing_else(
    scene: Scene, successor: Successor
) -> None:
    """A grant sealed to the new key opens; what is sealed to the lost key is a foreign envelope."""
    world, claire = scene.world, scene.member
    successor.takes_over()
    with pytest.raises(BrokerRefusalError) as caught:
        world.release(claire, scene.sitting, scene.deposit)
    assert caught.value.params["reason"] == "foreign-key"
    successor.rekeyed(scene.deposit)
    world.grant(scene.depositor, scene.deposit, claire)
    _request, answer = world.release(claire, scene.sitting, scene.deposit)
    assert answer
    opened = [
        entry
        for line in world.broker.record()[0].splitlines()
        if (entry := RecordEntry.parse(line)).kind is RecordKind.OPENED
    ]
    assert [entry.facts["deposit"] for entry in opened] == [scene.deposit.deposit]


def test_it_makes_one_key_a_deposit_too(scene: Scene, successor: Successor) -> None:
    """Asked again, the new broker answers with the same key."""
    successor.takes_over()
    successor.rekeyed(scene.deposit)
    made = scene.deposit.release_key
    again = scene.world.broker.make_release_key(
        scene.deposit.deposit, made.statement.sitting_sha256
    )
    assert parse(ReleaseKey, again).digest == made.digest


def test_an_earlier_policy_alone_does_not_bring_it_in(successor: Successor) -> None:
    """The first policy names the lost broker: no checkpoint counts under it any more."""
    first, _second = successor.policies()
    assert successor.refused([first]) in {"bad-receipt", "not-the-broker"}


def test_a_policy_by_too_few_roots_does_not_bring_it_in(scene: Scene, successor: Successor) -> None:
    """A server cannot name a broker of its own: the roots did not sign that."""
    scene.world.root = scene.world.registrar
    assert successor.refused(successor.policies()) == "bad-signature"


def test_a_gap_in_the_chain_is_refused(successor: Successor) -> None:
    """The second policy without the first does not end in the pinned root."""
    _first, second = successor.policies()
    assert successor.refused([second]) == "bad-signature"


def test_a_policy_that_names_another_broker_is_refused(successor: Successor) -> None:
    """The last policy must name this broker's cosigner."""
    policies = successor.policies(witness_policy="witness broker X\nquorum broker\n")
    assert successor.refused(policies) in {"chain", "not-the-broker"}


def test_what_was_signed_under_an_earlier_policy_counts_as_then(
    scene: Scene, successor: Successor
) -> None:
    """The lost broker's release keys are believed: its key was named when the log took them in."""
    successor.takes_over()
    theirs = scene.deposit.release_key.digest
    status = scene.world.broker.status(b"n" * 32, scene.sitting, [theirs])
    assert parse(Status, status).statement.includes == (theirs,)


def test_the_lost_key_signs_nothing_new(scene: Scene, successor: Successor) -> None:
    """After the second policy a release key by the lost broker is refused."""
    world = scene.world
    successor.takes_over()
    lost = scene.other.release_key
    forged = lost.statement.model_copy(update={"deposit": world.new_id(), "id": world.new_id()})
    signed = seal(forged, [successor.lost])
    cites = {"release_key": signed.digest}
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(
            signed,
            EventType.DEPOSIT_BEGUN,
            cites=cites,
            facts_={"deposit": signed.statement.deposit},
        )
    assert caught.value.params["reason"] == "bad-signature"
