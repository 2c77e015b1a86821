"""``dossier contact``: the address to which one wants to be written."""

from __future__ import annotations

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import group, json_option, result, say
from exchange.locale import current_language


@group(help="Votre adresse pour les messages du service : neutres, avec un lien et rien d'autre.")
def contact() -> None:
    """See ``help`` above."""


@contact.command("set", help="Donne ou remplace votre adresse.")
@click.argument("address", metavar="ADRESSE")
@json_option
@pass_bench
def set_(bench: Bench, address: str, as_json: bool) -> None:
    """See ``help`` above."""
    bench.desk().api.set_contact(address, current_language())
    result({"address": address}, as_json=as_json, otherwise=lambda: say("Adresse gardée."))


@contact.command(help="Montre l'adresse que le service garde.")
@json_option
@pass_bench
def show(bench: Bench, as_json: bool) -> None:
    """See ``help`` above."""
    address = bench.desk().api.contact()

    def sentences() -> None:
        if address is None:
            say("Le service ne garde aucune adresse.")
        else:
            say("{address}", address=address)

    result({"address": address}, as_json=as_json, otherwise=sentences)


@contact.command(help="Retire votre adresse.")
@json_option
@pass_bench
def remove(bench: Bench, as_json: bool) -> None:
    """See ``help`` above."""
    bench.desk().api.set_contact(None, current_language())
    result({"address": None}, as_json=as_json, otherwise=lambda: say("Adresse retirée."))
