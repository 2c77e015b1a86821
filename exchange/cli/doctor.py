"""``dossier doctor``: try everything that the service needs, and say what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from exchange.cli.serve import settings_option
from exchange.cli.words import command, json_option, result, say, warn
from exchange.locale import translate as _
from exchange.settings import load_settings

MARKS: Final = {"ok": "✓", "warning": "!", "failure": "✗"}


@command(help="Vérifie base, stockage, clés, gardien, journal et horloge.")
@settings_option
@json_option
@click.pass_context
def doctor(context: click.Context, settings_file: Path | None, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.cli.failures import REFUSED
    from exchange.wiring.checkup import Finding, Verdict, examine

    findings = examine(load_settings(settings_file, os.environ))
    failed = sum(finding.verdict is Verdict.FAILURE for finding in findings)

    def text(finding: Finding) -> str:
        return _(finding.message).format(**finding.params)

    def sentences() -> None:
        for each in findings:
            click.echo(f"{MARKS[each.verdict]} {_(each.label)} : {text(each)}")
        if failed:
            warn("{count} point(s) à corriger avant de servir.", count=failed)
        else:
            say("Le service peut démarrer.")

    document = [
        {"subject": _(each.label), "verdict": each.verdict.value, "text": text(each)}
        for each in findings
    ]
    result(document, as_json=as_json, otherwise=sentences)
    if failed:
        context.exit(REFUSED)
