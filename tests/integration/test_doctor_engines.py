"""``dossier doctor`` on PostgreSQL and S3: it tries what a deposit needs, and names what lacks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto.keys import PartySigningSeed
from exchange.settings import load_settings
from exchange.wiring.checkup import LABELS, Finding, Verdict, examine
from exchange.wiring.instance import make_instance
from tests.support.live_service import plan_of
from tests.support.postgres import PostgresServer
from tests.support.s3 import READER, S3Service
from tests.support.stores import postgres, s3

__all__ = ["postgres", "s3"]

pytestmark = pytest.mark.engines


@pytest.fixture
def examined(
    tmp_path: Path, postgres: PostgresServer, s3: S3Service, monkeypatch: pytest.MonkeyPatch
):
    root = PartySigningSeed.generate(os.urandom).verify_key()
    bucket = s3.new_bucket()
    plan = plan_of(tmp_path, root, database_url=postgres.new_database(), objects_url=s3.url(bucket))
    settings = load_settings(make_instance(plan, os.urandom).settings_file, {})

    def examine_as(keys: dict[str, str]) -> dict[str, list[Finding]]:
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        found: dict[str, list[Finding]] = {}
        for each in examine(settings):
            found.setdefault(each.label, []).append(each)
        left = s3.admin().list_objects_v2(Bucket=bucket).get("Contents", [])
        assert left == [], "a probe stayed behind"
        return found

    return examine_as


def test_all_is_well_with_the_keys_of_the_service(examined, s3: S3Service) -> None:
    """With the application's own key pair, database and store pass, and the probe is gone after."""
    found = examined(s3.environment())
    for subject in ("database", "objects"):
        assert [each.verdict for each in found[LABELS[subject]]] == [Verdict.OK], found


def test_a_key_that_may_only_read_is_told(examined) -> None:
    """A key pair without the right to write fails that check alone, with the service's own word."""
    found = examined(
        {"AWS_ACCESS_KEY_ID": READER.access_key, "AWS_SECRET_ACCESS_KEY": READER.secret_key}
    )
    (objects,) = found[LABELS["objects"]]
    assert objects.verdict is Verdict.FAILURE
    assert objects.params["cause"] == "AccessDenied"
    assert [each.verdict for each in found[LABELS["database"]]] == [Verdict.OK]
