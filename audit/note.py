"""Signed notes (C2SP signed-note v1.0.0) and the two key types that this log uses.

Type 0x01 is a log's Ed25519 signature of the note text; type 0x04 is a witness's timestamped
cosignature/v1 (C2SP tlog-cosignature). Lines of unknown keys are ignored, as the specification
demands: only so can a log change keys and gather witnesses that an old reader does not know. A
line of a *known* key that does not verify condemns the whole note.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Final, Protocol

from audit.errors import LogFormatError, LogVerificationError
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import BadSignatureError, MalformedError
from crypto.keys import ServiceSigningSeed, VerifyKey

MAX_NOTE_BYTES: Final = 262_144
"""256 KiB: 48 post-quantum signatures of 5 kB; the specification asks for at least 16."""

MAX_SIGNATURES: Final = 64
"""Four times what every verifier must accept; a longer list only serves to waste our time."""

MAX_TIME: Final = 2**63 - 1
"""Latest POSIX second of a cosignature (tlog-cosignature, "Format")."""

KEPT_VERIFIERS: Final = 128
"""Public keys remembered by their texts: those of a few policies, which every checkpoint asks for."""

_SIGNATURE_PREFIX: Final = "— "
_PRIVATE_PREFIX: Final = "PRIVATE+KEY+"
_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8


class KeyType(IntEnum):
    """The signature type byte (signed-note, "Signature types")."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


@dataclass(frozen=True)
class NoteVerifier:
    """A verifier key: name, type and Ed25519 public key. ``str()`` gives the vkey."""

    name: str
    type: KeyType
    key: VerifyKey

    def __post_init__(self) -> None:
        check_key_name(self.name)

    @classmethod
    def parse(cls, vkey: str) -> NoteVerifier:
        """Read ``name+hexid+base64(type ‖ key)``; raises LogFormatError."""
        return _parsed_verifier(vkey)

    @cached_property
    def key_id(self) -> bytes:
        """4 bytes: SHA-256(name ‖ 0x0A ‖ type ‖ key), cut."""
        material = bytes([self.type]) + self.key.raw
        return hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        material = encode_base64(bytes([self.type]) + self.key.raw)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def check(self, text: bytes, payload: bytes) -> int:
        """The cosignature's POSIX time (0 for a plain signature); raises LogVerificationError."""
        time, message, signature = 0, text, payload
        if self.type is KeyType.COSIGNATURE_V1:
            time = int.from_bytes(payload[:_TIME_BYTES], "big")
            message, signature = cosignature_message(text, time), payload[_TIME_BYTES:]
            if not 0 < time <= MAX_TIME:
                raise LogVerificationError(
                    "La cosignature de « {name} » ne porte pas d'heure acceptable.", name=self.name
                )
        try:
            self.key.check(message, signature)
        except BadSignatureError as error:
            raise LogVerificationError(
                "La signature de « {name} » ne correspond pas au texte : le point de contrôle a "
                "été altéré, n'utilisez pas ce qu'il accompagne.",
                name=self.name,
            ) from error
        return time


@dataclass(frozen=True)
class NoteSignature:
    """One signature line. ``payload`` is what follows the 4-byte key id."""

    name: str
    key_id: bytes
    payload: bytes

    @classmethod
    def parse(cls, line: str) -> NoteSignature:
        """Read one line, without its newline; raises LogFormatError."""
        if not line.startswith(_SIGNATURE_PREFIX):
            raise LogFormatError("Une ligne de signature commence par un tiret cadratin.")
        name, separator, text = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
        check_key_name(name)
        blob = _decode(text)
        if not separator or len(blob) <= _KEY_ID_BYTES:
            raise LogFormatError("Une ligne de signature est trop courte.")
        return cls(name, blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])

    def to_line(self) -> str:
        """The line with its newline."""
        blob = encode_base64(self.key_id + self.payload)
        return f"{_SIGNATURE_PREFIX}{self.name} {blob}\n"

    def is_by(self, verifier: NoteVerifier) -> bool:
        """Whether name and key id are that key's (both must match)."""
        return self.name == verifier.name and self.key_id == verifier.key_id


@dataclass(frozen=True)
class Note:
    """A text (ending in a newline) and its signatures, none of them verified yet."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note; raises LogFormatError. The text ends at the *last* empty line."""
        if len(data) > MAX_NOTE_BYTES:
            raise LogFormatError("Cette note dépasse {limit} octets.", limit=MAX_NOTE_BYTES)
        _check_characters(data)
        split = data.rfind(b"\n\n")
        if split <= 0 or not data.endswith(b"\n"):
            raise LogFormatError("Cette note n'a pas de signatures.")
        return cls(data[: split + 1], parse_signatures(data[split + 2 :]))

    def to_bytes(self) -> bytes:
        """The note as it is published."""
        lines = "".join(signature.to_line() for signature in self.signatures)
        return self.text + b"\n" + lines.encode()

    def with_signatures(self, added: Iterable[NoteSignature]) -> Note:
        """The same text, with ``added`` in place of earlier lines of the same keys."""
        merged = {(each.name, each.key_id): each for each in self.signatures}
        merged.update({(each.name, each.key_id): each for each in added})
        return Note(self.text, tuple(merged.values()))

    def verify(self, verifiers: Iterable[NoteVerifier]) -> dict[NoteVerifier, int]:
        """Which of ``verifiers`` signed, and when (0: untimed); raises LogVerificationError.

        Every line of a known key must verify, and at least one known key must have signed
        (signed-note, "Signatures"). Two lines of one known key are refused: readers differ in
        which of them they take.
        """
        known = {(each.name, each.key_id): each for each in verifiers}
        times: dict[NoteVerifier, int] = {}
        for signature in self.signatures:
            verifier = known.get((signature.name, signature.key_id))
            if verifier is None:
                continue
            if verifier in times:
                raise LogVerificationError(
                    "La clé « {name} » a signé deux fois ce point de contrôle.", name=verifier.name
                )
            times[verifier] = verifier.check(self.text, signature.payload)
        if not times:
            raise LogVerificationError("Aucune clé connue n'a signé ce point de contrôle.")
        return times


class Signer(Protocol):
    """What signs checkpoints: one key, or several during a change of keys."""

    @property
    def name(self) -> str:
        """The log's origin: the name of every key."""

    def sign(self, text: bytes) -> tuple[NoteSignature, ...]:
        """One signature a key."""


class NoteSigner:
    """One Ed25519 key with its note name. Shows its verifier key, never its seed."""

    def __init__(
        self, name: str, seed: ServiceSigningSeed, kind: KeyType = KeyType.ED25519
    ) -> None:
        self._seed = seed
        self.verifier = NoteVerifier(name, kind, seed.verify_key())

    @classmethod
    def parse(cls, text: str) -> NoteSigner:
        """Read ``PRIVATE+KEY+name+hexid+base64(type ‖ seed)``; raises LogFormatError.

        No message quotes any part of the text: it is a secret.
        """
        if not text.startswith(_PRIVATE_PREFIX):
            raise LogFormatError("Ce fichier n'est pas une clé privée de journal.")
        name, key_id, material = _split_key(text.removeprefix(_PRIVATE_PREFIX).removesuffix("\n"))
        kind, raw = _key_material(material)
        signer = cls(name, ServiceSigningSeed(raw), kind)
        if signer.verifier.key_id.hex() != key_id:
            raise LogFormatError("Cette clé privée de journal est abîmée : restaurez sa copie.")
        return signer

    def reveal(self) -> str:
        """The private key's one line, for the key file and nothing else."""
        material = encode_base64(bytes([self.verifier.type]) + self._seed.reveal())
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{material}"

    @property
    def name(self) -> str:
        return self.verifier.name

    def __repr__(self) -> str:
        return f"<NoteSigner {self.verifier}>"

    def sign(self, text: bytes) -> tuple[NoteSignature, ...]:
        """A plain signature of ``text`` (type 0x01 only)."""
        if self.verifier.type is not KeyType.ED25519:
            raise TypeError("a cosigner's key signs with its time: use cosign")
        return (NoteSignature(self.name, self.verifier.key_id, self._seed.sign(text)),)

    def cosign(self, text: bytes, time: int) -> NoteSignature:
        """A cosignature/v1 of ``text`` at POSIX second ``time`` (type 0x04 only)."""
        if self.verifier.type is not KeyType.COSIGNATURE_V1:
            raise TypeError("a log's key signs without a time: use sign")
        if not 0 < time <= MAX_TIME:
            raise ValueError("a cosignature needs a positive POSIX time")
        signature = self._seed.sign(cosignature_message(text, time))
        payload = time.to_bytes(_TIME_BYTES, "big") + signature
        return NoteSignature(self.name, self.verifier.key_id, payload)


class JointSigner:
    """Several keys of one name that sign together, while a log changes its key."""

    def __init__(self, *signers: NoteSigner) -> None:
        if len({signer.name for signer in signers}) != 1:
            raise ValueError("joint signers share one name")
        self._signers = signers

    @property
    def name(self) -> str:
        return self._signers[0].name

    def sign(self, text: bytes) -> tuple[NoteSignature, ...]:
        return tuple(signature for each in self._signers for signature in each.sign(text))


@lru_cache(maxsize=KEPT_VERIFIERS)
def _parsed_verifier(vkey: str) -> NoteVerifier:
    name, key_id, material = _split_key(vkey)
    kind, raw = _key_material(material)
    try:
        verifier = NoteVerifier(name, kind, VerifyKey(raw))
    except MalformedError as error:
        raise LogFormatError("Cette clé de vérification n'est pas conforme.") from error
    if verifier.key_id.hex() != key_id:
        raise LogFormatError(
            "L'identifiant de la clé « {name} » ne correspond pas à la clé : "
            "elle a été mal recopiée.",
            name=name,
        )
    return verifier


def parse_signatures(data: bytes) -> tuple[NoteSignature, ...]:
    """Read one or more signature lines, each ending in a newline; raises LogFormatError."""
    _check_characters(data)
    if not data.endswith(b"\n"):
        raise LogFormatError("Une ligne de signature n'est pas terminée.")
    lines = data.decode().removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise LogFormatError("Cette note porte plus de {limit} signatures.", limit=MAX_SIGNATURES)
    return tuple(NoteSignature.parse(line) for line in lines)


def cosignature_message(text: bytes, time: int) -> bytes:
    """What a type 0x04 key signs (tlog-cosignature, "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {time}\n".encode() + text


def check_key_name(name: str) -> None:
    """Raise LogFormatError unless ``name`` may name a key (signed-note, "Format")."""
    if not name or _NOT_IN_A_NAME.search(name):
        raise LogFormatError("Un nom de clé n'est pas vide et n'a ni espace ni « + ».")


_NOT_IN_A_NAME: Final = re.compile(r"[+\s\x00-\x1f]")
"""``\\s`` is every Unicode space, as ``str.isspace`` has it."""

_COMMAND_CHARACTER: Final = re.compile(rb"[\x00-\x09\x0b-\x1f]")
"""Below U+0020 only the newline is allowed (signed-note, "Format")."""


def _check_characters(data: bytes) -> None:
    try:
        data.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise LogFormatError("Cette note n'est pas de l'UTF-8 correct.") from error
    if _COMMAND_CHARACTER.search(data):
        raise LogFormatError("Cette note contient un caractère de commande.")


def _split_key(text: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)  # base64 may hold "+", a name and a key id never do
    if len(parts) != 3:
        raise LogFormatError("Une clé s'écrit « nom+identifiant+base64 ».")
    return parts[0], parts[1], _decode(parts[2])


def _key_material(material: bytes) -> tuple[KeyType, bytes]:
    if len(material) != 33 or material[0] not in tuple(KeyType):
        raise LogFormatError("Cette clé n'est pas d'un type que cette version connaît.")
    return KeyType(material[0]), material[1:]


def _decode(text: str) -> bytes:
    try:
        return decode_base64(text)
    except MalformedError as error:
        raise LogFormatError("Une ligne de cette note n'est pas du base64 canonique.") from error
