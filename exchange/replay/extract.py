"""What the log says of one dossier, for the person whose dossier it is (GDPR, article 15).

An extract holds the events of that dossier alone, each as a receipt that anybody verifies against the
pinned root, and the trust policies that the receipts are verified by. It names seats and never members:
whose device a certificate is stands in statements that stay with the auditor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.events import EventDetails, EventType
from audit.merkle import inclusion_proof
from audit.policy import LogPolicy
from audit.receipts import build_receipt, verify_receipt
from audit.tiles import TileHashes, TilePath, width_at
from crypto.digests import Digest
from crypto.errors import CryptoError
from crypto.statements import parse, parse_any
from crypto.statements.custody import Emergency
from crypto.statements.exchange import Manifest
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, accept_chain
from exchange.replay.bundle import Bundle, BundledLog
from exchange.replay.errors import BundleError
from exchange.replay.report import Report
from exchange.usecases.bundle_layout import (
    LOG_PREFIX,
    decode_disclosure,
    disclosure_indices,
    statement_digests,
    statement_path,
)
from exchange.usecases.emergency import log_rules

EXTRACT_PATH: Final = "extract.json"
POLICIES_PREFIX: Final = "policies/"
RECEIPTS_PREFIX: Final = "receipts/"


@dataclass(frozen=True)
class ExtractRow:
    """One event of the dossier. ``seat`` where it is a release, as the auditor read it."""

    index: int
    at: datetime
    event: str
    deposit: str
    seat: str | None
    purpose: str | None


@dataclass(frozen=True)
class Extract:
    """The rows in the order of the log, and the files that prove them."""

    dossier: str
    rows: tuple[ExtractRow, ...]
    files: Mapping[str, bytes]


def extract(bundle: Bundle, report: Report, dossier: str) -> Extract:
    """The extract of one dossier from a bundle that was replayed; raises BundleError.

    ``report`` is that replay: an extract of a log that does not hold would prove nothing.
    """
    manifests = _manifests(bundle, dossier)
    if not manifests:
        raise BundleError("Ce lot ne contient aucun dossier « {dossier} ».", dossier=dossier)
    seats = {
        (row.index, row.deposit): row.seat for table in report.sittings for row in table.releases
    }
    rows, files = [], {}
    for index, details in _events(bundle):
        deposit = _deposit_of(details, manifests)
        if deposit is None:
            continue
        rows.append(
            ExtractRow(
                index,
                details.at,
                details.type.value,
                deposit,
                seats.get((index, deposit)),
                details.facts.get("purpose"),
            )
        )
        files[f"{RECEIPTS_PREFIX}{index}.receipt"] = _receipt(bundle, index)
    for digest, envelope in _policies(bundle):
        files[f"{POLICIES_PREFIX}{digest}.json"] = envelope
    for digest in manifests:
        path = statement_path(digest)
        files[path] = bundle.read(path) or b""
    files[EXTRACT_PATH] = _document(dossier, rows)
    return Extract(dossier, tuple(rows), files)


def verify_extract(files: Mapping[str, bytes], trust: Trust) -> tuple[ExtractRow, ...]:
    """Verify an extract against the pinned trust; raises BundleError, or the errors below it.

    It proves that each event is in the log, when, and of which deposit of that dossier. That no event is
    missing is shown by the auditor's own verification, not by an extract; so is the seat of a release.
    """
    try:
        loaded = json.loads(files[EXTRACT_PATH])
        rows = [_row(each) for each in loaded["events"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError("Cet extrait n'est pas lisible.") from error
    policy = _rules(files, trust)
    committed: dict[str, Digest] = {}
    for row in rows:
        try:
            receipt = verify_receipt(files[f"{RECEIPTS_PREFIX}{row.index}.receipt"], policy)
        except KeyError as error:
            raise BundleError("Il manque un récépissé à cet extrait.") from error
        details = receipt.details
        told = (receipt.index, details.at, details.type.value, details.facts.get("purpose"))
        named = details.facts.get("deposit", row.deposit)
        if told != (row.index, row.at, row.event, row.purpose) or named != row.deposit:
            raise BundleError(
                "L'événement n° {index} de cet extrait ne dit pas ce que dit son récépissé.",
                index=row.index,
            )
        if details.type is EventType.DEPOSIT_COMMITTED:
            committed[row.deposit] = details.cites["manifest"]
    _require_of(files, str(loaded["dossier"]), rows, committed)
    return tuple(rows)


def _require_of(
    files: Mapping[str, bytes], dossier: str, rows: list[ExtractRow], committed: dict[str, Digest]
) -> None:
    """Each deposit was committed by a manifest of that dossier, which lies in the extract."""
    for deposit in {row.deposit for row in rows}:
        digest = committed.get(deposit)
        data = files.get(statement_path(digest)) if digest else None
        manifest = parse(Manifest, data) if data else None
        if manifest is None or (manifest.digest, manifest.statement.dossier) != (digest, dossier):
            raise BundleError(
                "Un événement de cet extrait n'est pas du dossier « {dossier} ».", dossier=dossier
            )


def _document(dossier: str, rows: list[ExtractRow]) -> bytes:
    events = [
        {
            "index": row.index,
            "at": row.at.isoformat(),
            "event": row.event,
            "deposit": row.deposit,
            "seat": row.seat,
            "purpose": row.purpose,
        }
        for row in rows
    ]
    document = {"dossier": dossier, "events": events}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _row(loaded: dict[str, Any]) -> ExtractRow:
    return ExtractRow(
        int(loaded["index"]),
        datetime.fromisoformat(loaded["at"]),
        str(loaded["event"]),
        str(loaded["deposit"]),
        loaded["seat"],
        loaded["purpose"],
    )


def _manifests(bundle: Bundle, dossier: str) -> dict[Digest, str]:
    """The deposit of each manifest of the dossier."""
    found = {}
    for path, digest in statement_digests(bundle.paths()):
        try:
            statement = parse_any(bundle.read(path) or b"").statement
        except CryptoError:
            continue  # the replay says which
        if isinstance(statement, Manifest) and statement.dossier == dossier:
            found[digest] = statement.deposit
    return found


def _events(bundle: Bundle) -> Iterator[tuple[int, EventDetails]]:
    for index, path in sorted(disclosure_indices(bundle.paths())):
        try:
            yield (
                index,
                EventDetails.parse(decode_disclosure(index, bundle.read(path) or b"").details),
            )
        except AuditError:
            continue  # the replay says which


def _deposit_of(details: EventDetails, manifests: Mapping[Digest, str]) -> str | None:
    """The deposit of the dossier that an event is about. Purges and destructions name many."""
    named = details.facts.get("deposit")
    if named in manifests.values():
        return named
    cited = next((manifests[each] for each in details.cites.values() if each in manifests), None)
    return cited if details.type is not EventType.PURGE_DONE else None


def _rules(files: Mapping[str, bytes], trust: Trust) -> LogPolicy:
    """What a checkpoint must carry, by the trust policies and emergencies that the extract brings."""
    rules = [data for name, data in files.items() if name.startswith(POLICIES_PREFIX)]
    kinds = {data: type(parse_any(data).statement) for data in rules}
    policies = [parse(TrustPolicy, data) for data in rules if kinds[data] is TrustPolicy]
    policies.sort(key=lambda each: each.statement.version)
    lowered = [parse(Emergency, data) for data in rules if kinds[data] is Emergency]
    return log_rules(accept_chain(trust, policies), lowered)


def _policies(bundle: Bundle) -> Iterator[tuple[Digest, bytes]]:
    for path, digest in statement_digests(bundle.paths()):
        envelope = bundle.read(path) or b""
        try:
            if isinstance(parse_any(envelope).statement, (TrustPolicy, Emergency)):
                yield digest, envelope
        except CryptoError:
            continue


def _receipt(bundle: Bundle, index: int) -> bytes:
    note = bundle.read(f"{LOG_PREFIX}checkpoint") or b""
    size = Checkpoint.of_note(note).size
    log = BundledLog(bundle)

    def tile(level: int, number: int) -> bytes:
        return log.read(str(TilePath(level, number, width_at(level, number, size)))) or b""

    (path,) = (path for found, path in disclosure_indices(bundle.paths()) if found == index)
    disclosure = decode_disclosure(index, bundle.read(path) or b"")
    return build_receipt(disclosure, inclusion_proof(index, size, TileHashes(tile)), note)
