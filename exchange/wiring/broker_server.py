"""The process of ``dossier broker serve``: gunicorn with mutual TLS over one broker.

One worker: the unlocked key lives in one process's memory. Its threads wait for slow peers; the
broker's work itself goes one request after the other, under the lock of its store.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Final

from gunicorn.app.base import BaseApplication

from crypto.errors import ExplainedError
from exchange.broker.in_process import InProcessBroker
from exchange.broker.process.application import BrokerApplication
from exchange.broker.process.counter import Counter
from exchange.remote_broker.link import AUTHORITY_FILE
from exchange.settings_broker import BrokerSettings, read_passphrase_file
from exchange.usecases.broker_wire import Custody
from exchange.web.journal import configure_journal, journal_failure
from exchange.wiring.broker_host import BROKER_CERTIFICATE, BROKER_KEY, TLS_DIRECTORY
from exchange.wiring.service import utc_now
from exchange.wiring.web_server import BOOT_FAILED, PRIVATE_UMASK, JournalLogger

THREADS: Final = 32
"""One a connection that the service keeps open (``remote_broker.link.POOL_SIZE``)."""

KEEP_ALIVE_SECONDS: Final = 120
"""The service's connections stay open between requests: a handshake costs more than an opening."""

NO_TIMEOUT: Final = 0
"""A replaced worker would be a locked broker. Threads that wait for a slow peer hold up no other."""

GRACEFUL_SECONDS: Final = 10

SWEEP_SECONDS: Final = 300.0
"""The broker ends overdue keys by its own clock, whether the service asks or not (DESIGN, 5)."""


class BrokerServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The worker makes the broker for itself, after forking."""

    def __init__(self, settings: BrokerSettings, announce: Callable[[], None]) -> None:
        self._settings = settings
        self._announce = announce
        self._counter: Counter | None = None
        self._stopped = threading.Event()
        super().__init__()

    def load_config(self) -> None:
        """Everything that gunicorn would otherwise take from its own files and variables."""
        tls = self._settings.directory / TLS_DIRECTORY
        for name, value in {
            "bind": [self._settings.listen],
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "timeout": NO_TIMEOUT,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "preload_app": False,
            "proc_name": "dossier-broker",
            "umask": PRIVATE_UMASK,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "logger_class": JournalLogger,
            "certfile": str(tls / BROKER_CERTIFICATE),
            "keyfile": str(tls / BROKER_KEY),
            "ca_certs": str(tls / AUTHORITY_FILE),
            "cert_reqs": ssl.CERT_REQUIRED,
            "do_handshake_on_connect": False,
            "ssl_context": lambda _config, _factory: tls_context(self._settings),
            "when_ready": lambda _arbiter: self._announce(),
            "worker_exit": lambda _arbiter, _worker: self._close(),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> BrokerApplication:
        """The application of the worker; one that cannot start says why."""
        configure_journal()
        try:
            broker = open_broker(self._settings)
            self._counter = Counter(self._settings.directory, broker, journal_failure)
            self._counter.start()
        except (ExplainedError, OSError) as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - the operator reads it here
            raise SystemExit(BOOT_FAILED) from error
        threading.Thread(target=self._sweep, args=(broker,), name="sweep", daemon=True).start()
        return BrokerApplication(broker, journal_failure)

    def _sweep(self, broker: InProcessBroker) -> None:
        while not self._stopped.wait(SWEEP_SECONDS):
            if broker.is_locked():
                continue
            try:
                broker.destroy_expired()
            except Exception as error:  # noqa: BLE001 - the next period tries again
                journal_failure(error)

    def _close(self) -> None:
        self._stopped.set()
        if self._counter is not None:
            self._counter.stop()


def open_broker(settings: BrokerSettings) -> InProcessBroker:
    """The broker over its store, unlocked if its passphrase is in a file or credential.

    Raises BrokerStoreError, SettingsError.
    """
    broker = InProcessBroker(settings.directory, utc_now, os.urandom, Custody.SEPARATE)
    passphrase = read_passphrase_file(settings)
    if passphrase is not None:
        broker.unlock(passphrase)
    return broker


def check_broker(settings: BrokerSettings) -> None:
    """Fail in the foreground what would fail in the worker; raises ExplainedError.

    The passphrase itself is tried by the worker: scrypt twice would double the start.
    """
    InProcessBroker(settings.directory, utc_now, os.urandom, Custody.SEPARATE)
    tls_context(settings)


def tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """TLS 1.3, the broker's certificate, and nobody in without one of the same authority."""
    tls = settings.directory / TLS_DIRECTORY
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    context.load_verify_locations(tls / AUTHORITY_FILE)
    context.load_cert_chain(tls / BROKER_CERTIFICATE, tls / BROKER_KEY)
    return context
