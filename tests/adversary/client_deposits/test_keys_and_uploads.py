"""A hostile server against a depositor's client: its release keys, its receipts, and uploads cut off."""

from __future__ import annotations

import os
from typing import Any

import pytest

from audit.errors import AuditError
from audit.events import EventType
from crypto.age.identities import recipient_of
from crypto.digests import sha256
from crypto.errors import CryptoError
from crypto.keys import HybridIdentity, ServiceSigningSeed
from crypto.statements import parse, seal
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Manifest
from exchange.client.deposit import discard, make_deposit, plan, resume
from exchange.client.deposit_state import Pending
from exchange.client.errors import NotPossibleError, NotTrustworthyError, TransportError
from tests.support.client_world import Scene
from tests.support.deposit_attempts import refused, wanted


def test_release_key_of_the_server(scene: Scene) -> None:
    """A release key that the server made itself would let it open every envelope: refused."""
    world = scene.server.world

    def lie(answer: Any) -> Any:
        real = parse(ReleaseKey, answer["release_key"]["envelope"].encode())
        own = real.statement.model_copy(
            update={"recipient": recipient_of(HybridIdentity.generate(os.urandom))}
        )
        forged = seal(own, [ServiceSigningSeed.generate(os.urandom)])
        cites = {"release_key": forged.digest, "certificate": scene.person("nadia").certificate}
        index = world.log_event(EventType.DEPOSIT_BEGUN, cites, {"deposit": own.deposit})
        item = {"envelope": forged.envelope.decode(), "receipt": world.receipt(index).decode()}
        return {**answer, "release_key": item}

    scene.server.lies["begin"] = lie
    refused(scene, CryptoError)


def test_release_key_of_another_deposit(scene: Scene) -> None:
    """A true release key of another deposit or sitting is refused."""
    scene.server.lies["begin"] = lambda answer: {**answer, "deposit": "a" * 26}
    refused(scene, NotTrustworthyError)


def test_release_key_that_was_not_logged(scene: Scene) -> None:
    """A release key under the receipt of another event is refused."""

    def lie(answer: Any) -> Any:
        key = {**answer["release_key"], "receipt": scene.server.world.receipt(4).decode()}
        return {**answer, "release_key": key}

    scene.server.lies["begin"] = lie
    refused(scene, NotTrustworthyError, AuditError)


def test_commit_receipt_of_another_manifest(scene: Scene) -> None:
    """Without a true receipt a deposit is not done: it stays to be resumed."""
    world = scene.server.world
    scene.server.lies["commit"] = lambda answer: {"receipt": world.receipt(4).decode()}
    desk = scene.desk("nadia")
    with pytest.raises((NotTrustworthyError, AuditError)):
        make_deposit(desk, plan(desk, wanted(scene)))
    assert len(Pending.all(desk.profile)) == 1
    scene.server.lies.clear()
    (done,) = resume(scene.desk("nadia"))
    assert done.manifest in world.attested


def test_interrupted_upload_resumes(scene: Scene) -> None:
    """A deposit cut off during its upload is finished by --resume, sealed once."""
    (scene.folder / "papers" / "nadia" / "scan.bin").write_bytes(os.urandom(200_000))
    scene.server.down.add("commit")
    desk = scene.desk("nadia")
    with pytest.raises(TransportError):
        make_deposit(desk, plan(desk, wanted(scene)))
    scene.server.down.clear()
    sent = len([r for r in scene.server.requests if r.method == "PUT"])
    (done,) = resume(scene.desk("nadia"))
    assert len([r for r in scene.server.requests if r.method == "PUT"]) == sent
    assert sha256(scene.server.uploads[done.deposit].payload) == (
        scene.server.world.index.find(Manifest)[0].statement.sha256
    )
    assert Pending.all(desk.profile) == ()


def test_resume_refuses_what_is_no_longer_right(scene: Scene) -> None:
    """What was sealed for somebody since revoked is not sent; it can be discarded."""
    scene.server.down.add("part")
    desk = scene.desk("nadia")
    with pytest.raises(TransportError):
        make_deposit(desk, plan(desk, wanted(scene)))
    scene.server.down.clear()
    scene.server.world.revoke(scene.person("martin"))
    with pytest.raises(NotPossibleError):
        resume(scene.desk("nadia"))
    assert discard(scene.desk("nadia")) == 1
    assert desk.profile.filekeys() == ()
