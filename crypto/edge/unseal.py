"""Opening a deposit: header, commitment, payload; in this order."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from crypto.age.decrypt import decrypt_pieces
from crypto.age.header import parse_header
from crypto.age.identities import AnyIdentity
from crypto.age.payload_open import open_pieces
from crypto.age.payload_seal import Progress
from crypto.age.streams import Pieces, Readable
from crypto.age.unwrap import unwrap_file_key
from crypto.edge.seal import commitment
from crypto.envelope import check_header
from crypto.errors import BrokenCiphertextError
from crypto.keys import FileKey, HybridIdentity


def unwrap_header(header: bytes, identity: HybridIdentity) -> FileKey:
    """The file key of a detached header with exactly one hybrid stanza.

    Raises MalformedError, NotForThisKeyError or BrokenCiphertextError. The key is not to be used
    before :func:`check_commitment`.
    """
    check_header(header)
    return unwrap_file_key(parse_header(header), [identity])


def check_commitment(file_key: FileKey, nonce: bytes, expected: bytes) -> None:
    """Raise BrokenCiphertextError unless this is the file key that the manifest commits to."""
    if not hmac.compare_digest(commitment(file_key, nonce), expected):
        raise BrokenCiphertextError(
            "La clé reçue n'est pas celle que le déposant a signée : ce dossier pourrait se lire "
            "autrement chez un autre membre. Ne l'utilisez pas et prévenez le secrétariat."
        )


def open_payload(
    file_key: FileKey, source: Readable, *, progress: Progress | None = None
) -> Pieces:
    """The plaintext of ``nonce ‖ chunks``; nothing of it may be used before its end was read.

    Reading raises BrokenCiphertextError, MalformedError when not even a nonce is there.
    """
    return Pieces(open_pieces(file_key, source, progress=progress))


def open_file(
    source: Readable, identities: Sequence[AnyIdentity], *, progress: Progress | None = None
) -> Pieces:
    """The plaintext of a whole age file, armored or not; to be used as :func:`open_payload`'s."""
    return Pieces(decrypt_pieces(source, identities, progress=progress))
