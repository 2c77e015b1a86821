"""``dossier card``: who a dossier is about, as far as a conflict of interest needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, option, result, say, warn
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.edge.conflict_card import ConflictCard
    from exchange.client.conflict_cards import Cards


def card_of(text: str) -> ConflictCard:
    """``INITIALS,YEAR,COMMUNE`` as a card; raises UsageError."""
    from crypto.edge.conflict_card import ConflictCard
    from crypto.errors import CryptoError

    parts = [part.strip() for part in text.split(",")]
    usage = _(
        "--card attend INITIALES,ANNÉE,COMMUNE : « M. D.,1994,Nanterre » (douze caractères, une année de "
        "naissance, soixante caractères au plus)."
    )
    if len(parts) != 3 or not parts[1].isdecimal():
        raise click.UsageError(usage)
    try:
        return ConflictCard.make(parts[0], int(parts[1]), parts[2])
    except CryptoError as error:
        raise click.UsageError(usage) from error


@command(help="Montre les fiches de conflit : initiales, année de naissance, commune.")
@click.argument("sitting")
@click.argument("references", nargs=-1, metavar="[REF]...")
@option("--accept-undertaking", is_flag=True, help="Signe d'abord l'engagement de confidentialité.")
@json_option
@pass_bench
def card(
    bench: Bench,
    sitting: str,
    references: tuple[str, ...],
    accept_undertaking: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.cli.declare import undertake_first
    from exchange.client.conflict_cards import read_cards
    from exchange.client.declare import look

    desk = bench.desk()
    seen = look(desk, sitting)
    undertake_first(desk, seen, agreed=accept_undertaking)
    read = read_cards(desk, seen, references)
    document = {
        "cards": [
            {"dossier": each.reference, **each.card.model_dump(mode="json")} for each in read.shown
        ],
        "refused": [
            {"dossier": each.reference, "reason": each.reason, "message": each.message}
            for each in read.refused
        ],
    }
    result(document, as_json=as_json, otherwise=lambda: _tell(read, sitting))
    if read.refused or read.faulty:
        raise SystemExit(1)


def _tell(read: Cards, sitting: str) -> None:
    for each in read.shown:
        say(
            "Dossier {reference} : {initials}, né(e) en {year}, {commune}",
            reference=each.reference,
            initials=each.card.initials,
            year=each.card.year,
            commune=each.card.commune,
        )
    for refusal in read.refused:
        warn(
            "Dossier {reference} : {message}",
            reference=refusal.reference,
            message=_(refusal.message),
        )
    for fault in read.faulty:
        warn(
            "La fiche du dossier {reference} n'est pas celle que l'association a signée : « dossier "
            "complain {reference} » le lui signale.",
            reference=fault.reference,
        )
    if read.shown:
        say(
            "Si vous connaissez une de ces personnes : « dossier recuse RÉFÉRENCE ». Sinon : « dossier "
            "declare {sitting} ».",
            sitting=sitting,
        )
