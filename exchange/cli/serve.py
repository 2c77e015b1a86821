"""``dossier serve``: the web service."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exchange.cli.words import command, option, say
from exchange.settings import load_settings

settings_option = option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Fichier de réglages TOML (sinon DOSSIER_SETTINGS, ou les variables DOSSIER_*).",
)
"""The option of every command that runs on the service's own machine."""


@command(help="Lance le service web, jusqu'à ce qu'on l'arrête (SIGTERM, Ctrl-C).")
@settings_option
@option("--listen", help="Adresse d'écoute HÔTE:PORT, au lieu de celle des réglages.")
def serve(settings_file: Path | None, listen: str | None) -> None:
    """See ``help`` above."""
    from exchange.wiring.web_server import WebServer, check_before_serving

    environment = dict(os.environ)
    if listen is not None:
        environment["DOSSIER_LISTEN"] = listen
    settings = load_settings(settings_file, environment)
    check_before_serving(settings)

    def announce() -> None:
        say(
            "Service à l'écoute sur http://{listen} (pour ses utilisateurs : {url})",
            listen=settings.listen,
            url=settings.public_url,
        )

    WebServer(settings, announce).run()
