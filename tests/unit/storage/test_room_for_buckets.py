"""The S3 service of the tests has room for the buckets of a whole run."""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest

from tests.support.s3 import MAX_VOLUMES, S3Service


@pytest.mark.engines
def test_the_service_has_the_room_it_was_given(s3: S3Service) -> None:
    """Its room does not follow from the free space of the disk, so no test fails for being late."""
    with urlopen(f"{s3.master}/dir/status", timeout=10) as answer:
        assert json.load(answer)["Topology"]["Max"] == MAX_VOLUMES
