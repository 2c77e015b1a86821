"""What an agenda lists, as JSON: over HTTP, in a pack, and in an exported bundle.

``{"agenda": digest, "openings": [{"opening": base64, "item": "<the content as committed to>"}]}``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from crypto.digests import Digest
from crypto.errors import MalformedError
from crypto.statements.agenda import MAX_CONTENT_BYTES, AgendaOpening
from crypto.statements.fields import Bytes32, DigestField
from crypto.statements.model import Strict, load_strict_json
from crypto.statements.registry import MAX_AGENDA_COMMITMENTS

MAX_OPENINGS_BYTES: Final = 2_097_152
"""2 MiB: a thousand items with the deposits of the busiest sitting."""


class OpeningSent(Strict):
    """One opening."""

    opening: Bytes32
    item: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTENT_BYTES)]

    @classmethod
    def of(cls, shown: AgendaOpening) -> OpeningSent:
        """As it goes over the wire."""
        return cls(opening=shown.opening, item=shown.content.decode())

    def shown(self) -> AgendaOpening:
        """As it is verified."""
        return AgendaOpening(self.opening, self.item.encode())


OpeningsSent = Annotated[
    tuple[OpeningSent, ...], Field(strict=False, max_length=MAX_AGENDA_COMMITMENTS)
]


class AgendaShown(Strict):
    """The openings of one version of an agenda: all of them, or those of one reader."""

    agenda: DigestField
    openings: OpeningsSent

    @classmethod
    def of(cls, agenda: Digest, shown: Iterable[AgendaOpening]) -> AgendaShown:
        """As it goes over the wire."""
        return cls(agenda=agenda, openings=tuple(OpeningSent.of(each) for each in shown))

    def shown(self) -> tuple[AgendaOpening, ...]:
        """As they are verified."""
        return tuple(each.shown() for each in self.openings)

    def to_bytes(self) -> bytes:
        """The content of a file."""
        return self.model_dump_json().encode()

    @classmethod
    def parse(cls, data: bytes) -> AgendaShown:
        """The inverse; raises MalformedError."""
        try:
            return cls.model_validate(load_strict_json(data, limit=MAX_OPENINGS_BYTES))
        except ValidationError as error:
            raise MalformedError(
                "Ces ouvertures d'un ordre du jour ne sont pas conformes."
            ) from error
