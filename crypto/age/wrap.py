"""Sealing a file key to recipients: the stanzas, and the header made of them.

The service's own clients issue ``mlkem768x25519`` stanzas only. A file key goes into one payload
only; a further header of the same file key (late grant) belongs to that same payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.header import Header, Stanza, covered_bytes
from crypto.age.identities import Passphrase
from crypto.age.primitives import (
    HYBRID_LABEL,
    WRAP_NONCE,
    X25519_LABEL,
    header_mac,
    hkdf_sha256,
    hybrid_suite,
    scrypt_wrap_key,
)
from crypto.age.recipients import AnyRecipient, X25519Recipient, hybrid_public_key
from crypto.encoding import encode_raw_base64
from crypto.errors import MalformedError
from crypto.keys import Entropy, FileKey, Recipient

HYBRID_KIND: Final = "mlkem768x25519"
X25519_KIND: Final = "X25519"
SCRYPT_KIND: Final = "scrypt"

ENCAPSULATION_BYTES: Final = 1120
"""ML-KEM-768 ciphertext (1,088) and X25519 share (32)."""

WRAPPED_KEY_BYTES: Final = FileKey.LENGTH + 16
"""A stanza's body: file key and tag. Exact, so that no body opens under two keys to two lengths."""

SCRYPT_SALT_BYTES: Final = 16

DEFAULT_LOG_N: Final = 18
"""scrypt work factor: 256 MiB and about a second, the default of age itself."""


def make_header(file_key: FileKey, recipient: AnyRecipient, entropy: Entropy) -> bytes:
    """A complete header with one stanza; raises MalformedError when the recipient is no key.

    For a hybrid recipient the encapsulation's randomness is drawn by the cryptographic library
    from the system, not from ``entropy``: its interface takes none.
    """
    return _finish(file_key, (_stanza(file_key, recipient, entropy),))


def make_header_for_all(
    file_key: FileKey, recipients: Sequence[AnyRecipient], entropy: Entropy
) -> bytes:
    """A header with a stanza for each recipient, all of one kind; raises MalformedError.

    One classic recipient would take the post-quantum secrecy from the whole file (C2SP age.md
    advises against mixing); it is refused here, as age does.
    """
    if not recipients:
        raise MalformedError("Il faut au moins un destinataire.")
    if len({type(recipient) for recipient in recipients}) != 1:
        raise MalformedError(
            "Des destinataires post-quantiques (age1pq1…) et classiques (age1…) ne se mélangent "
            "pas : un seul classique ôterait à tous la protection post-quantique."
        )
    return _finish(file_key, tuple(_stanza(file_key, each, entropy) for each in recipients))


def make_passphrase_header(
    file_key: FileKey, passphrase: Passphrase, entropy: Entropy, *, log_n: int = DEFAULT_LOG_N
) -> bytes:
    """A header with the one scrypt stanza that the format allows."""
    salt = entropy(SCRYPT_SALT_BYTES)
    wrap_key = scrypt_wrap_key(passphrase.reveal(), salt, log_n)
    body = ChaCha20Poly1305(wrap_key).encrypt(WRAP_NONCE, file_key.reveal(), None)
    stanza = Stanza(SCRYPT_KIND, (encode_raw_base64(salt), str(log_n)), body)
    return _finish(file_key, (stanza,))


def _finish(file_key: FileKey, stanzas: tuple[Stanza, ...]) -> bytes:
    return Header(stanzas, header_mac(file_key, covered_bytes(stanzas))).to_bytes()


def _stanza(file_key: FileKey, recipient: AnyRecipient, entropy: Entropy) -> Stanza:
    if isinstance(recipient, Recipient):
        return _hybrid(file_key, recipient)
    return _x25519(file_key, recipient, entropy)


def _hybrid(file_key: FileKey, recipient: Recipient) -> Stanza:
    key = hybrid_public_key(recipient)
    try:
        sealed = hybrid_suite().encrypt(file_key.reveal(), key, HYBRID_LABEL)
    except ValueError as error:  # an X25519 half of small order
        raise MalformedError("Cette clé de destinataire ne peut rien recevoir.") from error
    assert len(sealed) == ENCAPSULATION_BYTES + WRAPPED_KEY_BYTES
    share, body = sealed[:ENCAPSULATION_BYTES], sealed[ENCAPSULATION_BYTES:]
    return Stanza(HYBRID_KIND, (encode_raw_base64(share),), body)


def _x25519(file_key: FileKey, recipient: X25519Recipient, entropy: Entropy) -> Stanza:
    ephemeral = x25519.X25519PrivateKey.from_private_bytes(entropy(32))
    share = ephemeral.public_key().public_bytes_raw()
    try:
        shared = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(recipient.raw))
    except ValueError as error:  # RFC 7748 section 6.1: all-zero shared secret
        raise MalformedError("Cette clé de destinataire ne peut rien recevoir.") from error
    wrap_key = hkdf_sha256(shared, salt=share + recipient.raw, info=X25519_LABEL)
    body = ChaCha20Poly1305(wrap_key).encrypt(WRAP_NONCE, file_key.reveal(), None)
    return Stanza(X25519_KIND, (encode_raw_base64(share),), body)
