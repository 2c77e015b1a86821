"""``dossier board`` and ``dossier receipts``: what falls due, and who read a dossier, by seat."""

from __future__ import annotations

from typing import Final

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, result, say
from exchange.locale import translate as _

STEPS: Final = {
    "deposits-end": "fin des dépôts",
    "convoke": "dernier jour pour convoquer",
    "opening": "ouverture",
    "closing": "clôture",
    "complement": "complément attendu",
    "mandate-ends": "fin de mandat",
    "approval-ends": "fin d'agrément",
    "certificate-ends": "fin de certificat",
    "policy-ends": "fin de la politique de confiance",
}


@command(help="Montre les échéances des trois mois à venir, la plus proche d'abord.")
@json_option
@pass_bench
def board(bench: Bench, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.board import board as boarding

    found = boarding(bench.desk())

    def sentences() -> None:
        if not found:
            say("Aucune échéance dans les trois mois.")
        for each in found:
            say(
                "{at:%d/%m/%Y %H:%M} UTC  {what} {about}",
                at=each.at,
                what=_(STEPS[each.kind.value]),
                about=each.about,
            )

    documents = [
        {"kind": each.kind.value, "at": each.at.isoformat(), "about": each.about} for each in found
    ]
    result(documents, as_json=as_json, otherwise=sentences)


@command(help="Montre quels sièges ont reçu la clé d'un dossier de votre association, et quand.")
@click.argument("dossier", metavar="REF")
@json_option
@pass_bench
def receipts(bench: Bench, dossier: str, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.read_receipts import read_receipts

    found = read_receipts(bench.desk(), dossier)

    def sentences() -> None:
        if not found:
            say("Aucun siège n'a reçu la clé de ce dossier.")
        for each in found:
            what = _("fiche de conflit") if each.card else _("dossier")
            say(
                "{at:%d/%m/%Y %H:%M} UTC  {label} : {what}", at=each.at, label=each.label, what=what
            )

    documents = [
        {
            "deposit": each.deposit,
            "seat": each.seat,
            "label": each.label,
            "at": each.at.isoformat(),
            "card": each.card,
        }
        for each in found
    ]
    result(documents, as_json=as_json, otherwise=sentences)
