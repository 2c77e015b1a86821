"""Grants to those who come later, withdrawals, and the file keys that a depositor keeps for them."""

from __future__ import annotations

import pytest

from crypto.errors import CryptoError
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.filekeys import forget_ended, local_file_key
from exchange.client.grant import grant
from exchange.client.withdraw import withdraw
from exchange.usecases import facts
from tests.support.client_world import Scene
from tests.support.deposit_attempts import late_member


def test_late_grant(scene: Scene) -> None:
    """A member named after the deposit gets an envelope from the local file key, once."""
    scene.dossier("nadia")
    late_member(scene)
    done = grant(scene.desk("nadia"), scene.sitting, (), "nommé après le dépôt")
    assert [each.name for one in done for each in one.addressees] == ["Hugo Tardif"]
    assert grant(scene.desk("nadia"), scene.sitting, (), "encore") == ()


def test_grant_without_the_local_key(scene: Scene) -> None:
    """Without the local copy, the file key comes by a logged release to a depositor."""
    done = scene.dossier("nadia")
    late_member(scene)
    desk = scene.desk("nadia")
    desk.profile.forget_filekey(done.deposit)
    grant(desk, scene.sitting, (done.reference,), "clé locale perdue")
    manifest = facts.manifest_of(scene.server.world.index, done.deposit)
    assert manifest is not None
    assert local_file_key(desk, manifest.statement) is not None


def test_grant_of_a_spoilt_local_key(scene: Scene) -> None:
    """A local file key that is not the manifest's is noticed before anything is granted."""
    one = scene.dossier("nadia")
    two = scene.dossier("nadia")
    late_member(scene)
    keys = scene.folder / "people" / "nadia" / "filekeys"
    (keys / f"{one.deposit}.age").write_bytes((keys / f"{two.deposit}.age").read_bytes())
    with pytest.raises(CryptoError):
        grant(scene.desk("nadia"), scene.sitting, (one.reference,), "clé échangée")


def test_another_associations_dossier(scene: Scene) -> None:
    """A depositor grants nothing of another association."""
    done = scene.dossier("nadia")
    with pytest.raises(NotPossibleError):
        grant(scene.desk("paul"), scene.sitting, (done.reference,), "curiosité")


def test_withdrawal_forgets_the_local_key(scene: Scene) -> None:
    """After a withdrawal neither the broker nor this machine holds the key."""
    done = scene.dossier("nadia")
    desk = scene.desk("nadia")
    assert desk.profile.filekeys() == (done.deposit,)
    ended = withdraw(desk, done.reference, "à la demande")
    assert ended.destroyed == 1
    assert desk.profile.filekeys() == ()


def test_withdrawal_that_the_broker_does_not_know(scene: Scene) -> None:
    """A withdrawal is not done while the broker has not confirmed it."""
    done = scene.dossier("nadia")
    kept = scene.server.world.broker.status
    scene.server.world.broker.status = (  # type: ignore[method-assign]
        lambda nonce, sitting, includes: kept(nonce, sitting, [])
    )
    with pytest.raises(NotTrustworthyError):
        withdraw(scene.desk("nadia"), done.reference, "à la demande")


def test_local_keys_end_with_the_sitting(scene: Scene) -> None:
    """Local file keys of a closed sitting are deleted."""
    scene.dossier("nadia")
    scene.server.world.close(scene.sitting)
    desk = scene.desk("nadia")
    desk.load_sitting(scene.sitting)
    assert forget_ended(desk) == 1
    assert desk.profile.filekeys() == ()
