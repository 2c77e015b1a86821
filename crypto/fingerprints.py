"""Fingerprints that two people read to each other over the phone: 8 groups of 4 digits.

Digits and not letters: they are told apart on a bad line, in French and English alike, and typed
by nobody. 32 of them carry 106 bits; who wants another key to show a given fingerprint has to try
2¹⁰⁶ of them.
"""

from __future__ import annotations

from typing import Final

from crypto.digests import tagged_sha256
from crypto.keys import Recipient, VerifyKey
from crypto.labels import SPOKEN_FINGERPRINT
from crypto.trust import Trust

_GROUPS: Final = 8
_DIGITS: Final = 4


def spoken_fingerprint(recipient: Recipient, key: VerifyKey) -> str:
    """Both public keys of a device as ``1234 5678 …``: exchanging either changes it."""
    return _spoken(tagged_sha256(SPOKEN_FINGERPRINT, [recipient.raw, key.raw]))


def spoken_trust_fingerprint(trust: Trust) -> str:
    """The content of ``trust.json`` as ``1234 5678 …``."""
    return _spoken(trust.fingerprint)


def _spoken(digest: bytes) -> str:
    """The hash, as a number, modulo 10³²: from 256 bits no digit is more likely than another."""
    digits = f"{int.from_bytes(digest, 'big') % 10 ** (_GROUPS * _DIGITS):032d}"
    return " ".join(digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS))
