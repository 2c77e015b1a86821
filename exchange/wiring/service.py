"""From settings to a running service: the one place that knows every package of the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from flask import Flask

from audit.log import AuditLog
from audit.note import NoteSigner
from audit.policy import LogPolicy
from crypto.errors import ExplainedError
from crypto.keys import Entropy
from crypto.statements import parse
from crypto.statements.custody import Emergency
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, accept_signed
from exchange.settings import Settings, SettingsError, read_secret
from exchange.usecases.emergency import log_rules
from exchange.usecases.ports import Clock, Transactions
from exchange.usecases.service import Limits, Service
from exchange.web.app import create_app
from exchange.wiring.broker import WiredBroker, wire_broker
from exchange.wiring.witnesses import PolicyWitnesses
from storage.database import Database, FileHighWater, open_database
from storage.objects import open_objects

RULES_KEPT: Final = 8
"""Those in force, those before them, and those of other instances in one process (tests, the demo)."""

DAYS_PER_MONTH: Final = timedelta(days=30.5)
"""Twelve of them are the 366 days of a leap year: nothing is erased before a calendar year is over."""


@dataclass(frozen=True)
class WiredService:
    """One process's service. Make it after forking, ``close`` it at the end."""

    settings: Settings
    service: Service
    broker: WiredBroker
    log: AuditLog
    database: Database

    def application(self) -> Flask:
        """The WSGI application."""
        probes = {
            "broker": self.broker.cosigner.last_size,
            "witnesses": self.log.require_quorum,
        }
        return create_app(self.service, self.settings, probes)

    def close(self) -> None:
        """Give the database's connections back."""
        self.database.close()


def utc_now() -> datetime:
    """The clock of every process."""
    return datetime.now(UTC)


def wire_service(
    settings: Settings, *, clock: Clock = utc_now, entropy: Entropy = os.urandom
) -> WiredService:
    """Open everything that ``settings`` names; raises an ExplainedError that names what lacks.

    An unmigrated schema is refused here, before a request can meet it.
    """
    trust = read_trust(settings)
    signer = read_log_signer(settings)
    database = open_database(settings.database_url)
    database.check_schema()
    broker = wire_broker(settings, clock, entropy)
    log = AuditLog(
        store=database.log_store,
        high_water=FileHighWater(settings.high_water_file),
        signer=signer,
        cosigners=[broker.cosigner],
        policy=log_policy(trust, database.readings),
        clock=clock,
        witnesses=PolicyWitnesses(),
    )
    service = Service(
        transactions=database.transactions,
        readings=database.readings,
        unordered=database.unordered,
        log=log,
        log_store=database.log_store,
        broker=broker.broker,
        objects=open_objects(settings.objects_url, clock=clock, entropy=entropy),
        clock=clock,
        entropy=entropy,
        trust=trust,
        origin=settings.origin,
        limits=Limits(
            retention=settings.retention_months * DAYS_PER_MONTH,
            purge_delay=timedelta(days=settings.purge_after_days),
        ),
    )
    return WiredService(settings, service, broker, log, database)


def read_trust(settings: Settings) -> Trust:
    """The pinned trust; raises SettingsError."""
    try:
        return Trust.parse(settings.trust_file.read_bytes())
    except (OSError, ExplainedError) as error:
        raise SettingsError(
            "Le fichier de confiance « {path} » ne peut pas être lu : restaurez « trust.json ».",
            path=settings.trust_file,
        ) from error


def read_log_signer(settings: Settings) -> NoteSigner:
    """The log's signing key, which must bear the origin's name; raises SettingsError."""
    try:
        signer = NoteSigner.parse(read_secret(settings.log_key_file))
    except ExplainedError as error:
        raise SettingsError(
            "La clé du journal « {path} » ne peut pas être lue : {reason}",
            path=settings.log_key_file,
            reason=str(error),
        ) from error
    if signer.name != settings.origin:
        raise SettingsError(
            "La clé du journal est celle de « {got} » et non de « {expected} » (origin) : vérifiez la "
            "configuration.",
            got=signer.name,
            expected=settings.origin,
        )
    return signer


def log_policy(trust: Trust, readings: Transactions) -> Callable[[], LogPolicy | None]:
    """The log's rules by the latest accepted trust policy, read anew at each call.

    The chain is verified from the pinned root again, and so are emergencies: what was slipped into
    the database by other means than ``POST /statements`` must not choose the log's witnesses.
    """

    def policy() -> LogPolicy | None:
        with readings() as work:
            signed = work.statements.signed(TrustPolicy, Emergency)
        policies = tuple(each.envelope for each in signed if each.kind is TrustPolicy)
        emergencies = tuple(each.envelope for each in signed if each.kind is Emergency)
        return _rules(trust, policies, emergencies) if policies else None

    return policy


@lru_cache(maxsize=RULES_KEPT)
def _rules(trust: Trust, policies: tuple[bytes, ...], emergencies: tuple[bytes, ...]) -> LogPolicy:
    """What these statements make the rules: remembered, because they hang on nothing else."""
    chain = accept_signed(trust, policies)
    return log_rules(chain, [parse(Emergency, each) for each in emergencies])
