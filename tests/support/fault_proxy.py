"""A TCP way to a service that can be slow, answer errors, break off, or be gone."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

PIECE_BYTES = 65_536
SLOW_SECONDS = 0.3
"""Before each connection's first byte."""
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Way(Enum):
    """What the way does to each new connection."""

    OPEN = "open"
    SLOW = "slow"
    ERRORS = "errors"
    CUT = "cut"
    """Breaks off in the middle of what is sent."""
    GONE = "gone"


class FaultProxy:
    """Listens on a port of the loopback and carries bytes to ``target``, as ``way`` says."""

    def __init__(self, target: tuple[str, int], port: int = 0) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        self.way = Way.OPEN
        self.heard: list[bytearray] = []
        """What was carried, one way of one connection each."""

    def becomes(self, way: Way) -> None:
        """Change; connections under way end, as they would at a fault."""
        self.way = way
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Accept until :meth:`close`."""
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client, self.way), daemon=True).start()

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.becomes(Way.GONE)

    def _carry(self, client: socket.socket, way: Way) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(client)
            if way is Way.GONE:
                return
            if way is Way.ERRORS:
                client.recv(PIECE_BYTES)
                client.sendall(UNAVAILABLE)
                return
            if way is Way.SLOW:
                time.sleep(SLOW_SECONDS)
            service = stack.enter_context(socket.create_connection(self._target, timeout=30))
            pair = {client, service}
            self._open |= pair
            asked, answered = bytearray(), bytearray()
            self.heard += [asked, answered]
            back = threading.Thread(
                target=_pump, args=(service, client, None, answered), daemon=True
            )
            back.start()
            _pump(client, service, 2 * PIECE_BYTES if way is Way.CUT else None, asked)
            back.join()
            self._open -= pair


def _pump(source: socket.socket, sink: socket.socket, limit: int | None, heard: bytearray) -> None:
    carried = 0
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            carried += len(piece)
            if limit is not None and carried > limit:
                break
            heard += piece
            sink.sendall(piece)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def fault_proxy(host: str, port: int, *, at: int = 0) -> Iterator[FaultProxy]:
    """A way to ``host:port``, open at first; it listens ``at`` that port (0: any)."""
    proxy = FaultProxy((host, port), at)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
