"""What every statement has, and how its JSON is read: strictly, or not at all."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final, NoReturn, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from crypto.errors import MalformedError
from crypto.labels import STATEMENT_TYPE_PREFIX, STATEMENT_TYPE_SUFFIX
from crypto.statements.fields import MAX_INTEGER, DigestField, Instant, OpaqueId

MAX_STATEMENT_BYTES: Final = 1_048_576
"""1 MiB: a sitting of 60 dossiers and 20 members, each with three devices, takes a tenth of it."""

MAX_DEPTH: Final = 8
"""The deepest statement nests 3 levels; deeper input is an attack on the parser's stack."""


class Strict(BaseModel):
    """A part of a statement: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,  # thirty validators built at import would slow every command
    )


class Statement(Strict):
    """The fields that all statements carry. ``TYPE`` names the kind in the DSSE payload type."""

    TYPE: ClassVar[str]
    MAX_BYTES: ClassVar[int] = MAX_STATEMENT_BYTES
    """The longest body of this type."""

    commission: OpaqueId
    id: OpaqueId
    issued_at: Instant
    signer: DigestField
    """Digest of the signer's certificate, or fingerprint of a key of the trust policy."""

    @classmethod
    def payload_type(cls) -> str:
        """The DSSE ``payloadType``: a signature of one type never verifies as another's."""
        return f"{STATEMENT_TYPE_PREFIX}{cls.TYPE}{STATEMENT_TYPE_SUFFIX}"

    def body(self) -> bytes:
        """The bytes to sign: compact JSON, keys in the order of the fields."""
        return json.dumps(
            self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Parse one statement's body; raises MalformedError naming the field, never its value."""
        try:
            return cls.model_validate(load_strict_json(body, limit=cls.MAX_BYTES))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in first["loc"]) or "?"
            raise MalformedError(
                "La déclaration « {type} » n'est pas conforme, au champ « {field} » ({detail}).",
                type=cls.TYPE,
                field=where,
                detail=first["msg"],
            ) from error


def load_strict_json(data: bytes, *, limit: int) -> Any:
    """Read JSON that every reader understands alike; raises MalformedError.

    Refuses duplicate keys (two readers may keep different ones), floats and integers beyond 2⁵³
    (readers round differently), NaN, invalid UTF-8, lone surrogates (no UTF-8 can write them
    back), deep nesting and more than ``limit`` bytes.
    """
    if len(data) > limit:
        raise MalformedError("Ce document dépasse {limit} octets.", limit=limit)
    try:
        loaded = json.loads(
            data.decode("utf-8", errors="strict"),
            object_pairs_hook=_unique,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_bounded,
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise MalformedError("Ce document n'est pas du JSON strict.") from error
    # Without an escape valid UTF-8 holds no surrogate, and nothing is nested deeper than it has brackets.
    if b"\\u" in data or data.count(b"{") + data.count(b"[") >= MAX_DEPTH:
        _check_tree(loaded, MAX_DEPTH)
    return loaded


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("duplicate key")
    return unique


def _refuse_number(_text: str) -> NoReturn:
    raise ValueError("only integers are allowed")


def _bounded(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1 or text == "-0":
        raise ValueError("integer out of range")
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError("integer out of range")
    return number


def _check_tree(value: Any, left: int) -> None:
    if left == 0:
        raise MalformedError("Ce document est imbriqué trop profondément.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, child in value.items():
            _check_text(key)
            _check_tree(child, left - 1)
    elif isinstance(value, list):
        for child in value:
            _check_tree(child, left - 1)


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise MalformedError("Ce document contient un caractère Unicode incomplet.")
