"""What the service checks without keys."""

from __future__ import annotations

import os

import pytest

from crypto.age.encrypt import encrypt_to
from crypto.age.header import Header, Stanza, parse_header
from crypto.age.identities import recipient_of, x25519_recipient_of
from crypto.age.wrap import make_header
from crypto.edge.seal import envelope_for, header_for
from crypto.envelope import ENVELOPE_BYTES, HEADER_BYTES, check_envelope, check_header
from crypto.errors import MalformedError
from crypto.keys import FileKey, HybridIdentity, X25519Identity

KEY = FileKey(b"k" * 16)
MEMBER = recipient_of(HybridIdentity(b"m" * 32))
HEADER = header_for(KEY, MEMBER, os.urandom)
ENVELOPE = envelope_for(HEADER, recipient_of(HybridIdentity(b"r" * 32)), os.urandom)


def test_sizes() -> None:
    """The constants are the sizes that are made."""
    assert len(HEADER) == HEADER_BYTES == 1627
    assert len(ENVELOPE) == ENVELOPE_BYTES == 3286


def test_honest_ones_pass() -> None:
    """What our clients make is accepted."""
    check_header(HEADER)
    check_envelope(ENVELOPE)


def test_other_lengths_are_refused() -> None:
    """One byte more or less is refused, and so is nothing."""
    for data in (b"", HEADER[:-1], HEADER + b"\n"):
        with pytest.raises(MalformedError):
            check_header(data)
    for data in (b"", ENVELOPE[:-1], ENVELOPE + b"\0", HEADER):
        with pytest.raises(MalformedError):
            check_envelope(data)


def test_random_bytes_of_the_right_length_are_refused() -> None:
    """Length alone is not enough."""
    with pytest.raises(MalformedError):
        check_header(os.urandom(HEADER_BYTES))
    with pytest.raises(MalformedError):
        check_envelope(os.urandom(ENVELOPE_BYTES))


def fitted(stanza: Stanza) -> bytes:
    """A header of this stanza, filled up with a grease stanza to the exact length."""
    bare = len(Header((stanza,), bytes(32)).to_bytes())
    grease = Stanza("x" * (HEADER_BYTES - bare - len("-> \n\n")), (), b"")
    return Header((stanza, grease), bytes(32)).to_bytes()


def test_a_classic_recipient_in_disguise_is_refused() -> None:
    """An X25519 header, or two stanzas, made up to exactly the right length is refused."""
    classic = x25519_recipient_of(X25519Identity(b"c" * 32))
    stanza = parse_header(make_header(KEY, classic, os.urandom)).stanzas[0]
    assert len(fitted(stanza)) == HEADER_BYTES
    with pytest.raises(MalformedError, match="exactement un"):
        check_header(fitted(stanza))
    alone = Stanza("X25519", ("A" * (HEADER_BYTES - 22 - 10 - 1 - 44 - 48),), bytes(32))
    data = Header((alone,), bytes(32)).to_bytes()
    assert len(data) == HEADER_BYTES
    with pytest.raises(MalformedError, match="post-quantique"):
        check_header(data)
    with pytest.raises(MalformedError, match="post-quantique"):
        check_envelope(data + bytes(ENVELOPE_BYTES - HEADER_BYTES))


def test_shifted_sizes_inside_the_right_length_are_refused() -> None:
    """Share and body of wrong sizes that add up to the right length are refused."""
    stanza = Stanza("mlkem768x25519", ("A" * (1494 + 4),), bytes(29))
    data = Header((stanza,), bytes(32)).to_bytes()
    assert len(data) == HEADER_BYTES
    with pytest.raises(MalformedError):
        check_header(data)


def test_an_envelope_of_another_content_has_another_length() -> None:
    """Nothing but a header's length of content fits."""
    release = recipient_of(HybridIdentity(b"r" * 32))
    with pytest.raises(MalformedError):
        check_envelope(encrypt_to(HEADER + b"x", release, os.urandom))
