"""``dossier backup`` and ``dossier restore``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.serve import settings_option
from exchange.cli.words import command, json_option, option, result, say, warn
from exchange.settings import load_settings

if TYPE_CHECKING:
    from exchange.wiring.restore import Restored

PATH = click.Path(path_type=Path)


@command(help="Sauvegarde tout ce que garde le service, chiffré (age) ; jamais les clés de dépôt.")
@settings_option
@option("--recipient", "-r", required=True, help="Destinataire age1pq… ou age1… de la sauvegarde.")
@option("--out", required=True, type=PATH, help="Fichier neuf à écrire.")
@json_option
@pass_bench
def backup(
    bench: Bench, settings_file: Path | None, recipient: str, out: Path, as_json: bool
) -> None:
    """See ``help`` above."""
    from exchange.client.local_files import output
    from exchange.wiring.backup import back_up

    settings = load_settings(settings_file, os.environ)
    with output(out, sys.stdout.buffer) as sink:
        saved = back_up(
            settings, recipient, sink, clock=lambda: datetime.now(UTC), entropy=bench.around.entropy
        )
    document = {"file": str(out), "rows": saved.rows, "objects": saved.objects}

    def sentences() -> None:
        say(
            "Sauvegarde chiffrée dans « {path} » : {rows} lignes, {objects} dossiers chiffrés.",
            path=out, rows=saved.rows, objects=saved.objects,
        )  # fmt: skip
        if saved.gone:
            say("{count} dossier(s) purgé(s) pendant la sauvegarde.", count=len(saved.gone))

    result(document, as_json=as_json, otherwise=sentences)


@command(help="Restaure une sauvegarde dans un répertoire neuf ; rien d'existant n'est remplacé.")
@click.argument("file", type=PATH)
@option("--identity", "-i", required=True, type=PATH, help="Fichier d'identité age, ou clé de ce "
        "logiciel.")  # fmt: skip
@option("--directory", required=True, type=PATH, help="Répertoire neuf de l'instance.")
@option("--broker", required=True, type=PATH, help="Répertoire du gardien des clés, qui n'est dans "
        "aucune sauvegarde.")  # fmt: skip
@option("--mark", type=PATH, help="Le repère du journal (high-water.note) de l'ancienne machine.")
@option("--database", help="Adresse d'une base vide (défaut : SQLite dans le répertoire).")
@option("--objects", help="Stockage vide des textes chiffrés (défaut : DIR/objects).")
@json_option
@pass_bench
def restore(  # click passes by name
    bench: Bench,
    file: Path,
    identity: Path,
    directory: Path,
    broker: Path,
    mark: Path | None,
    database: str | None,
    objects: str | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client.local_files import read_identities
    from exchange.wiring.instance import InstancePlan
    from exchange.wiring.restore import put_mark_back
    from exchange.wiring.restore import restore as bring_back

    directory = directory.absolute()
    plan = InstancePlan(
        directory=directory,
        broker_directory=broker.absolute(),
        preset="",
        roots=(),
        threshold=0,
        database_url=database or f"sqlite:///{directory / 'database.sqlite'}",
        objects_url=objects or f"file://{quote(str(directory / 'objects'))}",
        origin="",
        public_url="",
        listen="",
    )
    with file.open("rb") as source:
        done = bring_back(
            source,
            read_identities(identity, bench.passphrase),
            plan,
            clock=lambda: datetime.now(UTC),
            entropy=bench.around.entropy,
        )
    if mark is not None:
        put_mark_back(mark, directory)
    document = {**asdict(done), "settings_file": str(done.settings_file)}
    result(document, as_json=as_json, otherwise=lambda: _tell(done, marked=mark is not None))


def _tell(done: Restored, *, marked: bool) -> None:
    say(
        "Sauvegarde du {moment} restaurée : {rows} lignes, {objects} dossiers chiffrés, "
        "{size} événements. Réglages : « {path} ».",
        moment=done.made_at,
        rows=done.rows,
        objects=done.objects,
        size=done.log_size,
        path=done.settings_file,
    )
    if not marked:
        warn(
            "Le repère du journal n'est dans aucune sauvegarde : posez celui de l'ancienne machine "
            "(high-water.note) dans le répertoire. Sans lui, le service refuse de signer."
        )
