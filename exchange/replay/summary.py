"""From the state of a finished replay to its report."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from types import MappingProxyType

from audit.verify import LogReport
from crypto.digests import Digest
from crypto.encoding import encode_base64
from crypto.statements.custody import Attestation, Retention
from crypto.statements.exchange import Manifest
from crypto.trust import TrustedPolicy
from exchange.replay.findings import Findings
from exchange.replay.history import History, Release
from exchange.replay.releases import person_name
from exchange.replay.report import ErasureRow, ReleaseRow, Report, SittingTable, Verdict, verdict_of
from exchange.replay.retention import Cause
from exchange.usecases.authority import find_certificate
from exchange.usecases.facts import association_of, latest_sitting

_CHECKS = (
    "les politiques de confiance, jusqu'à la racine indiquée",
    "la signature du journal, les cosignatures exigées et chaque empreinte de l'arbre",
    "le détail de chaque événement contre ce qui fut engagé dans le journal",
    "chaque déclaration signée, à la place où le journal la reçut",
    "les versions successives de la composition, des séances et des ordres du jour",
    "chaque remise, jugée de nouveau selon les règles de la commission",
    "l'ordre des dépôts, des téléchargements, des destructions de clés et des purges",
    "le registre du gardien des clés contre le journal, dans les deux sens",
)
CHECK_SEEN = "l'accord avec ce que ce profil avait déjà vérifié"
_CHECK_EXPORTED = "l'index signé de l'export et l'empreinte de chaque fichier"


def broken_report(findings: Findings) -> Report:
    """The report when not even the trust policies hold."""
    nothing: MappingProxyType[str, int] = MappingProxyType({})
    return Report(
        verdict=Verdict.BROKEN,
        origin="",
        size=0,
        root="",
        head_at=None,
        policy_version=0,
        independent_witnesses=(),
        exporter=None,
        custody=None,
        findings=findings.all(),
        counts=nothing,
        refusals=nothing,
        disclosed=0,
        erased=0,
        opened=0,
        checks=_CHECKS[:1],
        impossible=nothing,
        sittings=(),
    )


def summarise(  # the parts of one report
    history: History,
    log: LogReport,
    policy: TrustedPolicy,
    exporter: Digest | None,
    opened: int,
    head_at: datetime,
    *,
    exported: bool,
) -> Report:
    """The report of a finished replay."""
    findings = history.findings.all()
    head = log.checkpoint.checkpoint if log.checkpoint else None
    return Report(
        verdict=verdict_of(findings),
        origin=policy.policy.origin,
        size=log.size,
        root=encode_base64(head.root) if head else "",
        head_at=head_at if head else None,
        policy_version=policy.policy.version,
        independent_witnesses=log.independent_witnesses,
        exporter=person_name(history, exporter) if exporter else None,
        custody=history.custody,
        findings=findings,
        counts=MappingProxyType({kind.value: n for kind, n in sorted(history.counts.items())}),
        refusals=MappingProxyType(dict(sorted(history.refusals.items()))),
        disclosed=log.disclosed,
        erased=history.erasures.count,
        opened=opened,
        checks=(*_CHECKS, _CHECK_EXPORTED) if exported else _CHECKS,
        impossible=MappingProxyType(dict(sorted(history.impossible.items()))),
        sittings=_tables(history),
        refused=tuple(history.refused),
        erasures=tuple(_erasure(history, each) for each in history.erasures.causes),
    )


def _erasure(history: History, cause: Cause) -> ErasureRow:
    attestation = history.statement(cause.attestation, Attestation)
    rule = history.statement(cause.rule, Retention)
    return ErasureRow(
        first=cause.first,
        last=cause.last,
        rule=rule.statement.rule if rule else "?",
        statement=cause.statement,
        attested_by=person_name(history, attestation.statement.signer) if attestation else None,
    )


def _tables(history: History) -> tuple[SittingTable, ...]:
    grouped: dict[str, list[Release]] = defaultdict(list)
    for release in history.releases.values():
        grouped[release.sitting].append(release)
    return tuple(_table(history, sitting, grouped[sitting]) for sitting in sorted(grouped))


def _table(history: History, sitting: str, releases: list[Release]) -> SittingTable:
    version = latest_sitting(history.ledger, sitting)
    return SittingTable(
        sitting=sitting,
        opens_at=version.statement.opens_at if version else None,
        closes_at=version.statement.closes_at if version else None,
        releases=tuple(_row(history, each) for each in sorted(releases, key=lambda r: r.index)),
    )


def _row(history: History, release: Release) -> ReleaseRow:
    manifest = history.statement(release.manifest, Manifest)
    association = association_of(history.ledger, manifest.statement) if manifest else None
    return ReleaseRow(
        index=release.index,
        at=release.at,
        dossier=manifest.statement.dossier if manifest else "?",
        deposit=release.deposit,
        association=association or "?",
        seat=_seat(history, release),
        person=person_name(history, release.certificate),
        purpose=release.purpose.value if release.purpose else "?",
        refusal=release.refusal,
        opened=release.opened,
        read=release.read,
    )


def _seat(history: History, release: Release) -> str:
    held = find_certificate(history.ledger, release.certificate) if release.certificate else None
    version = latest_sitting(history.ledger, release.sitting)
    if held is None or version is None:
        return "—"
    seats = (each for each in version.statement.seats if each.person == held.statement.person)
    return next((each.seat for each in seats), "—")
