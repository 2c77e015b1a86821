"""The few primitives of age, each with its label: the only HKDF, HMAC and HPKE settings here."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.keys import FileKey

HEADER_MAC_LABEL: Final = b"header"
PAYLOAD_KEY_LABEL: Final = b"payload"
X25519_LABEL: Final = b"age-encryption.org/v1/X25519"
SCRYPT_LABEL: Final = b"age-encryption.org/v1/scrypt"
HYBRID_LABEL: Final = b"age-encryption.org/mlkem768x25519"

WRAP_NONCE: Final = bytes(12)
"""All zero, and safe: each wrap key is derived from a fresh share or salt and seals once."""

SCRYPT_R: Final = 8
SCRYPT_P: Final = 1


def hkdf_sha256(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """RFC 5869 with SHA-256."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def header_mac(file_key: FileKey, covered: bytes) -> bytes:
    """The 32-byte MAC over a header up to and including ``---``."""
    mac_key = hkdf_sha256(file_key.reveal(), salt=b"", info=HEADER_MAC_LABEL)
    return hmac.digest(mac_key, covered, hashlib.sha256)


def payload_key(file_key: FileKey, nonce: bytes) -> bytes:
    """The 32-byte ChaCha20-Poly1305 key of a payload."""
    return hkdf_sha256(file_key.reveal(), salt=nonce, info=PAYLOAD_KEY_LABEL)


def scrypt_wrap_key(passphrase: bytes, salt: bytes, log_n: int) -> bytes:
    """The 32-byte wrap key of a passphrase; takes 128·8·2^log_n bytes of memory."""
    memory = 128 * SCRYPT_R * (2**log_n + SCRYPT_P + 1)
    return hashlib.scrypt(
        passphrase,
        salt=SCRYPT_LABEL + salt,
        n=2**log_n,
        r=SCRYPT_R,
        p=SCRYPT_P,
        maxmem=memory + 1024 * 1024,
        dklen=32,
    )


def hybrid_suite() -> hpke.Suite:
    """HPKE as age uses it: KEM 0x647a, KDF 0x0001, AEAD 0x0003, base mode, one message."""
    return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
