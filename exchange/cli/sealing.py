"""``dossier seal`` and ``dossier open``: local files, no service."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, option, result, say, warn

PATH = click.Path(path_type=Path)
PIPE = Path("-")


@command(help="Met un dossier dans un conteneur et le chiffre (age), sans service.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@option("--recipient", "-r", "recipients", multiple=True, required=True,
        help="Destinataire age1pq… ou age1… ; se répète.")  # fmt: skip
@option("--out", required=True, type=PATH, help="Fichier à écrire (« - » : la sortie standard).")
@json_option
@pass_bench
def seal(bench: Bench, folder: Path, recipients: tuple[str, ...], out: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.cli.progress import progress_on_terminal
    from exchange.client.local_files import output, seal_folder

    piped = out == PIPE
    with output(None if piped else out, sys.stdout.buffer) as sink:
        card = seal_folder(
            folder,
            recipients,
            sink,
            entropy=bench.around.entropy,
            progress=progress_on_terminal(),
        )
    if piped:
        return
    document = {"file": str(out), "pieces": len(card.pieces), "reference": card.dossier}

    def sentences() -> None:
        say("{count} fichier(s) chiffré(s) dans « {path} ».", count=len(card.pieces), path=out)

    result(document, as_json=as_json, otherwise=sentences)


@command("open", help="Ouvre un fichier chiffré par « dossier seal », ou pris dans une archive.")
@click.argument("file", type=PATH)
@option("--identity", "-i", type=PATH, help="Fichier d'identité age, ou clé de ce logiciel "
        "(défaut : celle du profil).")  # fmt: skip
@option("--out", required=True, type=PATH, help="Dossier neuf où écrire.")
@json_option
@pass_bench
def open_(bench: Bench, file: Path, identity: Path | None, out: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from contextlib import nullcontext

    from exchange.cli.progress import progress_on_terminal
    from exchange.client.keys import KEY_FILE
    from exchange.client.local_files import open_sealed, read_identities

    key = identity or bench.directory / KEY_FILE
    identities = read_identities(key, bench.passphrase)
    with nullcontext(sys.stdin.buffer) if file == PIPE else file.open("rb") as source:
        card, count = open_sealed(source, identities, out, progress=progress_on_terminal())
    document = {"directory": str(out), "files": count, "reference": card.dossier}

    def sentences() -> None:
        say("{count} fichier(s) dans « {path} ».", count=count, path=out)
        warn("Aucun manifeste n'a été vérifié : pour un dossier de séance, « dossier pack open ».")

    result(document, as_json=as_json, otherwise=sentences)
