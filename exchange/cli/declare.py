"""``dossier declare`` and ``recuse``: the member's word before a first opening."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, confirmed, json_option, option, result, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.client.declare import Declarable
    from exchange.client.desk import Desk


@command(help="Déclare n'avoir pas de conflit d'intérêts dans les dossiers d'une séance.")
@click.argument("sitting")
@click.argument("references", nargs=-1, metavar="[REF]...")
@option("--accept-undertaking", is_flag=True, help="Signe aussi l'engagement de confidentialité.")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer ; signe aussi l'engagement.")
@json_option
@pass_bench
def declare(  # click passes by name
    bench: Bench,
    sitting: str,
    references: tuple[str, ...],
    accept_undertaking: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client import declare as declaring

    desk = bench.desk()
    seen = declaring.look(desk, sitting)
    undertaking = undertake_first(desk, seen, agreed=accept_undertaking or yes)
    left = [each for each in (references or seen.open_to_me) if each not in seen.declared]
    _mention_cards(desk, seen, left)
    question = "N'avez-vous aucun conflit d'intérêts dans : {dossiers} ?"
    if left and sys.stdin.isatty() and not confirmed(question, yes=yes, dossiers=", ".join(left)):
        raise click.Abort
    done = declaring.declare(desk, seen, references)
    document = {"declared": list(done), "undertaking": undertaking, "recused": sorted(seen.recused)}

    def sentences() -> None:
        if done:
            say("Déclaration signée pour : {dossiers}.", dossiers=", ".join(done))
        else:
            say("Rien de nouveau à déclarer.")

    result(document, as_json=as_json, otherwise=sentences)


def undertake_first(desk: Desk, seen: Declarable, *, agreed: bool) -> str | None:
    """Sign the undertaking of this mandate, if it was not yet; its digest."""
    return None if seen.undertaken else _undertake(desk, seen, agreed=agreed)


def _mention_cards(desk: Desk, seen: Declarable, left: Sequence[str]) -> None:
    """Who the dossiers are about can be read before the declaration, where a card says it."""
    from exchange.client.conflict_cards import cards_to_read

    with_card = [each.reference for each in cards_to_read(desk, seen) if each.reference in left]
    if with_card:
        warn(
            "Une fiche de conflit accompagne {dossiers} : « dossier card {sitting} » la montre. Lisez-la "
            "avant de déclarer.",
            dossiers=", ".join(with_card),
            sitting=seen.sitting.statement.sitting,
        )


def _undertake(desk: Desk, seen: Declarable, *, agreed: bool) -> str:
    from exchange.client.declare import undertake, undertaking_text
    from exchange.client.errors import NotPossibleError

    if not agreed:
        click.echo(undertaking_text().decode(), err=True)
    if not confirmed("Signez-vous cet engagement de confidentialité ?", yes=agreed):
        raise NotPossibleError(
            "L'engagement de confidentialité n'est pas signé : aucun dossier ne s'ouvre sans lui. "
            "Relancez avec --accept-undertaking."
        )
    return undertake(desk, seen.mandate)


@command(help="Se déporte de dossiers : tout accès y prend fin aussitôt, sans retour.")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
@option("--sitting", help="La séance (sinon celle dont l'ordre du jour porte le dossier).")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def recuse(
    bench: Bench, references: tuple[str, ...], sitting: str | None, yes: bool, as_json: bool
) -> None:
    """See ``help`` above."""
    from exchange.client.declare import recuse as recusing
    from exchange.client.declare import sitting_with

    listed = ", ".join(references)
    question = "Vous déporter de {dossiers} ? Un déport ne se reprend pas."
    if sys.stdin.isatty() and not confirmed(question, yes=yes, dossiers=listed):
        raise click.Abort
    desk = bench.desk(lapsed_too=True)
    chosen = sitting or sitting_with(desk, references[0])
    digest = recusing(desk, chosen, references)
    document = {"recusal": digest, "sitting": chosen, "dossiers": list(references)}

    def sentences() -> None:
        say("Déport enregistré et pris en compte par le gardien : {dossiers}.", dossiers=listed)
        warn("Ce que vous en aviez pris ou ouvert reste sur ce poste : effacez-le.")

    result(document, as_json=as_json, otherwise=sentences)


@command(
    help="Signale un dossier dont l'en-tête, signé par l'association, n'ouvre pas ce qu'il doit."
)
@click.argument("reference", metavar="REF")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def complain(bench: Bench, reference: str, yes: bool, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.complaint import complain as complaining

    question = (
        "Signaler le dossier {reference} au secrétariat, aux vérificateurs et à l'association ?"
    )
    if sys.stdin.isatty() and not confirmed(question, yes=yes, reference=reference):
        raise click.Abort
    signed = complaining(bench.desk(), reference)
    document = {"dossier": reference, "complaints": list(signed)}

    def sentences() -> None:
        say(
            "Signalement enregistré pour le dossier {reference}. L'association peut sceller une "
            "nouvelle enveloppe avec « dossier grant ».",
            reference=reference,
        )

    result(document, as_json=as_json, otherwise=sentences)
