"""How the store's own secrets lie on the medium: in clear, or under a key that a passphrase opens.

A broker on its own host is encrypted at rest: ``unlock.age`` holds one random key under the
operator's passphrase (scrypt), and every secret is an age file to that key. Changing the passphrase
then rewrites one file. The in-process default has no one to type a passphrase, and lies in clear in
files of mode 0600.
"""

from __future__ import annotations

import unicodedata
from typing import Final, NoReturn, Protocol

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to, encrypt_with_passphrase
from crypto.age.identities import Passphrase, recipient_of
from crypto.age.wrap import DEFAULT_LOG_N
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import CryptoError, MalformedError, NotForThisKeyError
from crypto.keys import Entropy, HybridIdentity
from exchange.broker.errors import BrokerLockedError, BrokerStoreError

UNLOCK_FILE: Final = "unlock.age"
"""Its presence says that the store is encrypted."""

MIN_PASSPHRASE_CHARS: Final = 16
"""Somebody who steals the disk may guess for as long as they like; a credential is random anyway."""


class Seal(Protocol):
    """Wraps the secrets of one store; the errors are the store's."""

    def wrap(self, secret: bytes) -> bytes:
        """What to write."""

    def unwrap(self, data: bytes) -> bytes:
        """The secret that was written; raises MalformedError, BrokerLockedError."""


class InClear:
    """Base64 on one line: a store that nothing but its file rights protects."""

    def wrap(self, secret: bytes) -> bytes:
        """The line."""
        return encode_base64(secret).encode() + b"\n"

    def unwrap(self, data: bytes) -> bytes:
        """The secret of a line."""
        try:
            return decode_base64(data.decode("ascii").removesuffix("\n"))
        except UnicodeDecodeError as error:
            raise MalformedError("Cette clé n'est pas écrite en base64.") from error


class UnderKey:
    """Under the store's unlocked key, which this object holds in memory until the process ends."""

    def __init__(self, identity: HybridIdentity, entropy: Entropy) -> None:
        self._identity = identity
        self._recipient = recipient_of(identity)
        self._entropy = entropy

    def wrap(self, secret: bytes) -> bytes:
        """An age file to the store's key."""
        return encrypt_to(secret, self._recipient, self._entropy)

    def unwrap(self, data: bytes) -> bytes:
        """The plaintext of such a file."""
        try:
            return decrypt_with(data, self._identity)
        except CryptoError as error:
            raise MalformedError("Cette clé n'est pas sous la clé de ce répertoire.") from error


class Locked:
    """Of an encrypted store before its passphrase."""

    def wrap(self, secret: bytes) -> bytes:
        """Nothing can be written."""
        del secret
        _locked()

    def unwrap(self, data: bytes) -> bytes:
        """Nothing can be read."""
        del data
        _locked()


def new_unlock_file(
    passphrase: str, entropy: Entropy, *, log_n: int = DEFAULT_LOG_N
) -> tuple[bytes, UnderKey]:
    """A fresh key under ``passphrase``: the content of ``unlock.age``, and the open seal."""
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise BrokerStoreError(
            "La phrase de passe du gardien compte au moins {least} caractères : quelques mots tirés "
            "au sort.",
            least=MIN_PASSPHRASE_CHARS,
        )
    identity = HybridIdentity.generate(entropy)
    data = encrypt_with_passphrase(identity.reveal(), _passphrase(passphrase), entropy, log_n=log_n)
    return data, UnderKey(identity, entropy)


def open_unlock_file(data: bytes, passphrase: str, entropy: Entropy) -> UnderKey:
    """Raises BrokerLockedError for a wrong passphrase, BrokerStoreError for a damaged file."""
    try:
        return UnderKey(HybridIdentity(decrypt_with(data, _passphrase(passphrase))), entropy)
    except NotForThisKeyError as error:
        raise BrokerLockedError(
            "Cette phrase de passe n'ouvre pas le gardien des clés : vérifiez-la et recommencez."
        ) from error
    except CryptoError as error:
        raise BrokerStoreError(
            "Le fichier « {name} » du gardien des clés est endommagé : suivez la procédure de reprise "
            "du guide d'exploitation.",
            name=UNLOCK_FILE,
        ) from error


def _passphrase(text: str) -> Passphrase:
    """In Unicode form C, as key files do: keyboards compose accents differently."""
    return Passphrase(unicodedata.normalize("NFC", text))


def _locked() -> NoReturn:
    raise BrokerLockedError(
        "Le gardien des clés est verrouillé, comme après chaque démarrage de sa machine : son "
        "exploitant l'ouvre par « dossier broker unlock »."
    )
