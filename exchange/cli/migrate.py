"""``dossier migrate``: bring the database to this program's schema."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exchange.cli.serve import SETTINGS_OPTION
from exchange.settings import load_settings


@click.command()
@SETTINGS_OPTION
def migrate(settings_file: Path | None) -> None:
    """Crée la base de données, ou la met au schéma de cette version."""
    from exchange.wiring.upkeep import migrate_database

    before, after = migrate_database(load_settings(settings_file, os.environ))
    if before == after:
        click.echo(f"La base de données est déjà à la version {after}.")
    else:
        click.echo(f"Base de données : version {before or 'vide'} → {after}.")
