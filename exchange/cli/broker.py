"""``dossier broker``: the key custodian in a process of its own, and its operator's acts."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.serve import settings_option
from exchange.cli.words import group, json_option, option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from exchange.broker.process.counter import Told

PATH = click.Path(path_type=Path)

broker_settings_option = option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Réglages du gardien, DIR/broker.toml (sinon DOSSIER_BROKER_SETTINGS).",
)


@group(
    help="Le gardien des clés dans son propre processus, de préférence chez un autre exploitant."
)
def broker() -> None:
    """See ``help`` above."""


@broker.command(help="Crée un gardien : clés chiffrées au repos, certificats du lien, réglages.")
@option("--directory", type=PATH, required=True, help="Répertoire neuf, hors de toute sauvegarde.")
@option("--trust", type=PATH, required=True, help="Le fichier trust.json de l'instance.")
@option("--log-vkey", type=PATH, required=True, help="Le fichier log.vkey de l'instance.")
@option("--host", required=True, help="Nom ou adresse où le service joindra le gardien.")
@option("--listen", required=True, help="HÔTE:PORT d'écoute.")
@option(
    "--work-factor",
    type=click.IntRange(10, 22),
    default=18,
    show_default=True,
    help="Coût de la phrase de passe (2^N ; 18 demande une seconde et 256 Mio).",
)
@pass_bench
def init(  # click passes by name
    bench: Bench,
    directory: Path,
    trust: Path,
    log_vkey: Path,
    host: str,
    listen: str,
    work_factor: int,
) -> None:
    """See ``help`` above."""
    from exchange.wiring.broker_host import SERVICE_DIRECTORY, BrokerPlan, make_broker_host

    passphrase = bench.passphrase(confirm=True, purpose=_("Nouvelle phrase de passe du gardien"))
    plan = BrokerPlan(
        directory=directory.absolute(),
        trust=trust,
        log_vkey=log_vkey,
        origin=None,
        host=host,
        listen=listen,
        log_n=work_factor,
    )
    keys = make_broker_host(plan, passphrase, datetime.now(UTC), os.urandom)
    say("Gardien des clés créé dans {path}, chiffré au repos.", path=plan.directory)
    say("  {name:<17} {value}", name=_("clé du gardien"), value=keys.statement_key)
    say("  {name:<17} {value}", name=_("cosignataire"), value=keys.cosigner_vkey)
    say("À faire ensuite :")
    say("  1. lancer : dossier broker serve --settings {path}", path=plan.directory / "broker.toml")
    say("  2. ouvrir : dossier broker unlock --directory {path}", path=plan.directory)
    say(
        "  3. porter {path} sur la machine du service par un moyen sûr (il contient une clé privée), "
        "puis y lancer : dossier broker attach.",
        path=plan.directory / SERVICE_DIRECTORY,
    )


@broker.command(help="Sur la machine du service : adopte le gardien dont voici le répertoire.")
@click.argument("folder", type=PATH, metavar="SERVICE")
@settings_option
def attach(folder: Path, settings_file: Path | None) -> None:
    """See ``help`` above."""
    from exchange.settings import SETTINGS_VARIABLE, load_settings
    from exchange.wiring.broker_host import attach as attaching

    named = settings_file or Path(os.environ.get(SETTINGS_VARIABLE, "settings.toml"))
    card = attaching(load_settings(named, os.environ), named, folder)
    say("Gardien adopté : {key}", key=card.statement_key)
    say(
        "Faites signer par la racine la politique de confiance qui le nomme (policy-draft.json). S'il "
        "en remplace un autre, les associations rescellent ensuite leurs dossiers : « dossier grant "
        "--all »."
    )


@broker.command(help="Recrée le gardien intégré au service, quand ses clés sont perdues.")
@settings_option
def replace(settings_file: Path | None) -> None:
    """See ``help`` above."""
    from exchange.settings import SETTINGS_VARIABLE, load_settings
    from exchange.wiring.broker_host import replace_in_process

    named = settings_file or Path(os.environ.get(SETTINGS_VARIABLE, "settings.toml"))
    card = replace_in_process(load_settings(named, os.environ), named, os.urandom)
    say("Nouveau gardien des clés : {key}", key=card.statement_key)
    say("À faire ensuite, dans cet ordre :")
    say("  1. relancer le service ;")
    say(
        "  2. faire signer par la racine et publier la politique de confiance suivante "
        "(« dossier registrar trust --policy-draft policy-draft.json ») ;"
    )
    say("  3. prévenir les associations : « dossier grant --all » rescelle leurs dossiers.")


@broker.command(help="Lance le gardien, jusqu'à ce qu'on l'arrête (SIGTERM, Ctrl-C).")
@broker_settings_option
def serve(settings_file: Path | None) -> None:
    """See ``help`` above."""
    from exchange.settings_broker import load_broker_settings
    from exchange.wiring.broker_server import BrokerServer, check_broker

    settings = load_broker_settings(settings_file, os.environ)
    check_broker(settings)

    def announce() -> None:
        say("Gardien des clés à l'écoute sur https://{listen}", listen=settings.listen)
        if settings.passphrase_file is None:
            say("Il est verrouillé : dossier broker unlock --directory {path}",
                path=settings.directory)  # fmt: skip

    BrokerServer(settings, announce).run()


@broker.command(help="Ouvre un gardien en marche, après chaque démarrage de sa machine.")
@option("--directory", type=PATH, required=True, help="Répertoire du gardien.")
@pass_bench
def unlock(bench: Bench, directory: Path) -> None:
    """See ``help`` above."""
    from exchange.broker.process.counter import Asked, Wish, ask

    passphrase = bench.passphrase(purpose=_("Phrase de passe du gardien"))
    told = _required(ask(directory, Asked(wish=Wish.UNLOCK, passphrase=passphrase)))
    say("Gardien ouvert : {keys} clé(s) de dépôt.", keys=told.figures.get("live_keys", 0))


@broker.command(help="Dit si le gardien en marche est ouvert, et combien de clés il garde.")
@option("--directory", type=PATH, required=True, help="Répertoire du gardien.")
@json_option
def status(directory: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.broker.process.counter import Asked, Wish, ask

    told = _required(ask(directory, Asked(wish=Wish.STATUS)))

    def sentences() -> None:
        if told.locked:
            say("Verrouillé : dossier broker unlock --directory {path}", path=directory)
            return
        say("Ouvert.")
        say("  clés de dépôt : {live_keys}", **told.figures)
        say("  journal cosigné : {log_size} événement(s)", **told.figures)
        say("  numéro d'état : {status_number}", **told.figures)
        say("  politique de confiance : {trust_version}", **told.figures)

    result({"locked": told.locked, **told.figures}, as_json=as_json, otherwise=sentences)


@broker.command(help="Refait les certificats du lien (ils durent deux ans), des deux côtés.")
@option("--directory", type=PATH, required=True, help="Répertoire du gardien.")
@option("--host", required=True, help="Nom ou adresse où le service joindra le gardien.")
def certificates(directory: Path, host: str) -> None:
    """See ``help`` above."""
    from exchange.broker.keystore import KeyStore
    from exchange.broker.process.certificates import make_certificates
    from exchange.wiring.broker_host import SERVICE_DIRECTORY, write_certificates

    KeyStore(directory).config()  # refuses a directory that is no broker's
    write_certificates(directory, make_certificates(host, datetime.now(UTC)))
    say(
        "Certificats refaits. Relancez le gardien, portez {path} sur la machine du service et lancez-y "
        "« dossier broker attach », puis relancez le service.",
        path=directory / SERVICE_DIRECTORY,
    )


def _required(told: Told) -> Told:
    """The answer, or the error that the broker told."""
    from exchange.broker.errors import BrokerStoreError

    if told.message is not None:
        raise BrokerStoreError(told.message, **told.params)
    return told
