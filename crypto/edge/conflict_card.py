"""The conflict card: as much of a person as a member needs to say "I know them", and no more.

A container of one small file, sealed as every deposit is, under a release key of its own.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from crypto.edge.container_errors import ContainerError
from crypto.statements.model import Strict, load_strict_json

CONFLICT_CARD_PATH: Final = "fiche.json"
CONFLICT_CARD_TYPE: Final = "application/json"

MAX_CONFLICT_CARD_BYTES: Final = 512
"""One block of a tar: every card has the same length, whatever it says."""

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2100

Initials = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,12}$")]
"""``M. D.``, ``J.-P. L. d. R.``"""

Commune = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,60}$")]
"""The longest name of a French commune has 45 letters."""


class ConflictCard(Strict):
    """Initials, year of birth, commune of residence."""

    initials: Initials
    year: Annotated[int, Field(ge=EARLIEST_YEAR, le=LATEST_YEAR)]
    commune: Commune

    def to_json(self) -> bytes:
        """The canonical bytes of ``fiche.json``."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        return text.encode()

    @classmethod
    def make(cls, initials: str, year: int, commune: str) -> ConflictCard:
        """A card; raises ContainerError for what it cannot hold."""
        try:
            return cls(initials=initials, year=year, commune=commune)
        except ValidationError as error:
            raise _malformed() from error

    @classmethod
    def parse(cls, data: bytes) -> ConflictCard:
        """Read ``fiche.json``; raises ContainerError, or MalformedError for what is not JSON."""
        try:
            return cls.model_validate(load_strict_json(data, limit=MAX_CONFLICT_CARD_BYTES))
        except ValidationError as error:
            raise _malformed() from error


def _malformed() -> ContainerError:
    return ContainerError(
        "Une fiche de conflit contient des initiales (12 caractères au plus), une année de naissance "
        "et une commune (60 caractères au plus)."
    )
