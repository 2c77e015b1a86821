"""Every domain label of this product, in one place, so that no two uses of a key or hash collide.

A label never changes its meaning; a new meaning takes a new label.
"""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "dossier-exchange/v1/"

FILE_KEY_COMMITMENT: Final = f"{_PREFIX}file-key-commitment".encode()
"""HKDF info of the commitment to a deposit's file key (DESIGN, section 4)."""

IDENTITY_AGE: Final = f"{_PREFIX}identity-age".encode()
"""HKDF info: master seed to the age post-quantum identity."""

IDENTITY_SIGNING: Final = f"{_PREFIX}identity-signing".encode()
"""HKDF info: master seed to the Ed25519 signing key."""

KEY_FINGERPRINT: Final = f"{_PREFIX}key-fingerprint".encode()
"""Tagged hash of one Ed25519 public key."""

SPOKEN_FINGERPRINT: Final = f"{_PREFIX}spoken-fingerprint".encode()
"""Tagged hash of a device's two public keys, read out over the phone."""

TRUST_FINGERPRINT: Final = f"{_PREFIX}trust-fingerprint".encode()
"""Tagged hash of trust.json, read out over the phone."""

REVOKED_LIST: Final = f"{_PREFIX}revoked-list".encode()
"""Tagged hash of the sorted list of revoked certificates in a broker's status."""

EVENT_COMMITMENT: Final = f"{_PREFIX}event-commitment".encode()
"""HMAC label of an audit entry's commitment to its details."""

AGENDA_ITEM: Final = f"{_PREFIX}agenda-item".encode()
"""HMAC label of an agenda's commitment to one of its items."""

THROTTLED_ADDRESS: Final = f"{_PREFIX}throttled-address".encode()
"""HMAC label: cookie secret to the key under which network addresses are counted."""

STATEMENT_TYPE_PREFIX: Final = "application/vnd.dossier-exchange."
STATEMENT_TYPE_SUFFIX: Final = ".v1+json"

ALL_LABELS: Final = (
    FILE_KEY_COMMITMENT,
    IDENTITY_AGE,
    IDENTITY_SIGNING,
    KEY_FINGERPRINT,
    SPOKEN_FINGERPRINT,
    TRUST_FINGERPRINT,
    REVOKED_LIST,
    EVENT_COMMITMENT,
    AGENDA_ITEM,
    THROTTLED_ADDRESS,
)
