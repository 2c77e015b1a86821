"""What an operator does besides serving: migrate the database, and find out what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from crypto.errors import ExplainedError
from exchange.settings import Settings, read_cookie_secret
from exchange.wiring.broker import wire_broker
from exchange.wiring.service import log_policy, read_log_signer, read_trust, utc_now
from storage.database import FileHighWater, current, migrate, open_database
from storage.objects import open_objects

EARLIEST_CREDIBLE: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""Before this program existed: a machine whose clock says so has lost it."""

OTHERS_MAY_READ: Final = 0o077

SYNCHRONISED_MARKS: Final = ("/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid")
"""Left by the two time services of a usual Linux."""


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried. ``text`` is for the operator, in French."""

    subject: str
    verdict: Verdict
    text: str


Results = Iterator[tuple[Verdict, str]]


def migrate_database(settings: Settings) -> tuple[str | None, str | None]:
    """Bring the schema to this version; the versions before and after."""
    before = _version(settings)
    migrate(settings.database_url)
    return before, _version(settings)


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Try everything that a worker needs; a failing check does not hide the next."""
    found: list[Finding] = []
    for subject, check in CHECKS:
        try:
            found.extend(Finding(subject, verdict, text) for verdict, text in check(settings))
        except ExplainedError as error:
            found.append(Finding(subject, Verdict.FAILURE, str(error)))
        except OSError as error:
            found.append(Finding(subject, Verdict.FAILURE, error.strerror or type(error).__name__))
    return tuple(found)


def _database(settings: Settings) -> Results:
    database = open_database(settings.database_url)
    try:
        database.check_schema()
        database.log_store.published()
    finally:
        database.close()
    yield Verdict.OK, f"joignable, schéma {current(settings.database_url)}."


def _objects(settings: Settings) -> Results:
    store = open_objects(settings.objects_url, clock=utc_now, entropy=os.urandom)
    upload = store.begin()
    store.abort(upload)
    yield Verdict.OK, "lecture et écriture possibles."


def _trust(settings: Settings) -> Results:
    trust = read_trust(settings)
    keys = len(trust.root_keys)
    yield Verdict.OK, f"commission {trust.commission}, {trust.threshold} signature(s) sur {keys}."
    database = open_database(settings.database_url)
    try:
        policy = log_policy(trust, database.readings)()
    finally:
        database.close()
    if policy is None:
        yield Verdict.WARNING, "la politique n° 1 n'est pas encore publiée."
    elif str(read_log_signer(settings).verifier) not in map(str, policy.log_keys):
        yield Verdict.FAILURE, "la politique ne désigne pas la clé de ce journal."
    elif not policy.independent_witnesses:
        yield Verdict.WARNING, "aucun témoin indépendant ne cosigne le journal."


def _keys(settings: Settings) -> Results:
    read_log_signer(settings)
    read_cookie_secret(settings)
    yield Verdict.OK, "clé du journal et secret des cookies lisibles."
    for path in (settings.log_key_file, settings.cookie_secret_file):
        if path.stat().st_mode & OTHERS_MAY_READ:
            yield Verdict.WARNING, f"« {path} » est lisible par d'autres : chmod 600."


def _high_water(settings: Settings) -> Results:
    note = FileHighWater(settings.high_water_file).read()
    if not os.access(settings.high_water_file.parent, os.W_OK):
        yield Verdict.FAILURE, f"« {settings.high_water_file.parent} » n'accepte pas d'écriture."
    elif note is None:
        yield Verdict.WARNING, "aucun état signé encore : normal avant le premier événement."
    else:
        yield Verdict.OK, "présent."
    folder = _sqlite_folder(settings)
    if folder is not None and _same_volume(folder, settings.high_water_file.parent):
        yield (
            Verdict.WARNING,
            "sur le même volume que la base : une restauration remettrait les deux.",
        )


def _broker(settings: Settings) -> Results:
    size = wire_broker(settings, utc_now, os.urandom).cosigner.last_size()
    yield Verdict.OK, f"joignable, {size} événement(s) cosigné(s)."


def _clock(_settings: Settings) -> Results:
    now = utc_now()
    if now < EARLIEST_CREDIBLE:
        yield Verdict.FAILURE, f"l'horloge indique {now:%d/%m/%Y} : réglez-la."
    elif not _synchronised():
        yield Verdict.WARNING, f"{now:%d/%m/%Y %H:%M:%S} UTC ; synchronisation NTP non constatée."
    else:
        yield Verdict.OK, f"{now:%d/%m/%Y %H:%M:%S} UTC, synchronisée."


def _address(settings: Settings) -> Results:
    local = settings.public_url.startswith(("http://127.", "http://localhost", "http://[::1]"))
    if settings.secure or local:
        yield Verdict.OK, settings.public_url
    else:
        yield (
            Verdict.FAILURE,
            f"{settings.public_url} n'est pas en https : les clients la refusent.",
        )


CHECKS: Final[tuple[tuple[str, Callable[[Settings], Results]], ...]] = (
    ("base de données", _database),
    ("stockage", _objects),
    ("clés du service", _keys),
    ("confiance", _trust),
    ("repère du journal", _high_water),
    ("gardien des clés", _broker),
    ("adresse publique", _address),
    ("horloge", _clock),
)


def _version(settings: Settings) -> str | None:
    path = _sqlite_path(settings)
    return None if path is not None and not path.exists() else current(settings.database_url)


def _sqlite_path(settings: Settings) -> Path | None:
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path) if scheme == "sqlite" else None


def _sqlite_folder(settings: Settings) -> Path | None:
    path = _sqlite_path(settings)
    return path.parent if path is not None else None


def _same_volume(first: Path, second: Path) -> bool:
    return first.stat().st_dev == second.stat().st_dev


def _synchronised() -> bool:
    """Whether systemd-timesyncd or chrony says that it set the clock since the machine started."""
    return any(Path(mark).exists() for mark in SYNCHRONISED_MARKS)
