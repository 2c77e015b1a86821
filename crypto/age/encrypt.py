"""Whole age files, written."""

from __future__ import annotations

from collections.abc import Sequence

from crypto.age.identities import Passphrase
from crypto.age.layout import NONCE_BYTES
from crypto.age.payload_seal import Progress, seal_bytes, seal_unhashed
from crypto.age.recipients import AnyRecipient
from crypto.age.streams import Readable, Writable
from crypto.age.wrap import (
    DEFAULT_LOG_N,
    make_header,
    make_header_for_all,
    make_passphrase_header,
)
from crypto.keys import Entropy, FileKey


def encrypt_to(plaintext: bytes, recipient: AnyRecipient, entropy: Entropy) -> bytes:
    """A small age file to one recipient: envelopes, replies, local file keys."""
    file_key = FileKey.generate(entropy)
    header = make_header(file_key, recipient, entropy)
    return header + seal_bytes(file_key, entropy(NONCE_BYTES), plaintext)


def encrypt_with_passphrase(
    plaintext: bytes, passphrase: Passphrase, entropy: Entropy, *, log_n: int = DEFAULT_LOG_N
) -> bytes:
    """A small age file under a passphrase: the key file at rest."""
    file_key = FileKey.generate(entropy)
    header = make_passphrase_header(file_key, passphrase, entropy, log_n=log_n)
    return header + seal_bytes(file_key, entropy(NONCE_BYTES), plaintext)


def encrypt_stream(
    source: Readable,
    sink: Writable,
    recipients: Sequence[AnyRecipient],
    entropy: Entropy,
    *,
    progress: Progress | None = None,
) -> None:
    """An age file of any size to several recipients of one kind, in constant memory."""
    file_key = FileKey.generate(entropy)
    sink.write(make_header_for_all(file_key, recipients, entropy))
    seal_unhashed(file_key, entropy(NONCE_BYTES), source, sink, progress=progress)
