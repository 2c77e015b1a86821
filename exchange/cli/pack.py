"""``dossier pack``: take the dossiers of a sitting, and open them."""

from __future__ import annotations

from pathlib import Path

import click

from exchange.cli.bench import Bench
from exchange.cli.words import group, json_option, option, result, say, warn
from exchange.locale import translate as _

PATH = click.Path(path_type=Path)


@group(help="Prend et ouvre les dossiers d'une séance.")
def pack() -> None:
    """See ``help`` above."""


@pack.command(
    help="Prend les dossiers d'une séance : tout est vérifié avant que le fichier existe."
)
@click.argument("sitting")
@option("--out", required=True, type=PATH, help="Archive à écrire.")
@option("--dossier", "only", multiple=True, metavar="REF", help="Ce dossier seulement ; se répète.")
@option(
    "--ask-anyway",
    is_flag=True,
    help="Demande même ce que la règle refuse : le refus du service est alors journalisé.",
)
@json_option
@click.pass_context
def get(  # click passes by name
    context: click.Context,
    sitting: str,
    out: Path,
    only: tuple[str, ...],
    ask_anyway: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.cli.failures import REFUSED
    from exchange.client.pack_get import get_pack

    bench: Bench = context.obj
    done = get_pack(bench.desk(), sitting, out, only=only, ask_anyway=ask_anyway)
    document = {
        "pack": str(out) if done.references else None,
        "dossiers": list(done.references),
        "entries": list(done.entries),
        "refusals": [
            {"dossier": each.reference, "reason": each.reason, "message": each.message}
            for each in done.refused
        ],
        "faults": [
            {"dossier": each.reference, "fault": each.fault.value, "header": each.header_sha256}
            for each in done.faulty
        ],
    }

    def sentences() -> None:
        if done.references:
            say(
                "{count} dossier(s) vérifié(s), dans « {path} ».",
                count=len(done.references),
                path=out,
            )

    result(document, as_json=as_json, otherwise=sentences)
    for each in done.refused:
        warn(
            "Dossier {reference} refusé : {message}",
            reference=each.reference,
            message=_(each.message),
        )
    for fault in done.faulty:
        warn(
            "Dossier {reference} laissé de côté : il n'est pas ce que l'association a signé pour vous. "
            "Signalez-le avec « dossier complain {reference} » et prévenez le secrétariat.",
            reference=fault.reference,
        )
    if done.refused or done.faulty:
        context.exit(REFUSED)


@pack.command("open", help="Vérifie une archive de séance et en ouvre les dossiers, sans réseau.")
@click.argument("file", type=PATH)
@option("--out", required=True, type=PATH, help="Dossier neuf où écrire.")
@json_option
@click.pass_context
def open_(context: click.Context, file: Path, out: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.cli.failures import REFUSED
    from exchange.client.pack_open import open_pack
    from exchange.domain.pieces import label_of
    from exchange.locale import translate as _

    bench: Bench = context.obj
    trust = bench.profile.trust()
    opened = open_pack(file, out, trust, bench.identity(), bench.around.clock())
    document = {
        "directory": str(out),
        "dossiers": [
            {
                "dossier": each.reference,
                "folder": each.folder,
                "files": each.files,
                "absent": list(each.absent),
            }
            for each in opened.dossiers
        ],
        "spoilt": [{"folder": each.folder, "message": str(each.error)} for each in opened.spoilt],
    }

    def sentences() -> None:
        for each in opened.dossiers:
            say("{folder} : {files} fichier(s)", folder=out / each.folder, files=each.files)
            if each.absent:
                labels = ", ".join(_(label_of(code)) for code in each.absent)
                say("  pièces attendues d'ordinaire, absentes : {labels}", labels=labels)
        say("Effacez « {path} » après la séance.", path=out)

    result(document, as_json=as_json, otherwise=sentences)
    for spoilt in opened.spoilt:
        warn(
            "{folder} n'a pas été ouvert : {message} Reprenez l'archive avec « dossier pack get ».",
            folder=spoilt.folder,
            message=str(spoilt.error),
        )
    if opened.spoilt:
        context.exit(REFUSED)
