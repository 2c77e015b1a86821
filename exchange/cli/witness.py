"""``dossier witness``: a witness of logs, for an operator who is not the service's own."""

from __future__ import annotations

import os
from pathlib import Path

import click

from exchange.cli.words import group, json_option, option, result, say

PATH = click.Path(path_type=Path)
LISTEN = "127.0.0.1:8082"


@group(
    help="Un témoin du journal : il cosigne ce qui prolonge ce qu'il a déjà vu, et rien d'autre."
)
def witness() -> None:
    """See ``help`` above."""


@witness.command(help="Crée un témoin : sa clé, et les journaux qu'il connaît.")
@option("--directory", type=PATH, required=True, help="Répertoire neuf du témoin.")
@option("--name", required=True, help="Nom du témoin, p. ex. temoin.example/prefecture.")
@option(
    "--log-vkey",
    "vkeys",
    type=PATH,
    multiple=True,
    required=True,
    help="Fichier log.vkey d'un journal à suivre ; se répète.",
)
@json_option
def init(directory: Path, name: str, vkeys: tuple[Path, ...], as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.wiring.witness_store import WitnessStore, read_log_key

    logs = [read_log_key(path.read_text(encoding="utf-8")) for path in vkeys]
    store = WitnessStore.create(directory, name, logs, os.urandom)
    short = name.rsplit("/", 1)[-1]
    line = f"witness {short} {store.vkey} https://ADRESSE"

    def sentences() -> None:
        say("Témoin « {name} » créé dans « {path} ».", name=name, path=directory)
        say("À ajouter à la politique de témoins de la prochaine politique de confiance :")
        click.echo(f"  {line}")

    result({"name": name, "vkey": store.vkey, "line": line}, as_json=as_json, otherwise=sentences)


@witness.command(help="Lance le témoin, jusqu'à ce qu'on l'arrête.")
@option("--directory", type=PATH, required=True, help="Répertoire du témoin.")
@option("--listen", default=LISTEN, show_default=True, help="HÔTE:PORT d'écoute.")
def serve(directory: Path, listen: str) -> None:
    """See ``help`` above."""
    from exchange.wiring.witness_server import WitnessServer
    from exchange.wiring.witness_store import WitnessStore

    store = WitnessStore(directory)  # fails here, in the foreground, and not in the worker
    name = store.name

    def announce() -> None:
        say("Témoin « {name} » à l'écoute sur http://{listen}", name=name, listen=listen)

    WitnessServer(lambda: WitnessStore(directory), listen, os.urandom, announce).run()
