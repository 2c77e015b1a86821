"""Opening a file key from a header. Forbidden to the service by import contract.

"Not for this key" and "broken" stay apart: the first lets the next key try, the second stops.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.errors import HeaderError, HeaderMacError
from crypto.age.header import Header, Stanza
from crypto.age.identities import AnyIdentity, Passphrase, hybrid_private_key, x25519_recipient_of
from crypto.age.primitives import (
    HYBRID_LABEL,
    WRAP_NONCE,
    X25519_LABEL,
    header_mac,
    hkdf_sha256,
    hybrid_suite,
    scrypt_wrap_key,
)
from crypto.age.recipients import is_low_order
from crypto.age.wrap import (
    ENCAPSULATION_BYTES,
    HYBRID_KIND,
    SCRYPT_KIND,
    SCRYPT_SALT_BYTES,
    WRAPPED_KEY_BYTES,
    X25519_KIND,
)
from crypto.encoding import decode_raw_base64
from crypto.errors import MalformedError, NotForThisKeyError
from crypto.keys import FileKey, HybridIdentity, X25519Identity

MAX_LOG_N: Final = 20
"""The largest scrypt work factor accepted: 1 GiB of memory. A hostile file asks for more."""

_LOG_N: Final = re.compile(r"[1-9][0-9]?")

Opener = Callable[[Stanza], FileKey | None]
"""Opens one stanza, or returns None when it is for another key."""


def unwrap_file_key(header: Header, identities: Sequence[AnyIdentity]) -> FileKey:
    """The file key of ``header``, its MAC checked.

    Raises HeaderError (not of the format), NotForThisKeyError (no stanza for these identities),
    HeaderMacError (altered).
    """
    _check_scrypt_alone(header)
    for identity in identities:
        opener = _opener(identity)
        for stanza in header.stanzas:
            file_key = opener(stanza)
            if file_key is not None:
                _check_mac(header, file_key)
                return file_key
    raise NotForThisKeyError(
        "Ce fichier n'est pas chiffré pour cette clé : vérifiez que vous employez la bonne clé."
    )


def _check_mac(header: Header, file_key: FileKey) -> None:
    if not hmac.compare_digest(header_mac(file_key, header.covered()), header.mac):
        raise HeaderMacError("L'en-tête de ce fichier a été modifié : demandez-en un autre.")


def _check_scrypt_alone(header: Header) -> None:
    """A passphrase stanza authenticates the sender only when nobody else can open the file."""
    if len(header.stanzas) > 1 and any(each.kind == SCRYPT_KIND for each in header.stanzas):
        raise HeaderError("Un fichier à phrase de passe ne peut avoir d'autre destinataire.")


def _opener(identity: AnyIdentity) -> Opener:
    if isinstance(identity, HybridIdentity):
        return _hybrid_opener(identity)
    if isinstance(identity, X25519Identity):
        return _x25519_opener(identity)
    return _passphrase_opener(identity)


def _hybrid_opener(identity: HybridIdentity) -> Opener:
    private_key = hybrid_private_key(identity)

    def open_stanza(stanza: Stanza) -> FileKey | None:
        if stanza.kind != HYBRID_KIND:
            return None
        (share,) = _arguments(stanza, 1)
        encapsulation = _exact(share, ENCAPSULATION_BYTES)
        _check_body(stanza)
        try:
            sealed = encapsulation + stanza.body
            return FileKey(hybrid_suite().decrypt(sealed, private_key, HYBRID_LABEL))
        except InvalidTag as error:
            # The library reports a small-order share as a wrong key; age calls the header malformed.
            if is_low_order(encapsulation[-32:]):
                raise HeaderError("Une clé éphémère de l'en-tête est d'ordre petit.") from error
            return None

    return open_stanza


def _x25519_opener(identity: X25519Identity) -> Opener:
    private_key = x25519.X25519PrivateKey.from_private_bytes(identity.reveal())
    public = x25519_recipient_of(identity).raw

    def open_stanza(stanza: Stanza) -> FileKey | None:
        if stanza.kind != X25519_KIND:
            return None
        (argument,) = _arguments(stanza, 1)
        share = _exact(argument, 32)
        _check_body(stanza)
        try:
            shared = private_key.exchange(x25519.X25519PublicKey.from_public_bytes(share))
        except ValueError as error:
            raise HeaderError("Une clé éphémère de l'en-tête est d'ordre petit.") from error
        return _open_body(hkdf_sha256(shared, salt=share + public, info=X25519_LABEL), stanza)

    return open_stanza


def _passphrase_opener(passphrase: Passphrase) -> Opener:
    def open_stanza(stanza: Stanza) -> FileKey | None:
        if stanza.kind != SCRYPT_KIND:
            return None
        salt_text, log_n_text = _arguments(stanza, 2)
        salt = _exact(salt_text, SCRYPT_SALT_BYTES)
        _check_body(stanza)
        log_n = int(log_n_text) if _LOG_N.fullmatch(log_n_text) else MAX_LOG_N + 1
        if log_n > MAX_LOG_N:
            raise HeaderError("Le facteur de travail scrypt de ce fichier n'est pas acceptable.")
        return _open_body(scrypt_wrap_key(passphrase.reveal(), salt, log_n), stanza)

    return open_stanza


def _open_body(wrap_key: bytes, stanza: Stanza) -> FileKey | None:
    try:
        return FileKey(ChaCha20Poly1305(wrap_key).decrypt(WRAP_NONCE, stanza.body, None))
    except InvalidTag:
        return None


def _arguments(stanza: Stanza, count: int) -> tuple[str, ...]:
    if len(stanza.arguments) != count:
        raise HeaderError("Un destinataire de l'en-tête est mal décrit.")
    return stanza.arguments


def _exact(argument: str, length: int) -> bytes:
    try:
        data = decode_raw_base64(argument)
    except MalformedError as error:
        raise HeaderError("Un destinataire de l'en-tête est mal décrit.") from error
    if len(data) != length:
        raise HeaderError("Un destinataire de l'en-tête est mal décrit.")
    return data


def _check_body(stanza: Stanza) -> None:
    """Before any decryption: an exact length leaves no room for a body that fits several keys."""
    if len(stanza.body) != WRAPPED_KEY_BYTES:
        raise HeaderError("Un destinataire de l'en-tête est mal décrit.")
