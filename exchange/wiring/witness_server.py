"""The process of ``dossier witness serve``: C2SP tlog-witness over HTTP, and nothing else.

It sees checkpoints: a name, a size, a hash. It learns nothing of any event.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication

from audit.errors import WitnessConflictError, WitnessError
from audit.witness import MAX_WITNESS_PROOF
from crypto.errors import ExplainedError
from exchange.web.journal import configure_journal, journal_requests
from exchange.wiring.service import utc_now
from exchange.wiring.web_server import BOOT_FAILED, PRIVATE_UMASK, JournalLogger
from exchange.wiring.witness_store import WitnessStore

MAX_BODY_BYTES: Final = 64 * (MAX_WITNESS_PROOF + 1) + 65_536
"""Proof lines, and a checkpoint with some hundred signature lines."""

SIZE_TYPE: Final = "text/x.tlog.size"
TEXT: Final = "text/plain; charset=utf-8"
THREADS: Final = 16
"""Feeders of a few logs; each request takes some milliseconds under the store's lock."""


def witness_application(store: WitnessStore, entropy: Callable[[int], bytes]) -> Flask:
    """``add-checkpoint``, and for monitors the last cosigned checkpoint of each log."""
    app = Flask("dossier-witness", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    journal_requests(app, entropy)

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        """Cosign a checkpoint that extends the last one (tlog-witness, "add-checkpoint")."""
        try:
            return Response(store.add_checkpoint(request.get_data(), utc_now()), content_type=TEXT)
        except WitnessConflictError as error:
            return Response(f"{error.size}\n", error.STATUS, content_type=SIZE_TYPE)
        except WitnessError as error:
            return Response(f"{error}\n", error.STATUS, content_type=TEXT)

    @app.get("/<origin>/checkpoint")
    def checkpoint(origin: str) -> Response:
        """The last cosigned checkpoint of the log whose origin has this SHA-256, in hexadecimal."""
        note = store.last_cosigned(origin)
        if note is None:
            return Response("Ce témoin ne connaît pas ce journal.\n", 404, content_type=TEXT)
        return Response(note, content_type=TEXT)

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers."""
        return Response("ok\n", content_type=TEXT)

    return app


class WitnessServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One worker: the lock of the store would make others wait for it anyway."""

    def __init__(
        self,
        open_store: Callable[[], WitnessStore],
        listen: str,
        entropy: Callable[[int], bytes],
        announce: Callable[[], None],
    ) -> None:
        self._open_store = open_store
        self._listen = listen
        self._entropy = entropy
        self._announce = announce
        super().__init__()

    def load_config(self) -> None:
        """Everything that gunicorn would otherwise take from its own files and variables."""
        for name, value in {
            "bind": [self._listen],
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "preload_app": False,
            "proc_name": "dossier-witness",
            "umask": PRIVATE_UMASK,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "logger_class": JournalLogger,
            "when_ready": lambda _arbiter: self._announce(),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application; a store that cannot be used stops the process with its reason."""
        configure_journal()
        try:
            return witness_application(self._open_store(), self._entropy)
        except ExplainedError as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - the operator reads it here
            raise SystemExit(BOOT_FAILED) from error
