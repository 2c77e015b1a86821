"""The key file and the recovery kit."""

from __future__ import annotations

import os
import unicodedata

import pyrage
import pytest

from crypto.age.encrypt import encrypt_with_passphrase
from crypto.age.identities import Passphrase, parse_identity
from crypto.edge.identity import Identity
from crypto.edge.keyfile import (
    MAX_KEYFILE_BYTES,
    decode_seed,
    encode_seed,
    export_age,
    open_seed,
    seal_seed,
)
from crypto.errors import (
    BrokenCiphertextError,
    CryptoError,
    MalformedError,
    NotForThisKeyError,
)
from crypto.keys import MasterSeed

SEED = MasterSeed(bytes(range(32)))
TEXT = "DOSSIER-SEED-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0S25WFU0"


def test_round_trip() -> None:
    """A key file opens with its passphrase, and two of them share nothing."""
    first, second = (seal_seed(SEED, "été à Nanterre", log_n=10, entropy=os.urandom) for _ in "ab")
    assert open_seed(first, "été à Nanterre") == SEED
    assert first[-60:] != second[-60:]
    assert SEED.reveal() not in first


def test_a_wrong_passphrase_says_so() -> None:
    """A wrong passphrase is told apart from a damaged file, and repeats nothing."""
    data = seal_seed(SEED, "sésame", log_n=10, entropy=os.urandom)
    with pytest.raises(NotForThisKeyError, match="phrase de passe") as caught:
        open_seed(data, "sesame-ouvre-toi")
    assert "sesame" not in str(caught.value)
    with pytest.raises(BrokenCiphertextError):
        open_seed(data[:-1], "sésame")
    with pytest.raises(MalformedError):
        open_seed(b"x" + data, "sésame")


def test_accents_compose_alike_everywhere() -> None:
    """A passphrase typed with composed or with separate accents is the same passphrase."""
    data = seal_seed(SEED, unicodedata.normalize("NFD", "élève"), log_n=10, entropy=os.urandom)
    assert open_seed(data, unicodedata.normalize("NFC", "élève")) == SEED


def test_any_age_tool_opens_a_key_file() -> None:
    """Another implementation reads the seed's text from the key file."""
    data = seal_seed(SEED, "sésame", log_n=10, entropy=os.urandom)
    assert pyrage.passphrase.decrypt(data, "sésame") == TEXT.encode() + b"\n"


@pytest.mark.parametrize("log_n", [-1, 0, 9, 21])
def test_the_work_factor_is_bounded(log_n: int) -> None:
    """Neither a worthless nor an unbearable work factor is accepted."""
    with pytest.raises(MalformedError):
        seal_seed(SEED, "sésame", log_n=log_n, entropy=os.urandom)


def test_an_empty_passphrase_is_refused() -> None:
    """No key file is written without a passphrase."""
    with pytest.raises(MalformedError):
        seal_seed(SEED, "", log_n=10, entropy=os.urandom)


@pytest.mark.parametrize("content", [b"", b"\xff", b"AGE-SECRET-KEY-1", TEXT.encode()[:-1]])
def test_another_content_is_refused(content: bytes) -> None:
    """A file that opens but holds no seed is not a key file."""
    data = encrypt_with_passphrase(content, Passphrase("x"), os.urandom, log_n=10)
    with pytest.raises(MalformedError):
        open_seed(data, "x")


def test_a_huge_file_is_not_even_tried() -> None:
    """A file that is far too long is refused before any work."""
    with pytest.raises(MalformedError, match="trop long"):
        open_seed(bytes(MAX_KEYFILE_BYTES + 1), "x")


def test_recovery_text() -> None:
    """The printed seed is pinned, and comes back however it was typed."""
    assert encode_seed(SEED) == TEXT
    typed = " ".join(TEXT[at : at + 4] for at in range(0, len(TEXT), 4)) + "\n"
    for text in (TEXT, TEXT.lower(), typed, typed.lower()):
        assert decode_seed(text) == SEED


@pytest.mark.parametrize(
    "text", ["", TEXT[:-1], TEXT[:-1] + "Q", TEXT.replace("D", "d", 1), "AGE-SECRET-KEY-1", "é"]
)
def test_a_damaged_recovery_text_is_refused_without_echo(text: str) -> None:
    """A slip is found, and the error does not repeat what was typed."""
    with pytest.raises(CryptoError) as caught:
        decode_seed(text)
    assert "QQQSYQ" not in f"{caught.value}{caught.value.params}"


def test_export_for_other_tools() -> None:
    """The exported identity is the one that opens what is sealed to this device."""
    assert parse_identity(export_age(SEED)) == Identity.from_seed(SEED).age_identity
