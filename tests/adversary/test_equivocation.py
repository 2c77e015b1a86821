"""One payload, two dossiers: a dishonest depositor against the key commitment.

The payload of ``tests.support.two_faced`` opens under two file keys. With a detached header for each
member nothing in age itself would notice; the signed commitment does.
"""

from __future__ import annotations

import io
import os

import pyrage
import pytest

from crypto.age.identities import format_identity, recipient_of, x25519_recipient_of
from crypto.age.streams import read_exactly
from crypto.age.wrap import make_header
from crypto.edge.seal import commitment, header_for
from crypto.edge.unseal import check_commitment, open_payload, unwrap_header
from crypto.errors import BrokenCiphertextError
from crypto.keys import FileKey, HybridIdentity, X25519Identity
from tests.support.two_faced import FOR_A, FOR_B, KEY_A, KEY_B, NONCE, PAYLOAD

MEMBER_A, MEMBER_B = HybridIdentity(b"a" * 32), HybridIdentity(b"b" * 32)


def opened(key: FileKey) -> bytes:
    return read_exactly(open_payload(key, io.BytesIO(PAYLOAD)), len(PAYLOAD))


def test_the_attack_is_real() -> None:
    """The same payload opens, authentic, to two different texts under two keys."""
    assert FOR_A in opened(KEY_A)
    assert FOR_B[:31] in opened(KEY_B)
    assert FOR_B[:20] not in opened(KEY_A)


def test_another_implementation_falls_for_it() -> None:
    """Nothing in the age format itself notices: another implementation opens both files."""
    for key, text, seed in ((KEY_A, FOR_A, b"c"), (KEY_B, FOR_B[:31], b"d")):
        identity = X25519Identity(seed * 32)
        header = make_header(key, x25519_recipient_of(identity), os.urandom)
        theirs = pyrage.x25519.Identity.from_str(format_identity(identity))
        assert text in pyrage.decrypt(header + PAYLOAD, [theirs])


def test_the_commitment_ends_it() -> None:
    """Whichever key the manifest commits to, the member given the other one refuses."""
    headers = {
        b"a": header_for(KEY_A, recipient_of(MEMBER_A), os.urandom),
        b"b": header_for(KEY_B, recipient_of(MEMBER_B), os.urandom),
    }
    key_a = unwrap_header(headers[b"a"], MEMBER_A)
    key_b = unwrap_header(headers[b"b"], MEMBER_B)
    signed = commitment(KEY_A, NONCE)
    check_commitment(key_a, PAYLOAD[:16], signed)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(key_b, PAYLOAD[:16], signed)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(key_a, PAYLOAD[:16], commitment(KEY_B, NONCE))


def test_the_commitment_is_bound_to_the_payload() -> None:
    """A commitment made for another payload of the same key does not count for this one."""
    with pytest.raises(BrokenCiphertextError):
        check_commitment(KEY_A, PAYLOAD[:16], commitment(KEY_A, bytes(16)))
