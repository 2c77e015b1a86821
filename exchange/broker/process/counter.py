"""The operator's counter: a local socket to unlock a running broker and to ask how it is.

It is a file of the broker's private directory: who may open it is who owns the store. The passphrase
passes through it once and is kept nowhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import Field

from crypto.errors import ExplainedError, MalformedError
from crypto.statements.model import Strict
from exchange.broker.errors import BrokerStoreError
from exchange.broker.in_process import InProcessBroker
from exchange.usecases.broker_wire import Message, Param, plain_params, read, write

SOCKET_NAME: Final = "broker.sock"
_UNREADY_NAME: Final = "broker.sock.new"
MAX_MESSAGE_BYTES: Final = 8_192
"""A passphrase of 1,024 bytes, escaped, and the field names."""

SECONDS: Final = 60.0
"""Unlocking takes a second of scrypt, and longer on a small machine."""


class Wish(StrEnum):
    """What an operator may ask."""

    UNLOCK = "unlock"
    STATUS = "status"


class Asked(Strict):
    """One request; ``passphrase`` only to unlock."""

    wish: Wish = Field(strict=False)
    passphrase: str | None = Field(default=None, repr=False)


class Told(Strict):
    """The answer: an error's ``message``, or the broker's state."""

    message: Message | None = None
    params: dict[str, Param] = Field(default_factory=dict)
    locked: bool = False
    figures: dict[str, int] = Field(default_factory=dict)


class Counter:
    """Serves the socket from a thread of the broker's process."""

    def __init__(
        self,
        directory: Path,
        broker: InProcessBroker,
        failed: Callable[[BaseException], object],
    ) -> None:
        self._directory = directory
        self._broker = broker
        self._failed = failed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._run, name="counter", daemon=True)

    def start(self) -> None:
        """Bind the socket, in place of one that a crash left, and answer."""
        beside = self._directory / _UNREADY_NAME
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        with _short_path(self._directory, _UNREADY_NAME) as path:
            self._socket.bind(path)
        beside.chmod(0o600)
        self._socket.listen()
        # Under its name only once it listens: who finds it is answered.
        beside.replace(self._directory / SOCKET_NAME)
        self._thread.start()

    def stop(self) -> None:
        """Close it; a request under way is cut."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with contextlib.suppress(OSError):
            (self._directory / SOCKET_NAME).unlink()

    def _run(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(SECONDS)
                try:
                    told = self._tell(read(Asked, _receive(connection), limit=MAX_MESSAGE_BYTES))
                except ExplainedError as error:
                    told = Told(
                        message=error.message,
                        params=plain_params(error.params),
                        locked=self._broker.is_locked(),
                    )
                except OSError:
                    continue  # the asker went away
                except Exception as error:  # noqa: BLE001 - the counter stays open
                    self._failed(error)
                    continue
                with contextlib.suppress(OSError):
                    connection.sendall(write(told))

    def _tell(self, asked: Asked) -> Told:
        if asked.wish is Wish.UNLOCK:
            self._broker.unlock(asked.passphrase or "-")
        if self._broker.is_locked():
            return Told(locked=True)
        seen = self._broker.overview()
        return Told(
            figures={
                "live_keys": seen.live_keys,
                "log_size": seen.log_size,
                "status_number": seen.status_number,
                "trust_version": seen.trust_version,
            }
        )


def ask(directory: Path, asked: Asked) -> Told:
    """Ask the broker that runs over ``directory``; raises BrokerStoreError when none answers."""
    try:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
            _short_path(directory) as path,
        ):
            connection.settimeout(SECONDS)
            connection.connect(path)
            connection.sendall(write(asked))
            connection.shutdown(socket.SHUT_WR)
            return read(Told, _receive(connection), limit=MAX_MESSAGE_BYTES)
    except (OSError, MalformedError) as error:
        raise BrokerStoreError(
            "Aucun gardien des clés ne répond dans « {path} » : lancez d'abord « dossier broker "
            "serve », sous le même compte.",
            path=directory,
        ) from error


def answers(directory: Path) -> bool:
    """Whether a broker runs over ``directory``, locked or not."""
    try:
        ask(directory, Asked(wish=Wish.STATUS))
    except BrokerStoreError:
        return False
    return True


@contextmanager
def _short_path(directory: Path, name: str = SOCKET_NAME) -> Iterator[str]:
    """The socket's path through a descriptor of its directory: a socket's name has 107 bytes."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def _receive(connection: socket.socket) -> bytes:
    data = b""
    while len(data) <= MAX_MESSAGE_BYTES and (piece := connection.recv(MAX_MESSAGE_BYTES)):
        data += piece
    return data
