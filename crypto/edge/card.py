"""``dossier.json``, the first file of a container: what this deposit is, in its own words."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from crypto.edge.container_errors import ContainerError
from crypto.statements.exchange import Kind
from crypto.statements.fields import Code, DigestField, DossierReference, OpaqueId
from crypto.statements.model import Strict, load_strict_json

CARD_PATH: Final = "dossier.json"

MAX_FILES: Final = 200
"""A dossier has some twenty pieces; each is looked at by a dozen people."""

MAX_FILE_BYTES: Final = 40 * 1024 * 1024
"""40 MiB: a hundred scanned pages in colour; what a phone photographs stays below."""

MAX_DOSSIER_BYTES: Final = 500 * 1024 * 1024
"""500 MiB for all files: sixty such dossiers still fit a member's disk, and one fits an upload."""

MAX_CARD_BYTES: Final = 262_144
"""200 pieces with paths of 400 bytes, and the note."""

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
    size: Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]


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
        tuple[CardPiece, ...], Field(strict=False, min_length=1, max_length=MAX_FILES)
    ]
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARS)] = ""

    def to_json(self) -> bytes:
        """The canonical bytes of ``dossier.json``."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        return text.encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> DossierCard:
        """Read ``dossier.json``; raises ContainerError, or MalformedError for what is not JSON."""
        try:
            return cls.model_validate(load_strict_json(data, limit=MAX_CARD_BYTES))
        except ValidationError as error:
            raise ContainerError("La fiche dossier.json n'est pas conforme.") from error

    @property
    def total_bytes(self) -> int:
        """The sum of the sizes of all pieces."""
        return sum(piece.size for piece in self.pieces)
