"""Sealing and opening without any service: a container in a standard age file, or its reverse."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from crypto.age.encrypt import encrypt_stream
from crypto.age.identities import AnyIdentity, parse_identity_file
from crypto.age.recipients import AnyRecipient, parse_recipient
from crypto.age.streams import Pieces, Readable, Writable
from crypto.digests import Digest
from crypto.edge.card import LOCAL_LIMITS, DossierCard
from crypto.edge.container import container_length, container_pieces, read_container
from crypto.edge.identity import Identity
from crypto.edge.keyfile import open_seed
from crypto.edge.unseal import open_file
from crypto.encoding import new_dossier_reference, new_opaque_id
from crypto.errors import MalformedError
from crypto.keys import Entropy
from crypto.statements.exchange import Kind
from exchange.client.errors import UnsafeFileError
from exchange.client.files import appearing, appearing_directory, write_new
from exchange.client.pieces import read_pieces
from exchange.client.placed_file import PlacedFile
from exchange.client.progress import Progress

NOBODY: Final = Digest("0" * 64)
"""The depositor of a container that no certificate vouches for."""

MAX_IDENTITY_FILE_BYTES: Final = 65_536
COPY_BYTES: Final = 1_048_576
AGE_BINARY: Final = b"age-encryption.org/"


def seal_folder(
    folder: Path,
    recipients: Sequence[str],
    sink: Writable,
    *,
    entropy: Entropy,
    progress: Progress,
) -> DossierCard:
    """Write ``folder`` as one age file to all ``recipients``; returns the card inside."""
    pieces = read_pieces((folder,))
    card = DossierCard(
        sitting=new_opaque_id(entropy),
        dossier=new_dossier_reference(entropy),
        association="local",
        depositor=NOBODY,
        kind=Kind.ENGAGEMENT,
        pieces=tuple(piece.on_card() for piece in pieces),
    )
    keys: list[AnyRecipient] = [parse_recipient(each) for each in recipients]
    advance = progress.begin("Chiffrement", container_length(card))
    container = Pieces(container_pieces(card, pieces, LOCAL_LIMITS))
    encrypt_stream(container, sink, keys, entropy, progress=advance)
    return card


def read_identities(path: Path, passphrase: Callable[[], str]) -> list[AnyIdentity]:
    """The identities of an age identity file, or of a key file of this product."""
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_IDENTITY_FILE_BYTES + 1)
    except OSError as error:
        raise UnsafeFileError(
            "Le fichier de clé « {path} » ne peut pas être lu : vérifiez le chemin.", path=path
        ) from error
    if data.startswith(AGE_BINARY):
        return [Identity.from_seed(open_seed(data, passphrase())).age_identity]
    try:
        return list(parse_identity_file(data.decode("ascii")))
    except UnicodeDecodeError as error:
        raise MalformedError("« {path} » n'est pas un fichier de clés age.", path=path) from error


def open_sealed(
    source: BinaryIO, identities: Sequence[AnyIdentity], out: Path, *, progress: Progress
) -> tuple[DossierCard, int]:
    """Open an age file into ``out``, which appears whole or not at all; returns card and count."""
    count = 0
    length = left = _length(source)
    tell = progress.begin("Déchiffrement", length)

    def advance(done: int) -> None:
        nonlocal left
        left -= done
        tell(done)

    with appearing_directory(out) as folder:
        plaintext = open_file(source, identities, progress=advance)
        card, pieces = read_container(plaintext, LOCAL_LIMITS)
        for path, _size, stream in pieces:
            write_new(folder, path, _copied(stream))
            count += 1
        write_new(folder, "dossier.json", iter([card.to_json()]))
    tell(left)  # header and tags: the bar counts the file's own bytes
    return card, count


def _length(source: BinaryIO) -> int:
    """The length of a file; 0 for a pipe, whose end nobody knows."""
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _copied(stream: Readable) -> Iterator[bytes]:
    while piece := stream.read(COPY_BYTES):
        yield piece


def output(path: Path | None, standard: BinaryIO) -> AbstractContextManager[Writable]:
    """A file that appears whole, or standard output."""
    return nullcontext(standard) if path is None else _placed(path)


@contextmanager
def _placed(path: Path) -> Iterator[Writable]:
    with appearing(path) as handle:
        yield PlacedFile(handle)
