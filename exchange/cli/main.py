"""The command ``dossier``."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from exchange.cli.lazy import LazyGroup
from exchange.cli.words import TranslatedOption, option
from exchange.locale import ENGLISH, FRENCH, language, language_of

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("exchange.cli.demo:demo", "Joue toute l'histoire, avec des personnes inventées."),
    "key": ("exchange.cli.key:key", "Les clés de cet appareil : créer, montrer, récupérer."),
    "enrol": ("exchange.cli.enrol:enrol", "Accepte une invitation du secrétariat."),
    "contact": ("exchange.cli.contact:contact", "Votre adresse pour les messages du service."),
    "notify": ("exchange.cli.notify:notify", "Envoie les messages dus (exploitant)."),
    "devices": ("exchange.cli.devices:devices", "Montre vos appareils et leur dernier usage."),
    "sittings": ("exchange.cli.sittings:sittings", "Montre les séances connues."),
    "deposit": ("exchange.cli.deposit:deposit", "Dépose un dossier, chiffré sur cette machine."),
    "grant": ("exchange.cli.deposit:grant", "Ajoute les enveloppes qui manquent à un dépôt."),
    "receipts": ("exchange.cli.board:receipts", "Montre quels sièges ont reçu un dossier."),
    "board": ("exchange.cli.board:board", "Montre les échéances à venir."),
    "withdraw": ("exchange.cli.deposit:withdraw", "Retire un dossier : ses clés sont détruites."),
    "card": ("exchange.cli.card:card", "Montre les fiches de conflit d'une séance."),
    "declare": ("exchange.cli.declare:declare", "Déclare n'avoir pas de conflit d'intérêts."),
    "recuse": ("exchange.cli.declare:recuse", "Se déporte d'un dossier."),
    "proxy": ("exchange.cli.voices:proxy", "Donne mandat à un autre membre, ou le reprend."),
    "complain": (
        "exchange.cli.declare:complain",
        "Signale un dossier qui n'ouvre pas ce qui fut signé.",
    ),
    "pack": ("exchange.cli.pack:pack", "Prend et ouvre les dossiers d'une séance."),
    "seal": ("exchange.cli.sealing:seal", "Chiffre un dossier localement, sans service."),
    "open": ("exchange.cli.sealing:open_", "Ouvre un fichier chiffré localement, sans service."),
    "registrar": ("exchange.cli.registrar:registrar", "Les actes du secrétariat."),
    "audit": ("exchange.cli.audit:audit", "Vérifie le journal, ou l'exporte."),
    "init": ("exchange.cli.init:init", "Crée une instance du service."),
    "serve": ("exchange.cli.serve:serve", "Lance le service."),
    "broker": ("exchange.cli.broker:broker", "Le gardien des clés, à part."),
    "witness": ("exchange.cli.witness:witness", "Un témoin du journal."),
    "migrate": ("exchange.cli.migrate:migrate", "Met la base de données à jour."),
    "doctor": ("exchange.cli.doctor:doctor", "Vérifie une installation."),
    "purge": ("exchange.cli.purge:purge", "Efface ce qui doit l'être."),
    "backup": ("exchange.cli.backup:backup", "Sauvegarde le service."),
    "recovery": (
        "exchange.cli.recovery:recovery",
        "Repart d'une sauvegarde ancienne, avec l'accord de la racine.",
    ),
    "restore": ("exchange.cli.backup:restore", "Restaure le service."),
}
"""Every command, where it is, and its line in the help."""


def default_profile(environment: Mapping[str, str]) -> Path:
    """``$DOSSIER_PROFILE``, or ``dossier`` in the XDG data directory."""
    if named := environment.get("DOSSIER_PROFILE"):
        return Path(named)
    base = environment.get("XDG_DATA_HOME")
    return Path(base or Path.home() / ".local" / "share") / "dossier"


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    help="Transmet les dossiers de la commission, chiffrés pour chaque membre qui siège.",
)
@option("--profile", type=click.Path(path_type=Path), help="Répertoire du profil à utiliser.")
@option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="Fichier dont la première ligne est la phrase de passe de la clé.",
)
@option("--server", help="Adresse du service, si ce n'est pas celle du profil.")
@option("--lang", type=click.Choice([FRENCH, ENGLISH]), help="Langue des messages.")
@option("--debug", is_flag=True, help="Montre aussi la trace des erreurs.")
@click.version_option(
    package_name="dossier-exchange",
    message="%(package)s %(version)s",
    cls=TranslatedOption,
    help="Affiche la version et s'arrête.",
)
@click.pass_context
def dossier(  # click passes by name
    context: click.Context,
    profile: Path | None,
    passphrase_file: Path | None,
    server: str | None,
    lang: str | None,
    debug: bool,
) -> None:
    """See ``help`` above: what people read is translated."""
    from exchange.cli.bench import Bench

    named = os.environ.get("DOSSIER_PASSPHRASE_FILE")
    context.obj = Bench(
        directory=profile or default_profile(os.environ),
        passphrase_file=passphrase_file or (Path(named) if named else None),
        server=server,
        language=lang or language_of(os.environ),
        surroundings=context.obj,
    )
    context.meta["debug"] = debug


def run_command(arguments: Sequence[str], surroundings: object = None) -> int:
    """Run ``dossier ARGUMENTS`` in this process; returns the exit status.

    Prints to ``sys.stdout`` and ``sys.stderr`` as they are now. ``surroundings`` is a
    ``wiring.client.Surroundings``, for tests.
    """
    words = list(arguments)
    token = language.set(_asked_language(words))
    try:
        status = dossier.main(
            args=words, prog_name="dossier", standalone_mode=False, obj=surroundings
        )
    except Exception as error:  # noqa: BLE001  # the one place where every error becomes a sentence
        return _report(error, words)
    except KeyboardInterrupt as error:
        return _report(error, words)
    finally:
        language.reset(token)
    return status if isinstance(status, int) else 0


def _report(error: BaseException, words: Sequence[str]) -> int:
    from exchange.cli.failures import report

    return report(error, debug="--debug" in words)


def _asked_language(words: Sequence[str]) -> str:
    """``--lang`` must be known before the first line of help is printed."""
    for flag, value in itertools.pairwise(words):
        if flag == "--lang" and value in {FRENCH, ENGLISH}:
            return value
    for word in words:
        if word in {f"--lang={FRENCH}", f"--lang={ENGLISH}"}:
            return word.removeprefix("--lang=")
    return language_of(os.environ)


def main() -> None:
    """The console script."""
    sys.exit(run_command(sys.argv[1:]))
