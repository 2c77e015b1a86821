"""The web server: gunicorn with threads, started by the program itself."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from crypto.errors import ExplainedError
from exchange.settings import Settings
from exchange.usecases.errors import UnavailableError
from exchange.web.context import EXTENSION
from exchange.web.journal import JsonLines, configure_journal, journal_failure
from exchange.wiring.late_start import LateStart
from exchange.wiring.metrics import MetricsServer, worker_metrics
from exchange.wiring.pulse import Pulse
from exchange.wiring.service import WiredService, wire_service
from exchange.wiring.sweeper import Sweeper

WORKER_TIMEOUT_SECONDS: Final = 120
"""A worker whose threads are all stuck for this long is replaced. A single slow transfer is not
that: each of the other threads still answers."""

GRACEFUL_SECONDS: Final = 10
"""What a request under way gets at a stop; each longer one (a download) resumes by range."""

KEEP_ALIVE_SECONDS: Final = 5
REQUEST_LINE_BYTES: Final = 8_190
"""A status query that names a hundred statements; gunicorn's largest."""

BOOT_FAILED: Final = 3
"""gunicorn's exit code of a worker that could not start: its master then stops, too."""

PRIVATE_UMASK: Final = 0o077
"""gunicorn's default would make every file of the worker writable by anybody."""


class JournalLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own messages as lines of the journal: the templates only, because their values
    may hold a client's address or path.
    """

    def setup(self, cfg: Any) -> None:
        """Send them where the journal goes."""
        del cfg
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        self.error_log.handlers = [handler]
        self.error_log.propagate = False
        self.error_log.setLevel(logging.ERROR)


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn over this program's application, which each worker makes for itself.

    Made after forking: a database connection, a lock or a random state that two processes share is
    a fault waiting.
    """

    def __init__(self, settings: Settings, announce: Callable[[], None]) -> None:
        self._settings = settings
        self._announce = announce
        self._wired: WiredService | None = None
        self._threads: list[Sweeper | Pulse] = []
        listen = settings.metrics_listen
        self._metrics = MetricsServer(listen) if listen else None
        super().__init__()

    def load_config(self) -> None:
        """Everything that gunicorn would otherwise take from its own files and variables."""
        for name, value in {
            "bind": [self._settings.listen],
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": "gthread",
            "timeout": WORKER_TIMEOUT_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "limit_request_line": REQUEST_LINE_BYTES,
            "preload_app": False,
            "proc_name": "dossier-serve",
            "umask": PRIVATE_UMASK,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "logger_class": JournalLogger,
            "when_ready": lambda _arbiter: self._begin(),
            "child_exit": lambda _arbiter, worker: self._forget(worker.pid),
            "worker_exit": lambda _arbiter, _worker: self._close(),
            "on_exit": lambda _arbiter: self._end(),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> LateStart:
        """The application of one worker; a worker that cannot start says why.

        What is wrong with the instance stops the service. What is only away (a worker died while the
        database restarts) does not: this one answers so until it is back.
        """
        configure_journal()
        late = LateStart(self._make)
        try:
            late.begin()
        except UnavailableError as error:
            journal_failure(error)
        except ExplainedError as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - the operator reads it here
            raise SystemExit(BOOT_FAILED) from error
        return late

    def _make(self) -> Flask:
        self._wired = wired = wire_service(self._settings)
        app = wired.application()
        metrics = worker_metrics(app) if self._metrics else None
        if metrics is not None:
            self._threads.append(Pulse(wired, app.extensions[EXTENSION].readiness, metrics))
        self._threads.append(Sweeper(wired, swept=metrics.sweep_ended if metrics else None))
        for thread in self._threads:
            thread.start()
        return app

    def _begin(self) -> None:
        if self._metrics is not None:
            self._metrics.start()
        self._announce()

    def _forget(self, pid: int) -> None:
        if self._metrics is not None:
            self._metrics.forget(pid)

    def _close(self) -> None:
        for thread in self._threads:
            thread.stop()
        if self._wired is not None:
            self._wired.close()

    def _end(self) -> None:
        if self._metrics is not None:
            self._metrics.close()


def check_before_serving(settings: Settings) -> None:
    """Fail in the foreground what would fail in each worker; raises ExplainedError."""
    wire_service(settings).close()
