"""Every release is tried on a broker in this process, some on one in a process of its own as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker_world import Scene, open_scene
from tests.support.separate_broker import SEPARATE, separate_scene

BOTH_KINDS = {
    "test_an_honest_release_opens",
    "test_retry_gets_the_same_answer_and_one_record",
    "test_no_event",
    "test_event_in_a_log_of_its_own",
    "test_event_in_a_fork_that_shares_the_past",
    "test_other_deposits_envelope",
    "test_revoked",
    "test_revocation_shown_to_the_broker_only_with_the_request",
    "test_recused",
    "test_before_the_window",
    "test_after_the_window",
    "test_older_sitting_version_left_out",
    "test_replay_with_another_reply_key",
    "test_request_signed_by_another_key",
    "test_frozen_checkpoint",
    "test_expired_trust_policy",
    "test_garbage",
    "test_restored_old_store_opens_nothing",
}
"""Tried against a process as well; the rest is the same code behind the same port."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = [SEPARATE] if metafunc.function.__name__ in BOTH_KINDS else []
    if "scene" in metafunc.fixturenames:
        metafunc.parametrize("scene", ["in-process", *kinds], indirect=True)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "in-process":
        yield open_scene(tmp_path / "broker")
    else:
        with separate_scene(tmp_path / "broker") as scene:
            yield scene
