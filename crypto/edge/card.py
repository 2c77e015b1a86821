"""``dossier.json``, the first file of a container: what this deposit is, in its own words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from crypto.edge.container_errors import ContainerError
from crypto.statements.exchange import Kind
from crypto.statements.fields import Code, DigestField, DossierReference, OpaqueId
from crypto.statements.model import Strict, load_strict_json

CARD_PATH: Final = "dossier.json"


@dataclass(frozen=True)
class ContainerLimits:
    """How much one container may hold. Checked before anything is written or unpacked."""

    files: int
    file_bytes: int
    total_bytes: int
    card_bytes: int


DEPOSIT_LIMITS: Final = ContainerLimits(
    files=200,  # a dossier has some twenty pieces; each is looked at by a dozen people
    file_bytes=40 * 1024 * 1024,  # a hundred scanned pages in colour; a phone's photographs too
    total_bytes=500 * 1024 * 1024,  # sixty such dossiers still fit a member's disk
    card_bytes=262_144,  # 200 pieces with paths of 400 bytes, and the note
)
"""What goes through the service."""

LOCAL_LIMITS: Final = ContainerLimits(
    files=20_000,  # a person's own folder, thumbnails included
    file_bytes=8 * 1024**3 - 1,  # eleven octal digits: the largest size of a ustar header
    total_bytes=64 * 1024**3,  # what an archive disk of today takes
    card_bytes=16 * 1024 * 1024,  # 20,000 pieces with usual paths
)
"""What ``dossier seal`` and ``open`` handle on one machine, without a service."""

MAX_CHECKS: Final = 100
"""Kinds of piece that a commission may expect: some ten."""

MAX_NOTE_CHARS: Final = 4_000
"""A page of text."""

MediaType = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,99}$")
]
PathText = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class CardPiece(Strict):
    """One file of the container, in its order."""

    path: PathText
    type: MediaType
    size: Annotated[int, Field(ge=0, le=LOCAL_LIMITS.file_bytes)]


class CardCheck(Strict):
    """A kind of piece that such a request usually holds, and whether this deposit does."""

    piece: Code
    present: bool


class DossierCard(Strict):
    """The content of ``dossier.json``. Clients compare it with the signed manifest."""

    version: Literal[1] = 1
    sitting: OpaqueId
    dossier: DossierReference
    association: Code
    depositor: DigestField
    """Digest of the depositor's certificate: another's ciphertext cannot be signed again as one's own."""
    kind: Annotated[Kind, Field(strict=False)]
    complement_of: DigestField | None = None
    pieces: Annotated[
        tuple[CardPiece, ...], Field(strict=False, min_length=1, max_length=LOCAL_LIMITS.files)
    ]
    checklist: Annotated[tuple[CardCheck, ...], Field(strict=False, max_length=MAX_CHECKS)] = ()
    """As the depositor saw it when sealing; empty where nothing in particular is expected."""
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARS)] = ""

    def to_json(self) -> bytes:
        """The canonical bytes of ``dossier.json``."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        return text.encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes, limits: ContainerLimits = DEPOSIT_LIMITS) -> DossierCard:
        """Read ``dossier.json``; raises ContainerError, or MalformedError for what is not JSON."""
        try:
            return cls.model_validate(load_strict_json(data, limit=limits.card_bytes))
        except ValidationError as error:
            raise ContainerError("La fiche dossier.json n'est pas conforme.") from error

    @property
    def total_bytes(self) -> int:
        """The sum of the sizes of all pieces."""
        return sum(piece.size for piece in self.pieces)
