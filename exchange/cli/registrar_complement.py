"""``dossier registrar complement``: ask for missing pieces, with a term (CRPA L114-5)."""

from __future__ import annotations

from datetime import datetime

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.moments import Moment
from exchange.cli.words import command, json_option, option, result, say
from exchange.domain.pieces import PIECES


@command(help="Demande les pièces qui manquent à un dossier ; l'association répond jusqu'au terme.")
@click.argument("dossier", metavar="REF")
@option("--piece", "pieces", multiple=True, required=True,
        type=click.Choice([piece.code for piece in PIECES]),
        help="Pièce attendue, par son code ; se répète.")  # fmt: skip
@option("--answer-by", type=Moment(), required=True, help="Jusqu'à quand.")
@json_option
@pass_bench
def complement(
    bench: Bench, dossier: str, pieces: tuple[str, ...], answer_by: datetime, as_json: bool
) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_sittings import request_complement

    asked = request_complement(bench.desk(), dossier, pieces, answer_by)
    document = {
        "request": asked.digest,
        "dossier": dossier,
        "pieces": list(pieces),
        "answer_by": answer_by.isoformat(),
    }

    def sentences() -> None:
        say(
            "Complément demandé au dossier {dossier}, attendu jusqu'au {answer_by:%d/%m/%Y %H:%M} UTC.",
            dossier=dossier,
            answer_by=answer_by,
        )

    result(document, as_json=as_json, otherwise=sentences)
