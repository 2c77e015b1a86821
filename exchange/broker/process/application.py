"""The broker's socket: one POST an operation of the port, and the witness's own protocol.

Whoever reaches it has a certificate of the broker's one authority (the web server asked for it in
the handshake); what is asked is then judged by the broker alone, as in the service's own process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from audit.errors import LogUnavailableError, WitnessConflictError, WitnessError
from audit.witness import AddCheckpoint
from crypto.errors import ExplainedError, MalformedError
from exchange.broker.in_process import InProcessBroker
from exchange.usecases import broker_wire as wire
from exchange.usecases.broker_wire import Operation
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"

REFUSED, BAD_REQUEST, NOT_FOUND, TOO_LARGE, FAILED, UNAVAILABLE = 403, 400, 404, 413, 500, 503


class BrokerApplication:
    """WSGI over one broker."""

    def __init__(self, broker: InProcessBroker, failed: Callable[[BaseException], object]) -> None:
        self._broker = broker
        self._failed = failed
        """Told of an unexpected error, for the operator's journal."""

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = wire.MAX_REQUEST_BYTES
        return self._answer(request)(environ, start)

    def _answer(self, request: Request) -> Response:
        try:
            return self._dispatch(request)
        except BrokerRefusalError as error:
            return _said(error, REFUSED)
        except (BrokerUnavailableError, LogUnavailableError) as error:
            return _said(error, UNAVAILABLE)
        except MalformedError as error:
            return _said(error, BAD_REQUEST)
        except RequestEntityTooLarge:
            return Response(status=TOO_LARGE)
        except Exception as error:  # noqa: BLE001 - told to the operator; the asker learns nothing
            self._failed(error)
            return Response(status=FAILED)

    def _dispatch(self, request: Request) -> Response:
        if request.path == wire.HEAD_PATH and request.method == "GET":
            size = self._broker.cosigner.last_size()
            return Response(wire.write(wire.Head(size=size)), content_type=JSON)
        if request.method != "POST":
            return Response(status=NOT_FOUND)
        if request.path == wire.CHECKPOINT_PATH:
            return self._cosign(request.get_data())
        try:
            operation = Operation(request.path.removeprefix(wire.PREFIX))
        except ValueError:
            return Response(status=NOT_FOUND)
        wanted = wire.read(wire.REQUESTS[operation], request.get_data())
        if isinstance(wanted, wire.OpeningsWanted):
            outcomes = wire.Outcomes.of(self._broker.open_together(wanted.requests()))
            return Response(wire.write(outcomes), content_type=JSON)
        octets = perform(self._broker, operation, wanted)
        return Response(wire.write(wire.Answer(octets=octets)), content_type=JSON)

    def _cosign(self, body: bytes) -> Response:
        try:
            asked = AddCheckpoint.parse(body)
            line = self._broker.cosigner.add_checkpoint(asked.old_size, asked.proof, asked.note)
        except WitnessConflictError as error:
            return Response(f"{error.size}\n", error.STATUS, content_type=wire.SIZE_TYPE)
        except WitnessError as error:
            return _said(error, error.STATUS)
        return Response(line, content_type=TEXT)


def perform(broker: InProcessBroker, operation: Operation, wanted: Any) -> tuple[bytes, ...]:
    """Run one operation; the answer as byte strings."""
    match operation:
        case Operation.ACKNOWLEDGE:
            broker.acknowledge(wanted.attested())
            return ()
        case Operation.ACKNOWLEDGE_POLICIES:
            broker.acknowledge_policies([each.attested() for each in wanted.policies])
            return ()
        case Operation.DESTROY_EXPIRED:
            return broker.destroy_expired()
        case Operation.RECORD:
            return broker.record()
        case _:
            return (_statement(broker, operation, wanted),)


def _statement(broker: InProcessBroker, operation: Operation, wanted: Any) -> bytes:
    match operation:
        case Operation.MAKE_RELEASE_KEY:
            return broker.make_release_key(wanted.deposit, wanted.sitting)
        case Operation.STATUS:
            return broker.status(wanted.nonce, wanted.sitting, wanted.includes)
        case Operation.DESTROY:
            return broker.destroy(wanted.because)
    raise AssertionError(operation)


def _said(error: ExplainedError, status: int) -> Response:
    return Response(wire.write(wire.refused(error)), status, content_type=JSON)
