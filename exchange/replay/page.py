"""The report as one self-contained page: no script, no outside reference, good in print."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exchange.replay import render
from exchange.replay.codes import Severity
from exchange.replay.moments import when
from exchange.replay.report import Report, Verdict
from exchange.replay.timeline import LABELS, TOP, WIDTH, timeline

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("exchange.replay", "templates"),
    autoescape=True,  # names and reasons come from statements: anybody may have written them
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

TITLE: Final = "Rapport de vérification du journal"


def render_page(report: Report) -> str:
    """The whole report as HTML."""
    return _ENVIRONMENT.get_template("report.html").render(
        report=report,
        title=TITLE,
        word=render.VERDICTS[report.verdict].partition(" — ")[0],
        sentence=render.VERDICTS[report.verdict].partition(" — ")[2],
        tone={Verdict.OK: "ok", Verdict.FINDINGS: "warn", Verdict.BROKEN: "bad"}[report.verdict],
        severities=render.SEVERITIES,
        grave={Severity.BREAKING, Severity.SERIOUS},
        events=render.EVENTS,
        custody=render.CUSTODIES.get(report.custody or "", render.UNSAID),
        when=when,
        state=render.state_of,
        erasure=render.erasure_line,
        drawings=[(table, timeline(table, report.refused)) for table in report.sittings],
        width=WIDTH,
        labels=LABELS,
        top=TOP,
    )
