"""``usecases.ports.Broker`` over the link: what the service knows of a broker on another host.

It holds no key and no code that could open an envelope. What the broker answers is verified by who
uses it (statements by their signatures, headers by the reader), here only its form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.errors import (
    LogUnavailableError,
    WitnessConflictError,
    WitnessError,
    WitnessForbiddenError,
    WitnessProofError,
    WitnessUnknownLogError,
)
from audit.witness import AddCheckpoint
from crypto.digests import Digest
from crypto.errors import MalformedError
from crypto.statements.model import Strict
from exchange.remote_broker.link import BrokerLink, LinkAnswer
from exchange.usecases import broker_wire as wire
from exchange.usecases.broker_wire import Operation
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.openings import open_in_turn
from exchange.usecases.ports import Attested, Opening, OpenRequest

OK, REFUSED, CONFLICT = 200, 403, 409

MAX_LINES_BYTES: Final = 65_536
"""A cosignature line has about 200 bytes."""

_WITNESS_ERRORS: Final[dict[int, type[WitnessError]]] = {
    error.STATUS: error
    for error in (WitnessError, WitnessForbiddenError, WitnessUnknownLogError, WitnessProofError)
}


class RemoteBroker:
    """The port. ``cosigner`` is the broker as a witness of the log."""

    def __init__(self, link: BrokerLink, log_origin: str) -> None:
        self._link = link
        self.cosigner = RemoteCosigner(link, wire.cosigner_name(log_origin))

    def make_release_key(self, deposit: str, sitting: Digest) -> bytes:
        wanted = wire.ReleaseKeyWanted(deposit=deposit, sitting=sitting)
        return self._one(Operation.MAKE_RELEASE_KEY, wanted)

    def acknowledge(self, statement: Attested) -> None:
        self._call(Operation.ACKNOWLEDGE, wire.AttestedSent.of(statement))

    def acknowledge_policies(self, policies: Sequence[Attested]) -> None:
        sent = tuple(wire.AttestedSent.of(each) for each in policies)
        self._call(Operation.ACKNOWLEDGE_POLICIES, wire.PoliciesSent(policies=sent))

    def status(self, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
        try:
            wanted = wire.StatusWanted(nonce=nonce, sitting=sitting, includes=tuple(includes))
        except ValueError as error:
            raise BrokerRefusalError(
                "Cette demande d'état n'est pas conforme.", reason="malformed"
            ) from error
        return self._one(Operation.STATUS, wanted)

    def open_all(self, requests: Sequence[OpenRequest]) -> Sequence[Opening]:
        return open_in_turn(wire.in_messages(requests), self._open_together)

    def _open_together(self, message: Sequence[OpenRequest]) -> list[bytes | BrokerRefusalError]:
        wanted = wire.OpeningsWanted(openings=tuple(map(wire.OpeningWanted.of, message)))
        body = self._answer(Operation.OPEN, wanted)
        try:
            said = wire.read(wire.Outcomes, body, limit=wire.MAX_ANSWER_BYTES).outcomes
            outcomes = [each.opening() for each in said]
        except MalformedError as error:
            raise _unreadable() from error
        if len(outcomes) != len(message):
            raise _unreadable()
        return outcomes

    def destroy(self, because: Digest) -> bytes:
        return self._one(Operation.DESTROY, wire.DestructionWanted(because=because))

    def destroy_expired(self) -> tuple[bytes, ...]:
        return self._call(Operation.DESTROY_EXPIRED, wire.Nothing())

    def record(self) -> tuple[bytes, bytes]:
        octets = self._call(Operation.RECORD, wire.Nothing())
        if len(octets) != 2:
            raise _unreadable()
        return octets[0], octets[1]

    def _one(self, operation: Operation, wanted: Strict) -> bytes:
        octets = self._call(operation, wanted)
        if len(octets) != 1:
            raise _unreadable()
        return octets[0]

    def _call(self, operation: Operation, wanted: Strict) -> tuple[bytes, ...]:
        body = self._answer(operation, wanted)
        try:
            return wire.read(wire.Answer, body, limit=wire.MAX_ANSWER_BYTES).octets
        except MalformedError as error:
            raise _unreadable() from error

    def _answer(self, operation: Operation, wanted: Strict) -> bytes:
        answer = self._link.send(
            "POST", wire.PREFIX + operation, wire.write(wanted), limit=wire.MAX_ANSWER_BYTES
        )
        if answer.status == REFUSED:
            said = _refused(answer)
            raise BrokerRefusalError(said.message, **said.params)
        if answer.status != OK:
            raise _unavailable(answer)
        return answer.body


class RemoteCosigner:
    """``audit.ports.Cosigner`` in the protocol of C2SP tlog-witness."""

    def __init__(self, link: BrokerLink, name: str) -> None:
        self._link = link
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        body = AddCheckpoint(old_size, tuple(proof), note).to_bytes()
        answer = self._send("POST", wire.CHECKPOINT_PATH, body)
        if answer.status == OK:
            return answer.body
        if answer.status == CONFLICT:
            raise WitnessConflictError(
                "Ce témoin a cosigné en dernier le journal de {size} événements : la preuve doit "
                "partir de là.",
                size=_size(answer),
            )
        error = _WITNESS_ERRORS.get(answer.status)
        if error is None:
            raise LogUnavailableError(
                "Le gardien des clés ne cosigne pas le journal à présent (réponse {status}) : son "
                "exploitant vérifie qu'il est déverrouillé.",
                status=answer.status,
            )
        said = _refused(answer)
        raise error(said.message, **said.params)

    def last_size(self) -> int:
        answer = self._send("GET", wire.HEAD_PATH)
        if answer.status != OK:
            said = _unavailable(answer)
            raise LogUnavailableError(said.message, **said.params)
        try:
            return wire.read(wire.Head, answer.body).size
        except MalformedError as error:
            raise _log_unreadable() from error

    def _send(self, method: str, path: str, body: bytes = b"") -> LinkAnswer:
        try:
            return self._link.send(method, path, body, limit=MAX_LINES_BYTES)
        except BrokerUnavailableError as error:
            raise LogUnavailableError(error.message, **error.params) from error


def _refused(answer: LinkAnswer) -> wire.Refused:
    try:
        return wire.read(wire.Refused, answer.body)
    except MalformedError as error:
        raise _unreadable() from error


def _unavailable(answer: LinkAnswer) -> BrokerUnavailableError:
    said = _refused(answer)
    return BrokerUnavailableError(said.message, **said.params)


def _size(answer: LinkAnswer) -> int:
    try:
        return int(answer.body.decode("ascii").removesuffix("\n"))
    except (UnicodeDecodeError, ValueError) as error:
        raise _log_unreadable() from error


def _unreadable() -> BrokerUnavailableError:
    return BrokerUnavailableError(
        "Le gardien des clés a répondu de façon illisible : sa version est-elle celle du service ?"
    )


def _log_unreadable() -> LogUnavailableError:
    said = _unreadable()
    return LogUnavailableError(said.message, **said.params)
