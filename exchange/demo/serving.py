"""After the story: the service stays up, with a sitting to deposit for and one to read at."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console

from exchange.demo.broker_host import start_broker, unlock
from exchange.demo.cast import AUDITOR, DEPOSITORS, SITTING_MEMBERS
from exchange.demo.opening import seated
from exchange.demo.paperwork import REQUESTS
from exchange.demo.service_process import start
from exchange.demo.world import PASSPHRASE, World
from exchange.locale import translate as _

OPENS_AFTER: Final = timedelta(seconds=2)
"""Between the convocation of the second sitting and its opening; nobody has to wait for it."""


def keep_serving(world: World, console: Console) -> None:
    """Start the service again and wait until it is interrupted."""
    if world.separate_broker:
        world.broker = start_broker(world.broker_directory)
        unlock(world.people["gardien"], world.broker_directory)
    log = world.server_directory / "service.log"
    world.service = service = start(world.settings_file, world.url, log)
    try:
        _prepare_sittings(world)
        _tell(world, console)
        service.process.wait()
    except KeyboardInterrupt:
        console.print()
    finally:
        world.stop()


def _prepare_sittings(world: World) -> None:
    """One sitting takes deposits; the other, with a dossier, is open for reading for a day."""
    now = world.clock()
    to_read = _sitting(world, opens=now + timedelta(days=1))
    request = REQUESTS[0]
    person = next(each for each in DEPOSITORS if each.organisation == request.association)
    world.people[person.key].does(
        *(
            "deposit",
            "--sitting",
            to_read,
            "--kind",
            request.kind,
            *request.pathway,
            "--keep-metadata",
        ),
        *(str(world.dossiers_directory / request.key), "--json"),
    )
    world.registrar.does("registrar", "agenda", to_read)
    now = world.clock()
    world.registrar.does(
        *("registrar", "sitting", "--sitting", to_read, "--convoke"),
        *("--deposit-by", _moment(now), "--opens", _moment(now + OPENS_AFTER)),
        *("--urgency", "démonstration : le délai de cinq jours (CRPA R133-8) est abrégé"),
    )
    _sitting(world, opens=now + timedelta(days=9))
    time.sleep(OPENS_AFTER.total_seconds())


def _sitting(world: World, *, opens: datetime) -> str:
    planned = world.registrar.does(
        *("registrar", "sitting", "--deposit-by", _moment(opens - timedelta(hours=12))),
        *("--opens", _moment(opens), "--closes", _moment(opens + timedelta(days=1))),
        *seated(SITTING_MEMBERS, world),
        "--json",
    ).data()
    return str(planned["sitting"])


def _tell(world: World, console: Console) -> None:
    """Where to go, and with which files each role logs in."""

    def line(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False, highlight=False)

    line("")
    line(_("Le service tourne sur {url} (Ctrl-C pour l'arrêter).").format(url=world.url))
    line("")
    line(
        _(
            "Dans un navigateur : ouvrez {url}, dépliez « J'ai déjà un fichier de clé », choisissez "
            "ces fichiers (une fenêtre privée par personne)."
        ).format(url=f"{world.url}/espace")
    )
    line(_("  fichier de confiance : {path}").format(path=world.directory / "trust.json"))
    line(_("  phrase de passe, la même pour tous : {words}").format(words=PASSPHRASE))
    people = world.directory / "people"
    for title, key in (
        (_("membre : lire un dossier"), SITTING_MEMBERS[0].key),
        (_("association : déposer"), DEPOSITORS[0].key),
        (_("vérificatrice : vérifier le journal"), AUDITOR.key),
        (_("secrétariat (cochez « au secrétariat »)"), world.registrar.key),
    ):
        line(f"  {title} : {people / key / 'identity.age'}")
    line("")
    line(_("En ligne de commande :"))
    for player in (SITTING_MEMBERS[0], DEPOSITORS[0], AUDITOR):
        profile = people / player.key
        command = "audit export --out /tmp/registre.tar" if player is AUDITOR else "sittings"
        line(
            f"  # {player.name}\n  dossier --profile {profile} "
            f"--passphrase-file {profile / 'passphrase.txt'} {command}"
        )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"
