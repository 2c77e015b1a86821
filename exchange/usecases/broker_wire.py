"""What passes between the service and a broker in a process of its own: strict JSON both ways.

Neither side trusts the other's bytes: each reads them by these models or not at all. Nothing here is
secret beyond what the service holds anyway: envelopes in, headers sealed to one-use reply keys out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, ValidationError

from crypto.encoding import decode_base64, encode_base64, format_instant, parse_instant
from crypto.errors import CryptoError, ExplainedError, MalformedError
from crypto.statements.fields import MAX_ITEMS, Count, DigestField, Label
from crypto.statements.model import Strict, load_strict_json
from exchange.usecases.agenda_wire import OpeningSent
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.openings import OPENINGS_TOGETHER
from exchange.usecases.ports import Attested, OpenRequest

MAX_REQUEST_BYTES: Final = 33_554_432
"""32 MiB: an opening shows at most a few hundred statements of some kilobytes with their receipts."""

MAX_ANSWER_BYTES: Final = 268_435_456
"""256 MiB: the record of a hundred thousand releases; every other answer is a few kilobytes."""

MAX_MESSAGE_CHARS: Final = 2_000
"""One sentence for a person."""

CHECKPOINT_PATH: Final = "/add-checkpoint"
"""C2SP tlog-witness: the broker is a witness like any other, in its own protocol."""

HEAD_PATH: Final = "/v1/head"
SIZE_TYPE: Final = "text/x.tlog.size"
"""The media type of a witness's conflict: the size that it cosigned last."""

PREFIX: Final = "/v1/"

_MOMENT: Final = "moment"


class Custody(StrEnum):
    """Where the broker runs: what a hostile host of the service could reach."""

    IN_PROCESS = "in-process"
    SEPARATE = "separate"


class Operation(StrEnum):
    """The methods of ``ports.Broker``; each is ``POST /v1/<value>``."""

    MAKE_RELEASE_KEY = "make-release-key"
    ACKNOWLEDGE = "acknowledge"
    ACKNOWLEDGE_POLICIES = "acknowledge-policies"
    STATUS = "status"
    OPEN = "open"
    DESTROY = "destroy"
    DESTROY_EXPIRED = "destroy-expired"
    RECORD = "record"


def _octets(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("expected base64")  # noqa: TRY004  # pydantic reports ValueError
    try:
        return decode_base64(value)
    except CryptoError as error:
        raise ValueError(str(error)) from error


Octets = Annotated[bytes, PlainValidator(_octets), PlainSerializer(encode_base64)]
Message = Annotated[str, StringConstraints(max_length=MAX_MESSAGE_CHARS)]


def _param(value: object) -> str | int | datetime:
    if isinstance(value, str | datetime) or (
        isinstance(value, int) and not isinstance(value, bool)
    ):
        return value
    if isinstance(value, dict) and set(value) == {_MOMENT} and isinstance(value[_MOMENT], str):
        return parse_instant(value[_MOMENT])
    raise ValueError("expected a string, a number or a moment")


def _param_out(value: str | int | datetime) -> object:
    return {_MOMENT: format_instant(value)} if isinstance(value, datetime) else value


Param = Annotated[str | int | datetime, PlainValidator(_param), PlainSerializer(_param_out)]
"""A value in an error's sentence. A moment stays one: the sentence says how it is written."""


class ReleaseKeyWanted(Strict):
    """``make_release_key``."""

    deposit: Label
    sitting: DigestField


class AttestedSent(Strict):
    """``acknowledge``, and each statement of an opening."""

    envelope: Octets
    receipt: Octets

    @classmethod
    def of(cls, attested: Attested) -> AttestedSent:
        """As it goes over the wire."""
        return cls(envelope=attested.envelope, receipt=attested.receipt)

    def attested(self) -> Attested:
        """As the port takes it."""
        return Attested(self.envelope, self.receipt)


class PoliciesSent(Strict):
    """``acknowledge_policies``."""

    policies: Annotated[tuple[AttestedSent, ...], Field(strict=False, max_length=MAX_ITEMS)]


class StatusWanted(Strict):
    """``status``."""

    nonce: Octets
    sitting: Label | None
    includes: Annotated[tuple[DigestField, ...], Field(strict=False, max_length=MAX_ITEMS)]


class OpeningWanted(Strict):
    """``open``."""

    access_request: Octets
    statements: Annotated[tuple[AttestedSent, ...], Field(strict=False, max_length=MAX_ITEMS)]
    item: OpeningSent | None
    release: Octets
    deposit: Label
    envelope: Octets

    @classmethod
    def of(cls, request: OpenRequest) -> OpeningWanted:
        """As it goes over the wire."""
        return cls(
            access_request=request.access_request,
            statements=tuple(AttestedSent.of(each) for each in request.statements),
            item=OpeningSent.of(request.item) if request.item else None,
            release=request.release,
            deposit=request.deposit,
            envelope=request.envelope,
        )

    def request(self) -> OpenRequest:
        """As the port takes it."""
        return OpenRequest(
            access_request=self.access_request,
            statements=tuple(each.attested() for each in self.statements),
            item=self.item.shown() if self.item else None,
            release=self.release,
            deposit=self.deposit,
            envelope=self.envelope,
        )


class OpeningsWanted(Strict):
    """``open``: several requests in one operation."""

    openings: Annotated[
        tuple[OpeningWanted, ...],
        Field(strict=False, min_length=1, max_length=OPENINGS_TOGETHER),
    ]

    def requests(self) -> list[OpenRequest]:
        """As the port takes them."""
        return [each.request() for each in self.openings]


class DestructionWanted(Strict):
    """``destroy``."""

    because: DigestField


class Nothing(Strict):
    """A request without parameters."""


class Answer(Strict):
    """What every operation answers: one or several byte strings, as its port returns them."""

    octets: Annotated[tuple[Octets, ...], Field(strict=False)]


class Head(Strict):
    """``GET /v1/head``: the size of the log that the broker cosigned last."""

    size: Count


class Refused(Strict):
    """Why not: ``message`` is a msgid with ``params``, so that each reader gets their language."""

    message: Message
    params: dict[str, Param]


class Outcome(Strict):
    """What came of one opening: a header, or why not."""

    octets: Octets | None = None
    refused: Refused | None = None

    @classmethod
    def of(cls, opening: bytes | BrokerRefusalError) -> Outcome:
        """As it goes over the wire."""
        if isinstance(opening, bytes):
            return cls(octets=opening)
        return cls(refused=refused(opening))

    def opening(self) -> bytes | BrokerRefusalError:
        """As the port gives it; raises MalformedError where it says both or neither."""
        if self.octets is not None and self.refused is None:
            return self.octets
        if self.refused is not None and self.octets is None:
            return BrokerRefusalError(self.refused.message, **self.refused.params)
        raise MalformedError("Une réponse du gardien des clés ne dit ni oui ni non.")


class Outcomes(Strict):
    """The answer to ``open``: one outcome an opening, in their order."""

    outcomes: Annotated[
        tuple[Outcome, ...], Field(strict=False, min_length=1, max_length=OPENINGS_TOGETHER)
    ]

    @classmethod
    def of(cls, openings: Sequence[bytes | BrokerRefusalError]) -> Outcomes:
        """As they go over the wire."""
        return cls(outcomes=tuple(Outcome.of(each) for each in openings))


REQUESTS: Final[dict[Operation, type[Strict]]] = {
    Operation.MAKE_RELEASE_KEY: ReleaseKeyWanted,
    Operation.ACKNOWLEDGE: AttestedSent,
    Operation.ACKNOWLEDGE_POLICIES: PoliciesSent,
    Operation.STATUS: StatusWanted,
    Operation.OPEN: OpeningsWanted,
    Operation.DESTROY: DestructionWanted,
    Operation.DESTROY_EXPIRED: Nothing,
    Operation.RECORD: Nothing,
}

_Part = TypeVar("_Part", bound=Strict)


def read(kind: type[_Part], data: bytes, *, limit: int = MAX_REQUEST_BYTES) -> _Part:
    """One message; raises MalformedError, which never quotes it."""
    try:
        return kind.model_validate(load_strict_json(data, limit=limit))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "?"
        raise MalformedError(
            "Un message entre le service et le gardien des clés n'est pas conforme, au champ "
            "« {field} » ({detail}).",
            field=where,
            detail=first["msg"],
        ) from error


def write(message: Strict) -> bytes:
    """The bytes of a message."""
    return message.model_dump_json().encode()


def in_messages(requests: Sequence[OpenRequest]) -> Iterator[Sequence[OpenRequest]]:
    """The same requests, in as many messages as they need: no longer than the broker reads."""
    message: list[OpenRequest] = []
    length = 0
    for each in requests:
        size = _length_of(each)
        if message and (
            len(message) == OPENINGS_TOGETHER or length + size > MAX_REQUEST_BYTES // 2
        ):
            yield message
            message, length = [], 0
        message.append(each)
        length += size
    if message:
        yield message


def _length_of(request: OpenRequest) -> int:
    """About how long it is on the wire: what is long in it is in base64, a third longer than it is."""
    parts = [request.access_request, request.release, request.envelope]
    parts += [part for each in request.statements for part in (each.envelope, each.receipt)]
    return sum(len(part) for part in parts) * 3 // 2


def refused(error: ExplainedError) -> Refused:
    """An error as the wire carries it."""
    return Refused(message=error.message, params=plain_params(error.params))


def cosigner_name(log_origin: str) -> str:
    """The key name of the broker's cosigner."""
    return f"{log_origin}/broker"


def plain_params(params: dict[str, object]) -> dict[str, str | int | datetime]:
    """Parameters of an error as the wire carries them."""
    return {name: _plain(value) for name, value in params.items()}


def _plain(value: object) -> str | int | datetime:
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)
