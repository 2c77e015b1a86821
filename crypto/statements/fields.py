"""The field types of statements: each accepts exactly one spelling of each value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, StringConstraints

from crypto.digests import Digest, parse_digest
from crypto.encoding import (
    decode_base64,
    encode_base64,
    format_instant,
    parse_dossier_reference,
    parse_instant,
    parse_opaque_id,
)
from crypto.errors import CryptoError
from crypto.keys import Recipient, VerifyKey

T = TypeVar("T")

MAX_LABEL_CHARS: Final = 200
"""Long enough for the longest official label of a seat; short enough for one screen line or two."""

MAX_REASON_CHARS: Final = 2_000
"""A paragraph: a reason is read by people, and must never become a place for a dossier's content."""

MAX_TEXT_CHARS: Final = 20_000
"""A checkpoint with 16 cosignatures or a witness policy of 16 lines fits several times over."""

MAX_ITEMS: Final = 1_000
"""Ten times the busiest sitting known (about 60 dossiers, 20 members)."""

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""


def _from_text(parse: Callable[[str], T], kind: type[T]) -> Callable[[object], T]:
    def validate(value: object) -> T:
        if isinstance(value, kind) and kind is not str:
            return value
        if not isinstance(value, str):
            raise ValueError("expected a string")  # noqa: TRY004  # pydantic reports ValueError
        try:
            return parse(value)
        except CryptoError as error:
            raise ValueError(str(error)) from error

    return validate


def _parse_date(text: str) -> date:
    parsed = date.fromisoformat(text)
    if parsed.isoformat() != text:
        raise ValueError("expected YYYY-MM-DD")
    return parsed


def _check(parse: Callable[[str], str]) -> Callable[[str], str]:
    def validate(text: str) -> str:
        try:
            return parse(text)
        except CryptoError as error:
            raise ValueError(str(error)) from error

    return validate


OpaqueId = Annotated[str, AfterValidator(_check(parse_opaque_id))]
DossierReference = Annotated[str, AfterValidator(_check(parse_dossier_reference))]
DigestField = Annotated[Digest, AfterValidator(_check(parse_digest))]
Instant = Annotated[
    datetime, PlainValidator(_from_text(parse_instant, datetime)), PlainSerializer(format_instant)
]
Day = Annotated[
    date, PlainValidator(_from_text(_parse_date, date)), PlainSerializer(date.isoformat)
]
VerifyKeyField = Annotated[
    VerifyKey, PlainValidator(_from_text(VerifyKey.parse, VerifyKey)), PlainSerializer(str)
]
RecipientField = Annotated[
    Recipient, PlainValidator(_from_text(Recipient.parse, Recipient)), PlainSerializer(str)
]


def _base64_of(length: int) -> Callable[[object], bytes]:
    def validate(value: object) -> bytes:
        data = value if isinstance(value, bytes) else None
        if isinstance(value, str):
            try:
                data = decode_base64(value)
            except CryptoError as error:
                raise ValueError(str(error)) from error
        if data is None or len(data) != length:
            raise ValueError(f"expected {length} bytes in base64")
        return data

    return validate


Bytes16 = Annotated[bytes, PlainValidator(_base64_of(16)), PlainSerializer(encode_base64)]
Bytes32 = Annotated[bytes, PlainValidator(_base64_of(32)), PlainSerializer(encode_base64)]

Rna = Annotated[str, StringConstraints(pattern=r"^W[0-9][0-9A-Z][0-9]{7}$")]
"""An association's number in the Répertoire national des associations (CRPA R112-9-1): W, the
department's two figures (2A, 9R… too), seven figures."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""A short name chosen by the commission: a seat, an organisation."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL_CHARS)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON_CHARS)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Version = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
