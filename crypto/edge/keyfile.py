"""A master seed at rest and on paper.

At rest: an age file under a passphrase, which any age tool opens to the seed's text. On paper:
Bech32, upper case, so that its checksum finds a slip and a QR code stays small.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from crypto.age import bech32
from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_with_passphrase
from crypto.age.identities import Passphrase, format_identity
from crypto.age.unwrap import MAX_LOG_N
from crypto.age.wrap import DEFAULT_LOG_N
from crypto.edge.identity import Identity
from crypto.errors import MalformedError, NotForThisKeyError
from crypto.keys import Entropy, MasterSeed

MIN_LOG_N: Final = 10
"""Below 1 MiB of memory scrypt is no obstacle; tests use this value."""

MAX_KEYFILE_BYTES: Final = 4_096
"""A key file has about 300 bytes; anything much longer is another file."""

_PREFIX: Final = "dossier-seed-"


def seal_seed(
    seed: MasterSeed, passphrase: str, *, log_n: int = DEFAULT_LOG_N, entropy: Entropy
) -> bytes:
    """The key file of ``seed``; ``log_n`` is scrypt's work factor (18: 256 MiB, a second)."""
    if not MIN_LOG_N <= log_n <= MAX_LOG_N:
        raise MalformedError(
            "Le facteur de travail va de {least} à {most}.", least=MIN_LOG_N, most=MAX_LOG_N
        )
    text = encode_seed(seed) + "\n"
    return encrypt_with_passphrase(text.encode(), _passphrase(passphrase), entropy, log_n=log_n)


def open_seed(data: bytes, passphrase: str) -> MasterSeed:
    """The seed of a key file.

    Raises NotForThisKeyError for a wrong passphrase, MalformedError or BrokenCiphertextError for a
    damaged file.
    """
    if len(data) > MAX_KEYFILE_BYTES:
        raise MalformedError("Ce fichier n'est pas un fichier de clé : il est trop long.")
    try:
        text = decrypt_with(data, _passphrase(passphrase))
    except NotForThisKeyError as error:
        raise NotForThisKeyError("La phrase de passe n'ouvre pas ce fichier de clé.") from error
    try:
        return decode_seed(text.decode("ascii"))
    except UnicodeDecodeError as error:
        raise MalformedError("Ce fichier ne contient pas de clé de ce logiciel.") from error


def encode_seed(seed: MasterSeed) -> str:
    """``DOSSIER-SEED-1…``: the seed itself, for the printed recovery kit."""
    return bech32.encode(_PREFIX, seed.reveal()).upper()


def decode_seed(text: str) -> MasterSeed:
    """The inverse of :func:`encode_seed`; raises MalformedError, which never quotes it.

    Typed from paper, so white space and a consistent lower case are forgiven.
    """
    prefix, raw = bech32.decode("".join(text.split()))
    if prefix != _PREFIX or len(raw) != MasterSeed.LENGTH:
        raise MalformedError("Ce texte n'est pas une clé de secours (DOSSIER-SEED-1…).")
    return MasterSeed(raw)


def export_age(seed: MasterSeed) -> str:
    """The age identity of ``seed`` as ``AGE-SECRET-KEY-PQ-1…``, for other age tools."""
    return format_identity(Identity.from_seed(seed).age_identity)


def _passphrase(text: str) -> Passphrase:
    """In Unicode form C: keyboards of different systems compose accents differently."""
    return Passphrase(unicodedata.normalize("NFC", text))
