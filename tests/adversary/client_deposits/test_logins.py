"""A hostile server against a depositor's client: whom it lets in, and under which policy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.errors import UntrustedError
from exchange.client.errors import NotTrustworthyError
from tests.support.client_world import Scene


def test_login_bound_to_the_origin(scene: Scene) -> None:
    """A challenge in another origin's name is not signed."""
    scene.server.lies["challenge"] = lambda answer: {**answer, "origin": "autre.example/log"}
    with pytest.raises(NotTrustworthyError):
        scene.desk("nadia")
    assert not [r for r in scene.server.requests if r.target.endswith("/login")]


def test_login_as_somebody_else(scene: Scene) -> None:
    """A login that the server files under another certificate is refused."""
    other = scene.person("paul").certificate
    scene.server.lies["login"] = lambda answer: {**answer, "certificate": other}
    with pytest.raises(NotTrustworthyError):
        scene.desk("nadia")


def test_first_login_learns_the_certificate(scene: Scene) -> None:
    """A device that does not know its certificate yet logs in by its key, and remembers it."""
    machine = scene.machine("nadia")
    machine.profile.change(certificate=None)
    from exchange.client.desk import log_in

    log_in(machine, scene.person("nadia").identity)
    assert machine.profile.settings().certificate == scene.person("nadia").certificate


def test_expired_policy(scene: Scene) -> None:
    """Under an expired trust policy nothing is sealed; a withdrawal remains possible."""
    done = scene.dossier("nadia")
    world = scene.server.world
    world.now += timedelta(days=366)
    with pytest.raises(UntrustedError):
        scene.desk("nadia")
    from exchange.client.desk import open_view

    view, _source = open_view(scene.machine("nadia"), lapsed_too=True)
    assert view.policy.policy.version == 1
    assert done.deposit
