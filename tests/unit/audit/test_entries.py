"""Leaves and commitments: what the public log shows, and what opens it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from audit.entries import check_disclosure, commitment, leaf_bytes, new_entry, parse_leaf
from audit.errors import LogFormatError, LogVerificationError
from audit.events import EventDetails, EventType
from audit.ports import Disclosure
from crypto.labels import EVENT_COMMITMENT
from tests.support.log_world import ORIGIN, CountedEntropy

DETAILS = EventDetails(
    type=EventType.DEPOSIT_COMMITTED,
    at=datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC),
    cites={"manifest": "ab" * 32},
    facts={"deposit": "abcdefghijklmnopqrstuvwxyz"[:26]},
)
LEAF = b'{"v":1,"day":"2026-11-24","commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}'


def test_a_leaf_has_one_form() -> None:
    """A leaf is these 86 bytes, and comes back as day and commitment."""
    assert leaf_bytes(date(2026, 11, 24), bytes(32)) == LEAF
    parsed = parse_leaf(LEAF)
    assert (parsed.day, parsed.commitment) == (date(2026, 11, 24), bytes(32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        LEAF + b" ",
        LEAF.replace(b":1", b": 1"),
        LEAF.replace(b"1,", b"2,"),
        LEAF.replace(b'"v":1,', b""),
        LEAF.replace(b"11-24", b"11-31"),
        LEAF.replace(b"-11-", b"11"),
        LEAF.replace(b"AAA=", b"AA=="),
        LEAF.replace(b"AAA=", b"AAB="),
        LEAF.replace(b"}", b',"name":"x"}'),
        LEAF.replace(b'"v":1', b'"v":1,"v":1'),
        LEAF.replace(b"1,", b"1" + b" " * 300 + b","),
        b'{"day":"2026-11-24",' + LEAF.replace(b'"day":"2026-11-24",', b"")[1:],
    ],
)
def test_other_leaves_are_refused(data: bytes) -> None:
    """No second spelling, no further field: nothing can hide in an entry."""
    with pytest.raises(LogFormatError):
        parse_leaf(data)


def test_the_commitment_is_the_documented_one() -> None:
    """HMAC-SHA256 keyed with the opening, over label, origin and details, each after its length."""
    opening, details = b"k" * 32, b"details"
    framed = b"".join(
        len(part).to_bytes(4, "big") + part for part in (EVENT_COMMITMENT, ORIGIN.encode(), details)
    )
    assert commitment(opening, ORIGIN, details) == hmac.digest(opening, framed, hashlib.sha256)
    for length in (0, 31, 33, 64):
        with pytest.raises(LogFormatError):
            commitment(b"k" * length, ORIGIN, details)


def test_parts_of_a_commitment_cannot_trade_places() -> None:
    """Moving a byte from origin to details gives another commitment."""
    opening = bytes(32)
    assert commitment(opening, "ab", b"c") != commitment(opening, "a", b"bc")


def test_an_entry_opens_to_its_details_alone() -> None:
    """The stored opening and details open the leaf; changed ones, or another log's, do not."""
    entry = new_entry(DETAILS, ORIGIN, CountedEntropy())
    good = Disclosure(4, entry.details, entry.opening)
    assert check_disclosure(entry.leaf, ORIGIN, good) == DETAILS
    later = DETAILS.model_copy(update={"at": datetime(2026, 11, 24, 0, 0, tzinfo=UTC)})
    for leaf, origin, disclosure in (
        (entry.leaf, "other.example/log", good),
        (entry.leaf, ORIGIN, replace(good, opening=bytes(32))),
        (entry.leaf, ORIGIN, replace(good, details=later.to_bytes())),
        (entry.leaf, ORIGIN, replace(good, details=entry.details.replace(b",", b", ", 1))),
        (leaf_bytes(date(2026, 11, 25), parse_leaf(entry.leaf).commitment), ORIGIN, good),
    ):
        with pytest.raises(LogVerificationError):
            check_disclosure(leaf, origin, disclosure)


def test_two_equal_events_have_unlike_leaves() -> None:
    """Fresh openings make equal events unlinkable in the public log."""
    entropy = CountedEntropy()
    assert new_entry(DETAILS, ORIGIN, entropy).leaf != new_entry(DETAILS, ORIGIN, entropy).leaf


def test_no_detail_shows_in_a_leaf() -> None:
    """A leaf contains nothing of the details but the day."""
    entry = new_entry(DETAILS, ORIGIN, CountedEntropy())
    for word in (b"deposit", b"23:59", b"abab", DETAILS.type.encode()):
        assert word in entry.details
        assert word not in entry.leaf


def test_details_too_long_to_store_are_refused() -> None:
    """Details have a limit, so that a flood of facts cannot fill the receipts."""
    facts = {f"k{index}": "x" * 2_000 for index in range(9)}
    with pytest.raises(LogFormatError):
        new_entry(DETAILS.model_copy(update={"facts": facts}), ORIGIN, CountedEntropy())
