"""``dossier doctor``: try everything that the service needs, and say what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exchange.cli.serve import SETTINGS_OPTION
from exchange.settings import load_settings

MARKS = {"ok": "✓", "warning": "!", "failure": "✗"}


@click.command()
@SETTINGS_OPTION
@click.pass_context
def doctor(context: click.Context, settings_file: Path | None) -> None:
    """Vérifie base, stockage, clés, gardien, journal et horloge."""
    from exchange.wiring.upkeep import Verdict, examine

    findings = examine(load_settings(settings_file, os.environ))
    for finding in findings:
        click.echo(f"{MARKS[finding.verdict]} {finding.subject} : {finding.text}")
    failed = sum(finding.verdict is Verdict.FAILURE for finding in findings)
    if failed:
        click.echo(f"{failed} point(s) à corriger avant de servir.", err=True)
        context.exit(1)
    click.echo("Le service peut démarrer.")
