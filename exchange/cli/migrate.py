"""``dossier migrate``: bring the database to this program's schema."""

from __future__ import annotations

import os
from pathlib import Path

from exchange.cli.serve import settings_option
from exchange.cli.words import command, say
from exchange.settings import load_settings


@command(help="Crée la base de données, ou la met au schéma de cette version.")
@settings_option
def migrate(settings_file: Path | None) -> None:
    """See ``help`` above."""
    from exchange.wiring.upkeep import migrate_database

    before, after = migrate_database(load_settings(settings_file, os.environ))
    if before == after:
        say("La base de données est déjà à la version {version}.", version=after)
    elif before is None:
        say("Base de données créée, à la version {version}.", version=after)
    else:
        say("Base de données : version {before} → {after}.", before=before, after=after)
