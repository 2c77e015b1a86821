"""Documents claim only what the code says: names, labels and numbers are compared with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit.events import EventType
from crypto import labels
from crypto.statements import STATEMENT_TYPES
from exchange.cli.main import COMMANDS
from exchange.usecases.service import PART_BYTES
from storage.database import engine
from storage.database.group_commit import MAX_SECONDS, MAX_UNITS
from storage.database.statements import PARSED_AT_ONCE

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("event", list(EventType), ids=lambda event: event.value)
def test_every_event_is_documented(event: EventType) -> None:
    """The protocol's table of events names each event of the code."""
    assert f"`{event.value}`" in PROTOCOL


def test_no_event_is_invented() -> None:
    """Each event named in the table exists."""
    table = PROTOCOL.split("## Events")[1].split("## HTTP")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z]+)`", table))
    assert named == {event.value for event in EventType}


def test_signers_table_names_known_statements() -> None:
    """The table of signers names statement types that exist."""
    table = PROTOCOL.split("## Who signs what")[1].split("## Events")[0]
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", " ".join(re.findall(r"\| ([^|]+) \|\n", table))))
    known = {kind.TYPE for kind in STATEMENT_TYPES.values()}
    assert len(words & known) >= 25


def test_labels_and_sizes_are_those_of_the_code() -> None:
    """The labels, the media type and the part size of the protocol page are the code's."""
    assert labels.FILE_KEY_COMMITMENT.decode() in PROTOCOL
    assert labels.KEY_FINGERPRINT.decode() in PROTOCOL
    assert f"parts of {PART_BYTES // 2**20} MiB" in PROTOCOL
    assert f"{labels.STATEMENT_TYPE_PREFIX}<type>{labels.STATEMENT_TYPE_SUFFIX}" in PROTOCOL


SAID = (
    ("installation.md", f"garde {engine.POOL_SIZE} connexions à la base"),
    ("installation.md", f"en ouvre jusqu'à {engine.POOL_SIZE + engine.POOL_OVERFLOW}"),
    ("installation.md", f"interrompue après {engine.STATEMENT_TIMEOUT_MS // 1_000} s"),
    ("installation.md", f"verrou après {engine.BUSY_TIMEOUT_MS // 1_000} s"),
    ("threat-model.md", f"last {PARSED_AT_ONCE} statements that it read"),
    ("decisions/0030-few-questions.md", "after a second of rest"),
    (
        "decisions/0020-shared-commits.md",
        f"after {MAX_SECONDS * 1_000:.0f} ms or {MAX_UNITS} units",
    ),
)


@pytest.mark.parametrize(("page", "sentence"), SAID, ids=[sentence for _, sentence in SAID])
def test_limits_are_those_of_the_code(page: str, sentence: str) -> None:
    """What the pages say of pools, waits and memory is what the code's constants say."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert sentence in " ".join(text.split())
    assert engine.POOL_TRUST_S == 1


def test_guide_names_existing_commands() -> None:
    """Each `dossier …` command of the guide exists."""
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    named = re.findall(r"`dossier ([a-z]+)", guide)
    assert len(named) > 10
    assert set(named) <= set(COMMANDS)
