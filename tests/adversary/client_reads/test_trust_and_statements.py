"""A hostile server against a member's client: of another trust, or with statements that nobody made."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.events import EventType
from crypto.errors import BadSignatureError, CryptoError
from crypto.keys import PartySigningSeed
from crypto.statements import seal
from crypto.statements.custody import Emergency
from crypto.statements.registry import Certificate, TrustPolicy
from crypto.trust import Trust
from exchange.client.errors import NotTrustworthyError
from exchange.client.pack_get import get_pack
from exchange.client.pack_open import open_pack
from tests.support.client_world import Scene
from tests.support.pack_attempts import refused


def test_other_commission(scene: Scene) -> None:
    """A server of another commission is refused by its trust alone."""

    def lie(answer: Any) -> Any:
        return {**answer, "trust": {**answer["trust"], "commission": "a" * 26}}

    scene.server.lies["trust"] = lie
    refused(scene, NotTrustworthyError)


def test_policy_of_another_root(scene: Scene) -> None:
    """A trust policy that another root signed is refused."""
    policy = scene.server.world.trust_policy()
    forged = seal(policy.statement, [PartySigningSeed.generate(os.urandom)])

    def lie(answer: Any) -> Any:
        items = [{**answer["policies"][0], "envelope": forged.envelope.decode()}]
        return {**answer, "policies": items}

    scene.server.lies["trust"] = lie
    refused(scene, BadSignatureError)


def test_an_emergency_that_the_log_does_not_show(scene: Scene) -> None:
    """A true emergency under another event's receipt is refused: it would lower the quorum unseen."""
    world = scene.server.world
    signed = world.by_registrar(
        Emergency, quorum=0, expires_at=world.now + timedelta(days=1), reason="panne"
    )
    shown = {"envelope": signed.envelope.decode(), "receipt": world.receipt(2).decode()}
    scene.server.lies["trust"] = lambda answer: {**answer, "emergencies": [shown]}
    refused(scene, NotTrustworthyError)


def test_policies_withheld(scene: Scene) -> None:
    """Without any trust policy, nothing is trusted."""
    scene.server.lies["trust"] = lambda answer: {**answer, "policies": []}
    refused(scene, (NotTrustworthyError, CryptoError))


def test_newer_policy_withheld(scene: Scene) -> None:
    """A policy version that the broker applies and the server hides is noticed."""
    world = scene.server.world
    world.publish_trust(2)
    scene.server.lies["trust"] = lambda answer: {**answer, "policies": answer["policies"][:1]}
    refused(scene, NotTrustworthyError)


def test_forged_certificate(scene: Scene) -> None:
    """A certificate signed by the server's own key, under a true receipt, is never taken."""
    world = scene.server.world
    attacker = PartySigningSeed.generate(os.urandom)
    (real,) = [
        each
        for each in world.index.find(Certificate)
        if each.digest == scene.person("martin").certificate
    ]
    forged = seal(
        real.statement.model_copy(
            update={
                "recipient": scene.person("paul").identity.recipient,
                "signing_key": attacker.verify_key(),
            }
        ),
        [attacker],
    )

    def lie(answer: Any) -> Any:
        cites, told = {"statement": forged.digest}, {"type": "certificate"}
        index = world.log_event(EventType.STATEMENT_ACCEPTED, cites, told)
        item = {"envelope": forged.envelope.decode(), "receipt": world.receipt(index).decode()}
        return {**answer, "statements": [*answer["statements"], item]}

    scene.server.lies["sitting"] = lie
    refused(scene, CryptoError)


def test_policy_receipt_must_be_its_own(scene: Scene) -> None:
    """A true policy under a receipt of another event is refused."""
    world = scene.server.world

    def lie(answer: Any) -> Any:
        items = [{**answer["policies"][0], "receipt": world.receipt(2).decode()}]
        return {**answer, "policies": items}

    scene.server.lies["trust"] = lie
    refused(scene, NotTrustworthyError)
    assert world.index.find(TrustPolicy)


def test_other_trust_in_the_profile(scene: Scene, tmp_path: Path) -> None:
    """A pack does not open under another commission's trust."""
    out = tmp_path / "pack.tar"
    get_pack(scene.desk("claire"), scene.sitting, out)
    key = PartySigningSeed.generate(os.urandom).verify_key()
    other = Trust(commission=scene.server.world.trust.commission, root_keys=(key,), threshold=1)
    with pytest.raises(BadSignatureError):
        open_pack(
            out,
            tmp_path / "out",
            other,
            scene.person("claire").identity,
            scene.server.world.now,
        )
    assert not (tmp_path / "out").exists()
