"""Sealing a deposit: its payload once, a header for each recipient, each header in an envelope."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.age.encrypt import encrypt_to
from crypto.age.layout import NONCE_BYTES
from crypto.age.payload_seal import Progress, seal_stream
from crypto.age.primitives import hkdf_sha256
from crypto.age.streams import Readable, Writable
from crypto.age.wrap import make_header
from crypto.digests import Digest
from crypto.envelope import check_envelope, check_header
from crypto.errors import MalformedError
from crypto.keys import Entropy, FileKey, Recipient
from crypto.labels import FILE_KEY_COMMITMENT


@dataclass(frozen=True)
class SealedPayload:
    """What the manifest says of a payload, and its file key.

    ``length`` and ``sha256`` are those of ``nonce ‖ chunks``, without any header.
    """

    file_key: FileKey
    nonce: bytes
    length: int
    sha256: Digest
    commitment: bytes


def seal_payload(
    source: Readable, sink: Writable, *, entropy: Entropy, progress: Progress | None = None
) -> SealedPayload:
    """Seal all of ``source`` into ``sink`` under a fresh file key, in constant memory."""
    file_key = FileKey.generate(entropy)
    nonce = entropy(NONCE_BYTES)
    written = seal_stream(file_key, nonce, source, sink, progress=progress)
    return SealedPayload(
        file_key, nonce, written.length, written.sha256, commitment(file_key, nonce)
    )


def commitment(file_key: FileKey, nonce: bytes) -> bytes:
    """32 bytes that fix the file key of a payload, for the manifest.

    ChaCha20-Poly1305 does not commit to its key: one payload can be built that opens under two.
    age's single header MAC rules that out; separate headers do not, so the depositor signs this.
    """
    if len(nonce) != NONCE_BYTES:
        raise MalformedError("Le nonce d'un contenu compte 16 octets.")
    return hkdf_sha256(file_key.reveal(), salt=nonce, info=FILE_KEY_COMMITMENT)


def header_for(file_key: FileKey, recipient: Recipient, entropy: Entropy) -> bytes:
    """A complete age header for one recipient: before the payload it makes a standard age file."""
    header = make_header(file_key, recipient, entropy)
    check_header(header)
    return header


def envelope_for(header: bytes, release_recipient: Recipient, entropy: Entropy) -> bytes:
    """``header`` sealed to the deposit's release key."""
    check_header(header)
    envelope = encrypt_to(header, release_recipient, entropy)
    check_envelope(envelope)
    return envelope
