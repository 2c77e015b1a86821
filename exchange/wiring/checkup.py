"""``doctor``: try everything that a worker needs, and say what is missing before users find out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from crypto.digests import sha256
from crypto.errors import ExplainedError
from exchange.settings import Settings, read_cookie_secret
from exchange.usecases.broker_wire import Custody
from exchange.usecases.ports import Clock
from exchange.wiring.broker import wire_broker
from exchange.wiring.service import log_policy, read_log_signer, read_trust, utc_now
from storage.database import FileHighWater, current, open_database
from storage.objects import open_objects

EARLIEST_CREDIBLE: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""Before this program existed: a machine whose clock says so has lost it."""

PROBE_PART_BYTES: Final = 8_388_608
"""8 MiB, as the parts of a deposit."""

OTHERS_MAY_READ: Final = 0o077

SYNCHRONISED_MARKS: Final = ("/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid")
"""Left by the two time services of a usual Linux."""

LOCAL_ADDRESSES: Final = ("http://127.", "http://localhost", "http://[::1]")
"""Where clients accept plain HTTP: on this machine itself."""


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


SENTENCES: Final = {
    "database": "joignable, schéma {version}.",
    "objects": "dépôt par parties, lecture partielle, liste et effacement essayés.",
    "objects-differ": "ce qui a été écrit n'est pas ce qui est relu ou listé.",
    "trust": "commission {commission}, {threshold} signature(s) sur {keys}.",
    "no-policy": "la politique de confiance n° 1 n'est pas encore publiée.",
    "foreign-log-key": "la politique de confiance ne désigne pas la clé de ce journal.",
    "no-witness": "aucun témoin indépendant ne cosigne le journal.",
    "keys": "clé du journal et secret des cookies lisibles.",
    "readable": "« {path} » est lisible par d'autres : lancez chmod 600.",
    "unwritable": "« {path} » n'accepte pas d'écriture.",
    "no-mark": "aucun état signé encore : normal avant le premier événement.",
    "mark": "le repère est présent.",
    "same-volume": "le repère est sur le même volume que la base : restaurer l'un restaure l'autre.",
    "broker": "dans le processus du service, {size} événement(s) cosigné(s).",
    "broker-separate": "dans son propre processus, joignable, {size} événement(s) cosigné(s).",
    "clock-lost": "l'horloge indique {now:%d/%m/%Y} : réglez-la.",
    "clock-free": "{now:%d/%m/%Y %H:%M:%S} UTC ; synchronisation NTP non constatée.",
    "clock": "{now:%d/%m/%Y %H:%M:%S} UTC, synchronisée.",
    "address": "les clients acceptent {url}.",
    "clear-address": "{url} n'est pas en https : les clients la refusent.",
    "system": "le système a refusé ({reason}).",
}
"""What a check found (msgids)."""

LABELS: Final = {
    "database": "Base de données",
    "objects": "Stockage des textes chiffrés",
    "keys": "Clés du service",
    "trust": "Confiance épinglée",
    "mark": "Repère du journal",
    "broker": "Gardien des clés",
    "address": "Adresse publique",
    "clock": "Horloge du service",
}
"""What is checked (msgids)."""


@dataclass(frozen=True)
class Finding:
    """One thing that was tried. ``label`` and ``message`` are msgids; ``params`` fill the latter."""

    label: str
    verdict: Verdict
    message: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Result:
    verdict: Verdict
    sentence: str
    params: dict[str, Any]


def _ok(sentence: str, **params: Any) -> _Result:
    return _Result(Verdict.OK, sentence, params)


def _warning(sentence: str, **params: Any) -> _Result:
    return _Result(Verdict.WARNING, sentence, params)


def _failure(sentence: str, **params: Any) -> _Result:
    return _Result(Verdict.FAILURE, sentence, params)


def examine(settings: Settings, clock: Clock = utc_now) -> tuple[Finding, ...]:
    """Try everything; a check that fails does not hide the next."""
    found: list[Finding] = []
    for subject, check in CHECKS.items():
        label = LABELS[subject]
        try:
            for result in check(settings, clock):
                message = SENTENCES[result.sentence]
                found.append(Finding(label, result.verdict, message, result.params))
        except ExplainedError as error:
            found.append(Finding(label, Verdict.FAILURE, error.message, error.params))
        except OSError as error:
            reason = {"reason": error.strerror or type(error).__name__}
            found.append(Finding(label, Verdict.FAILURE, SENTENCES["system"], reason))
    return tuple(found)


def _database(settings: Settings, _clock: Clock) -> Iterator[_Result]:
    database = open_database(settings.database_url)
    try:
        database.check_schema()
        database.log_store.published()
    finally:
        database.close()
    yield _ok("database", version=current(settings.database_url))


def _objects(settings: Settings, clock: Clock) -> Iterator[_Result]:
    store = open_objects(settings.objects_url, clock=clock, entropy=os.urandom)
    upload = store.begin()
    try:
        # Longer than a part of a multipart upload: S3 then needs every right that a deposit takes.
        parts = (bytes(PROBE_PART_BYTES), b"!")
        for number, part in enumerate(parts, start=1):
            store.put_part(upload, number, part, sha256(part))
        whole = b"".join(parts)
        name = store.commit(upload, len(whole), sha256(whole))
        read = b"".join(store.read(name, PROBE_PART_BYTES))
        listed = name in store.names()
        store.delete(name)
    finally:
        store.abort(upload)
    if read != b"!" or not listed:
        yield _failure("objects-differ")
    else:
        yield _ok("objects")


def _keys(settings: Settings, _clock: Clock) -> Iterator[_Result]:
    read_log_signer(settings)
    read_cookie_secret(settings)
    yield _ok("keys")
    for path in (settings.log_key_file, settings.cookie_secret_file):
        if path.stat().st_mode & OTHERS_MAY_READ:
            yield _warning("readable", path=path)


def _trust(settings: Settings, _clock: Clock) -> Iterator[_Result]:
    trust = read_trust(settings)
    keys = len(trust.root_keys)
    yield _ok("trust", commission=trust.commission, threshold=trust.threshold, keys=keys)
    database = open_database(settings.database_url)
    try:
        policy = log_policy(trust, database.readings)()
    finally:
        database.close()
    if policy is None:
        yield _warning("no-policy")
    elif str(read_log_signer(settings).verifier) not in map(str, policy.log_keys):
        yield _failure("foreign-log-key")
    elif not policy.independent_witnesses:
        yield _warning("no-witness")


def _mark(settings: Settings, _clock: Clock) -> Iterator[_Result]:
    note = FileHighWater(settings.high_water_file).read()
    folder = settings.high_water_file.parent
    if not os.access(folder, os.W_OK):
        yield _failure("unwritable", path=folder)
    elif note is None:
        yield _warning("no-mark")
    else:
        yield _ok("mark")
    database = sqlite_path(settings)
    if database is not None and database.parent.stat().st_dev == folder.stat().st_dev:
        yield _warning("same-volume")


def _broker(settings: Settings, clock: Clock) -> Iterator[_Result]:
    wired = wire_broker(settings, clock, os.urandom)
    size = wired.cosigner.last_size()
    if wired.custody is Custody.SEPARATE:
        yield _ok("broker-separate", size=size)
    else:
        yield _ok("broker", size=size)


def _address(settings: Settings, _clock: Clock) -> Iterator[_Result]:
    accepted = settings.secure or settings.public_url.startswith(LOCAL_ADDRESSES)
    yield (_ok if accepted else _failure)(
        "address" if accepted else "clear-address", url=settings.public_url
    )


def _time(_settings: Settings, clock: Clock) -> Iterator[_Result]:
    now = clock()
    if now < EARLIEST_CREDIBLE:
        yield _failure("clock-lost", now=now)
    elif not any(Path(mark).exists() for mark in SYNCHRONISED_MARKS):
        yield _warning("clock-free", now=now)
    else:
        yield _ok("clock", now=now)


CHECKS: Final[dict[str, Callable[[Settings, Clock], Iterator[_Result]]]] = {
    "database": _database,
    "objects": _objects,
    "keys": _keys,
    "trust": _trust,
    "mark": _mark,
    "broker": _broker,
    "address": _address,
    "clock": _time,
}
"""In the order in which they are shown."""


def sqlite_path(settings: Settings) -> Path | None:
    """The database's file, where it is one."""
    scheme, _, path = settings.database_url.partition(":///")
    return Path(path) if scheme == "sqlite" else None
