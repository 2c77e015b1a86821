"""Properties of key files and paper keys that hold for every input."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto.edge.keyfile import MIN_LOG_N, decode_seed, encode_seed, open_seed, seal_seed
from crypto.errors import CryptoError, MalformedError
from crypto.keys import MasterSeed

SEED = MasterSeed(b"s" * 32)
PASSPHRASE = "une phrase inventée"
KEYFILE = seal_seed(SEED, PASSPHRASE, log_n=MIN_LOG_N, entropy=lambda size: bytes(range(size)))
LOG_N = KEYFILE.index(b" 10\n") + 1


@given(st.integers(0, 8 * len(KEYFILE) - 1))
@settings(max_examples=200, deadline=None)
def test_any_flipped_bit_of_a_key_file_is_refused(bit: int) -> None:
    """A spoilt key file gives no key, never another one."""
    assume(bit // 8 not in {LOG_N, LOG_N + 1})  # a work factor of 18 takes a second; tried below
    altered = bytearray(KEYFILE)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CryptoError):
        open_seed(bytes(altered), PASSPHRASE)


@pytest.mark.parametrize("log_n", [b"11", b"12", b"14", b"30", b"50", b"90", b"1\xb0", b"q0"])
def test_another_work_factor_is_refused(log_n: bytes) -> None:
    """The work factor is authenticated, and a huge one is refused before it costs anything."""
    with pytest.raises(CryptoError):
        open_seed(KEYFILE[:LOG_N] + log_n + KEYFILE[LOG_N + 2 :], PASSPHRASE)


@given(st.binary(min_size=32, max_size=32))
def test_paper_round_trips(raw: bytes) -> None:
    """Every seed is read back from its paper, in either case and with any spaces."""
    seed = MasterSeed(raw)
    text = encode_seed(seed)
    spaced = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
    assert decode_seed(text) == decode_seed(text.lower()) == decode_seed(spaced + "\n") == seed


@given(
    st.integers(0, len(encode_seed(SEED)) - 1), st.sampled_from("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")
)
def test_a_slip_of_the_pen_is_found(at: int, letter: str) -> None:
    """One wrong letter anywhere gives no key, and the error quotes nothing."""
    text = encode_seed(SEED)
    wrong = text[:at] + letter + text[at + 1 :]
    assume(wrong != text)
    with pytest.raises(MalformedError) as caught:
        decode_seed(wrong)
    assert wrong[20:30] not in str(caught.value)


@given(st.integers(0, len(encode_seed(SEED)) - 2))
def test_exchanged_letters_are_found(at: int) -> None:
    """Two neighbouring letters exchanged give no key."""
    text = encode_seed(SEED)
    wrong = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assume(wrong != text)
    with pytest.raises(MalformedError):
        decode_seed(wrong)
