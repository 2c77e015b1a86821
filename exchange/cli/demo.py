"""``dossier demo``: the whole story of a fictional commission."""

from __future__ import annotations

from pathlib import Path

import click

from exchange.cli.words import command, option
from exchange.locale import translate as _

DONE, FAILED = 0, 1


@command(help="Joue toute l'histoire d'une commission inventée, dans un répertoire neuf.")
@option(
    "--directory",
    required=True,
    type=click.Path(path_type=Path),
    help="Répertoire neuf ou vide ; tout y reste, pour regarder.",
)
@option("--serve", is_flag=True, help="Laisse ensuite le service en marche, avec ses personnes.")
@option(
    "--separate-broker", is_flag=True, help="Le gardien des clés tourne dans son propre processus."
)
@option("--database", default="", help="Adresse d'une base vide (défaut : SQLite).")
@option("--objects", default="", help="Adresse d'un stockage S3 (défaut : un répertoire).")
@click.pass_context
def demo(  # click passes by name
    context: click.Context,
    directory: Path,
    serve: bool,
    separate_broker: bool,
    database: str,
    objects: str,
) -> None:
    """See ``help`` above."""
    from datetime import UTC, datetime

    from rich.console import Console

    from exchange.demo.narrator import Narrator, StepFailedError
    from exchange.demo.serving import keep_serving
    from exchange.demo.story import play
    from exchange.demo.world import World

    console = Console(highlight=False)
    if directory.exists() and any(directory.iterdir()):
        message = _("Le répertoire « {path} » n'est pas vide : nommez-en un neuf.")
        raise click.UsageError(message.format(path=directory))
    directory.mkdir(parents=True, exist_ok=True)
    world = World(directory.resolve(), Narrator(console), lambda: datetime.now(UTC))
    world.separate_broker = separate_broker
    world.database, world.objects = database, objects
    try:
        play(world)
    except StepFailedError as error:
        console.print(
            "\n✗ " + _("Une étape n'a pas tenu : ") + str(error), style="red", markup=False
        )
        context.exit(FAILED)
    console.print()
    console.print(world.narrator.table())
    console.print("\n" + _("Tout est dans {path}.").format(path=world.directory))
    if serve:
        keep_serving(world, console)
    context.exit(DONE)
