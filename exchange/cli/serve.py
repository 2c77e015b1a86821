"""``dossier serve``: the web service."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exchange.settings import load_settings

SETTINGS_OPTION = click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Fichier de réglages TOML (sinon DOSSIER_SETTINGS, ou les variables DOSSIER_*).",
)


@click.command()
@SETTINGS_OPTION
@click.option("--listen", help="Adresse d'écoute HÔTE:PORT, au lieu de celle des réglages.")
def serve(settings_file: Path | None, listen: str | None) -> None:
    """Lance le service web."""
    from exchange.wiring.web_server import WebServer, check_before_serving

    environment = dict(os.environ)
    if listen is not None:
        environment["DOSSIER_LISTEN"] = listen
    settings = load_settings(settings_file, environment)
    check_before_serving(settings)

    def announce() -> None:
        click.echo(f"Service à l'écoute sur http://{settings.listen} ({settings.public_url})")

    WebServer(settings, announce).run()
