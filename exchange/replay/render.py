"""A report in French, for a civil servant who is no engineer: the verdict first. And as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from crypto.encoding import format_instant
from exchange.replay.codes import Severity
from exchange.replay.findings import Finding
from exchange.replay.moments import when
from exchange.replay.reasons import reason_of
from exchange.replay.report import (
    ErasureRow,
    RefusalRow,
    ReleaseRow,
    Report,
    SittingTable,
    Verdict,
)
from exchange.usecases.broker_wire import Custody

VERDICTS: Final = {
    Verdict.OK: "CONFORME — le journal est intact et chaque remise respecte les règles.",
    Verdict.FINDINGS: "CONSTATS — le journal est intact, mais il montre des faits à examiner.",
    Verdict.BROKEN: "NON PROBANT — les pièces présentées ne tiennent pas : ne vous y fiez pas.",
}

SEVERITIES: Final = {
    Severity.BREAKING: "preuve rompue",
    Severity.SERIOUS: "grave",
    Severity.WARNING: "à examiner",
    Severity.INFO: "à savoir",
}

CUSTODIES: Final = {
    Custody.IN_PROCESS.value: "dans le processus du service, selon son registre signé ; il protège "
    "d'une copie volée, pas d'un hébergeur hostile",
    Custody.SEPARATE.value: "dans son propre processus, selon son registre signé",
}
UNSAID: Final = "son registre ne dit pas où il s'exécute"

EVENTS: Final = {
    "statement.accepted": "déclarations acceptées",
    "login.accepted": "connexions",
    "login.refused": "connexions refusées",
    "deposit.begun": "dépôts commencés",
    "deposit.rekeyed": "clés de dépôt refaites par un autre gardien",
    "deposit.committed": "dépôts reçus",
    "grant.added": "enveloppes ajoutées",
    "release.authorised": "remises autorisées",
    "release.refused": "remises refusées",
    "release.failed": "remises échouées",
    "payload.read": "téléchargements",
    "roster.read": "consultations de la composition et des séances",
    "disclosure.read": "consultations des détails du journal",
    "key.destroyed": "destructions de clés",
    "purge.done": "purges",
    "retention.applied": "effacements de détails",
}


def render_text(report: Report) -> str:
    """The whole report as plain text, lines of any length."""
    parts = [
        _head(report),
        _section("Ce qui a été constaté", _findings(report)),
        _section("Ce qui a été vérifié", (f"- {check}" for check in report.checks)),
        _section("Ce qui n'a pas pu être vérifié", _impossible(report)),
        _section("Ce que le journal contient", _counts(report)),
        *(_section(_title(table), _rows(table)) for table in report.sittings),
        _section("Ce qui a été refusé", (f"- {refusal_line(each)}" for each in report.refused))
        if report.refused
        else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_json(report: Report) -> str:
    """The report for programs: stable keys and codes, sentences besides."""
    return json.dumps(_plain(report), ensure_ascii=False, indent=2) + "\n"


def _head(report: Report) -> str:
    lines = [f"Verdict : {VERDICTS[report.verdict]}"]
    if report.size:
        lines += [
            "",
            f"Journal : {report.origin}, {report.size} événement(s)",
            f"Empreinte du journal : {report.root}",
            f"Cosigné par le gardien des clés le {when(report.head_at)}",
            f"Politique de confiance n° {report.policy_version}",
        ]
        witnesses = ", ".join(report.independent_witnesses) or "aucun"
        lines.append(f"Témoins indépendants : {witnesses}")
        lines.append(f"Gardien des clés : {CUSTODIES.get(report.custody or '', UNSAID)}")
    if report.exporter:
        lines.append(f"Export signé par : {report.exporter}")
    return "\n".join(lines)


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        yield "- Rien."
    for finding in report.findings:
        place = "" if finding.index is None else f", événement n° {finding.index}"
        yield f"- [{SEVERITIES[finding.severity]}{place}] {finding}"


def _impossible(report: Report) -> Iterator[str]:
    if report.erased:
        yield (
            f"- Le détail de {report.erased} événement(s) a été effacé par une règle de conservation "
            "signée : leur place dans le journal tient, leur contenu ne peut plus être jugé."
        )
    for row in report.erasures:
        yield f"- {erasure_line(row)}"
    for check, count in report.impossible.items():
        yield f"- {check} : {count} cas, faute de détails conservés."
    if not report.erased and not report.impossible:
        yield "- Rien : tous les détails étaient présents."


def erasure_line(row: ErasureRow) -> str:
    """What was erased, by which rule, and who had verified it before."""
    places = f"n° {row.first}" if row.first == row.last else f"n° {row.first} à {row.last}"
    attested = f"attesté avant par {row.attested_by}" if row.attested_by else "sans attestation"
    return (
        f"Effacé : {places}, règle « {row.rule} » (déclaration enregistrée au n° {row.statement}), "
        f"{attested}."
    )


def refusal_line(row: RefusalRow) -> str:
    """Who was refused what, and why."""
    return (
        f"n° {row.index}, {when(row.at)} : {row.person} n'a pas reçu le dossier {row.dossier} — "
        f"{row.sentence}"
    )


def _counts(report: Report) -> Iterator[str]:
    for kind, count in report.counts.items():
        yield f"- {EVENTS.get(kind, kind)} : {count}"
    for reason, count in report.refusals.items():
        yield f"- dont refusées, {reason_of(reason)} : {count}"
    yield f"- enveloppes ouvertes, selon le registre du gardien des clés : {report.opened}"


def _title(table: SittingTable) -> str:
    window = ""
    if table.opens_at and table.closes_at:
        window = f", ouverte du {when(table.opens_at)} au {when(table.closes_at)}"
    return f"Remises de la séance {table.sitting}{window}"


def _rows(table: SittingTable) -> Iterator[str]:
    for row in table.releases:
        yield (
            f"- n° {row.index}, {when(row.at)} : dossier {row.dossier} ({row.association}) à "
            f"{row.person}, siège {row.seat} — {state_of(row)}"
        )


def state_of(row: ReleaseRow) -> str:
    """What became of a release, in words."""
    if row.refusal:
        return f"INTERDITE : {reason_of(row.refusal)}"
    purpose = "pour ajouter des lecteurs" if row.purpose == "grant" else "en lecture"
    opened = "ouverte" if row.opened else "jamais ouverte"
    return f"{purpose}, {opened}{', téléchargée' if row.read else ''}"


def _section(title: str, lines: Iterator[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _plain(report: Report) -> dict[str, Any]:
    return {
        "verdict": report.verdict.value,
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "head_at": _instant(report.head_at),
        "policy_version": report.policy_version,
        "independent_witnesses": list(report.independent_witnesses),
        "exporter": report.exporter,
        "custody": report.custody,
        "findings": [_plain_finding(each) for each in report.findings],
        "counts": dict(report.counts),
        "refusals": dict(report.refusals),
        "disclosed": report.disclosed,
        "erased": report.erased,
        "opened": report.opened,
        "checks": list(report.checks),
        "impossible": dict(report.impossible),
        "sittings": [_plain_table(each) for each in report.sittings],
        "refused": [{**vars(each), "at": _instant(each.at)} for each in report.refused],
        "erasures": [dict(vars(each)) for each in report.erasures],
    }


def _plain_finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.value,
        "severity": finding.severity.value,
        "index": finding.index,
        "message": str(finding),
        "params": dict(finding.params),
    }


def _plain_table(table: SittingTable) -> dict[str, Any]:
    return {
        "sitting": table.sitting,
        "opens_at": _instant(table.opens_at),
        "closes_at": _instant(table.closes_at),
        "releases": [
            {
                "index": row.index,
                "at": _instant(row.at),
                "dossier": row.dossier,
                "deposit": row.deposit,
                "association": row.association,
                "seat": row.seat,
                "person": row.person,
                "purpose": row.purpose,
                "refusal": row.refusal,
                "opened": row.opened,
                "read": row.read,
            }
            for row in table.releases
        ],
    }


def _instant(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment else None
