"""``dossier registrar emergency``: fewer witnesses for a few days, never silently."""

from __future__ import annotations

from datetime import datetime

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.moments import Moment
from exchange.cli.words import command, confirmed, json_option, option, result, say


@command(help="Abaisse, quelques jours, le nombre de témoins exigés quand l'un d'eux est en panne.")
@option("--quorum", type=click.IntRange(min=0), required=True,
        help="Combien de témoins indépendants suffisent, en plus du gardien des clés.")  # fmt: skip
@option("--until", type=Moment(), required=True, help="Jusqu'à quand (7 jours au plus).")
@option("--reason", required=True, help="Motif, lu par le vérificateur ; jamais de nom.")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def emergency(  # click passes by name
    bench: Bench, quorum: int, until: datetime, reason: str, yes: bool, as_json: bool
) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_log import lower_quorum

    question = (
        "Pendant ce temps, {quorum} témoin(s) suffiront à faire croire le journal, et le rapport du "
        "vérificateur le dira toujours. Continuer ?"
    )
    if not confirmed(question, yes=yes, quorum=quorum):
        raise click.Abort
    made = lower_quorum(bench.machine(), bench.identity(), quorum, until, reason)
    document = {"emergency": made.digest, "quorum": quorum, "until": until.isoformat()}

    def sentences() -> None:
        say(
            "Jusqu'au {until:%d/%m/%Y %H:%M} UTC, {quorum} témoin(s) suffisent. C'est inscrit au "
            "journal, et ne se reprend pas : réparez le témoin, ou nommez-en un autre par une nouvelle "
            "politique de confiance.",
            until=until,
            quorum=quorum,
        )

    result(document, as_json=as_json, otherwise=sentences)


@command(help="Efface du journal les détails au terme de leur conservation, vérifiés avant.")
@option("--dossier", metavar="REF", help="Seulement ce qui concerne ce dossier.")
@option("--rule", default="Terme de la conservation des traces.", show_default=True,
        help="La règle appliquée, qui reste au journal ; jamais de nom ni de référence.")  # fmt: skip
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def retention(bench: Bench, dossier: str | None, rule: str, yes: bool, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_log import erase, proposed

    desk = bench.desk()
    ranges, unattested = proposed(desk, dossier)
    count = sum(each.last - each.first + 1 for each in ranges)
    question = "Effacer pour toujours le détail de {count} événement(s) ?"
    if ranges and not confirmed(question, yes=yes, count=count):
        raise click.Abort
    orders = erase(desk, ranges, rule)

    def sentences() -> None:
        say("Détail effacé : {count} événement(s).", count=count)
        if unattested:
            say(
                "{count} événement(s) au terme de leur conservation attendent qu'un vérificateur les "
                "atteste : dossier audit attest.",
                count=unattested,
            )

    document = {
        "orders": [each.digest for each in orders],
        "ranges": [[each.first, each.last] for each in ranges],
        "events": count,
        "unattested": unattested,
    }
    result(document, as_json=as_json, otherwise=sentences)
