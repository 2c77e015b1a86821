"""After the story: the service stays, and says what to try."""

from __future__ import annotations

from rich.console import Console

from exchange.demo.broker_host import start_broker, unlock
from exchange.demo.cast import AUDITOR, DEPOSITORS, SITTING_MEMBERS
from exchange.demo.service_process import start
from exchange.demo.world import World
from exchange.locale import translate as _


def keep_serving(world: World, console: Console) -> None:
    """Start the service again and wait until it is interrupted."""
    if world.separate_broker:
        world.broker = start_broker(world.broker_directory)
        unlock(world.people["gardien"], world.broker_directory)
    service = start(world.settings_file, world.url, world.server_directory / "service.log")
    people = world.directory / "people"
    said = _("Le service tourne sur {url} (Ctrl-C pour l'arrêter). Essayez :").format(url=world.url)
    console.print(f"\n{said}")
    for player in (SITTING_MEMBERS[0], DEPOSITORS[0], AUDITOR):
        profile = people / player.key
        command = "audit export --out /tmp/registre.tar" if player is AUDITOR else "sittings"
        console.print(
            f"  # {player.name}\n  dossier --profile {profile} "
            f"--passphrase-file {profile / 'passphrase.txt'} {command}",
            soft_wrap=True,
            markup=False,
        )
    try:
        service.process.wait()
    except KeyboardInterrupt:
        world.service = service
        world.stop()
