"""A hostile server with everything it can have, before a broker in a process of its own."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import WitnessConflictError, WitnessForbiddenError, WitnessProofError
from audit.events import EventType
from audit.note import Note, NoteSigner
from crypto.age.identities import recipient_of
from crypto.keys import HybridIdentity, ServiceSigningSeed
from crypto.statements import parse, seal
from crypto.statements.custody import ReleaseKey, Status
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from tests.support.broker_world import Scene
from tests.support.broker_world_log import ORIGIN
from tests.support.memory_log import MemoryLogStore
from tests.support.openings import open_one
from tests.support.release_attempts import record
from tests.support.separate_broker import OWN_PROCESS, world_of

pytestmark = OWN_PROCESS


def reasons(scene: Scene) -> set[str]:
    return {e.facts["reason"] for e in record(scene) if e.kind is RecordKind.REFUSED}


def test_hostile_server_gets_no_header(scene: Scene) -> None:
    """One server after another trick: nothing opens, and the signed record holds each attempt."""
    world = world_of(scene)
    claire, odile = scene.member, world.people["odile"]
    request = world.request(claire, scene.sitting, scene.deposit)
    honest = world.shown(request, scene.deposit, world.authorise(request, scene.deposit))

    def tried(reason: str, shown: object) -> None:
        with pytest.raises(BrokerRefusalError) as caught:
            open_one(world.broker, shown)  # type: ignore[arg-type]
        assert caught.value.params["reason"] == reason
        assert reason in reasons(scene)

    # A receipt of something else; another deposit's envelope; another deposit's authorisation.
    tried("not-authorised", replace(honest, release=world.receipt(0)))
    swapped = scene.other.envelopes[claire.certificate]
    tried("foreign-envelope", replace(honest, envelope=swapped))
    both = world.request(claire, scene.sitting, scene.deposit, scene.other)
    elsewhere = world.shown(both, scene.deposit, world.authorise(both, scene.other))
    tried("not-authorised", elsewhere)
    # Odile sits for the depositing association: recused by the structure, whatever is logged.
    hers = world.request(odile, scene.sitting, scene.deposit)
    tried(
        "structurally-recused",
        world.shown(hers, scene.deposit, world.authorise(hers, scene.deposit)),
    )
    # A receipt as old as a frozen log's.
    world.advance(minutes=6)
    tried("stale-checkpoint", honest)
    # A revocation that the server accepted and did not show: shown or not, nothing opens.
    world.revoke(claire)
    late = world.request(claire, scene.sitting, scene.deposit)
    with pytest.raises(BrokerRefusalError):
        open_one(
            world.broker, world.shown(late, scene.deposit, world.authorise(late, scene.deposit))
        )
    assert RecordKind.OPENED not in {entry.kind for entry in record(scene)}
    assert {entry.facts.get("custody") for entry in record(scene)} >= {"separate"}


def test_forked_log_is_not_cosigned(scene: Scene) -> None:
    """A second history signed by the log's own key gets no cosignature, and is kept as evidence."""
    world = world_of(scene)
    size = world.broker.cosigner.last_size()
    world.store, world.log_policy = MemoryLogStore(), None
    world.log = world.new_log(world.store, cosigned=False)
    for _ in range(size + 3):
        world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    fork = world.log.integrate()
    with pytest.raises(WitnessProofError):
        world.broker.cosigner.add_checkpoint(size, world.log.consistency(size, size + 3), fork)
    with pytest.raises(WitnessConflictError):
        world.broker.cosigner.add_checkpoint(0, [], fork)
    assert "forked-log" in reasons(scene)
    assert any((world.directory / "evidence").iterdir())


def test_hidden_revocation_shows_in_the_status(scene: Scene) -> None:
    """A server that keeps a revocation from the broker cannot get a status that includes it."""
    world = world_of(scene)
    hidden = world.revoke(scene.member, acknowledge=False)
    before = parse(Status, world.broker.status(os.urandom(32), scene.sitting, [hidden]))
    assert before.statement.includes == ()
    world.broker.acknowledge(world.attest(hidden))
    after = parse(Status, world.broker.status(os.urandom(32), scene.sitting, [hidden]))
    assert after.statement.includes == (hidden,)
    assert after.statement.revoked != before.statement.revoked
    assert after.statement.number > before.statement.number


def test_key_made_by_the_server_opens_nothing(scene: Scene) -> None:
    """A release key that the server made and signed itself is no key of the broker's."""
    world = world_of(scene)
    own_seed, own = ServiceSigningSeed.generate(os.urandom), HybridIdentity.generate(os.urandom)
    real = scene.deposit.release_key.statement
    forged = seal(
        real.model_copy(
            update={
                "recipient": recipient_of(own),
                "signer": own_seed.verify_key().fingerprint,
                "deposit": world.new_id(),
            }
        ),
        [own_seed],
    )
    assert isinstance(forged.statement, ReleaseKey)
    cites = {
        "release_key": forged.digest,
        "certificate": scene.depositor.certificate,
        "sitting": real.sitting_sha256,
    }
    facts = {"deposit": forged.statement.deposit}
    with pytest.raises(BrokerRefusalError):
        world.post(forged, EventType.DEPOSIT_BEGUN, cites=cites, facts_=facts)
    assert "bad-signature" in reasons(scene)


def test_forged_statement_is_refused_and_recorded(scene: Scene) -> None:
    """A sitting signed by the server's own key is not taken note of, and stays in the record."""
    world = world_of(scene)
    honest = world.registrar
    world.registrar = world.root  # not a registrar's key of the policy
    forged = world.sitting("claire")
    world.registrar = honest
    with pytest.raises(BrokerRefusalError):
        world.post(forged)
    assert forged.digest in {entry.cites.get("statement") for entry in record(scene)}


def test_stolen_link_key_cannot_sign_as_the_log(scene: Scene) -> None:
    """The link's certificate is not the log's key: a checkpoint of another key is not cosigned."""
    world = world_of(scene)
    size = world.broker.cosigner.last_size()
    other = NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom))
    text = Checkpoint(ORIGIN, size, bytes(32)).to_text()
    note = Note(text, other.sign(text)).to_bytes()
    with pytest.raises(WitnessForbiddenError):
        world.broker.cosigner.add_checkpoint(size, [], note)
