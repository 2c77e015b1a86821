"""``dossier proxy``, ``registrar attendance`` and ``quorum``: who speaks, and for whom."""

from __future__ import annotations

from typing import Any

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, option, result, say
from exchange.locale import translate as _


@command(help="Donne mandat à un autre membre de la séance (CRPA R133-9), ou le reprend.")
@click.argument("sitting")
@option("--to", "holder", metavar="SIÈGE", help="Le siège qui parlera pour le vôtre.")
@option("--withdraw", is_flag=True, help="Reprend le mandat donné.")
@json_option
@pass_bench
def proxy(bench: Bench, sitting: str, holder: str | None, withdraw: bool, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.voices import give_proxy

    if withdraw is (holder is not None):
        raise click.UsageError(_("Donnez --to SIÈGE, ou --withdraw."))
    done = give_proxy(bench.desk(), sitting, holder)

    def sentences() -> None:
        if holder is None:
            say("Mandat repris.")
        else:
            say("Mandat donné au siège {holder}.", holder=holder)

    result({"proxy": done.digest, "holder": holder}, as_json=as_json, otherwise=sentences)


@command(help="Inscrit qui prend part à la séance ; les autres sièges sont absents.")
@click.argument("sitting")
@option("--room", multiple=True, metavar="SIÈGE", help="Présent dans la salle ; se répète.")
@option("--remote", multiple=True, metavar="SIÈGE",
        help="Présent par téléphone ou visioconférence ; se répète.")  # fmt: skip
@json_option
@pass_bench
def attendance(
    bench: Bench, sitting: str, room: tuple[str, ...], remote: tuple[str, ...], as_json: bool
) -> None:
    """See ``help`` above."""
    from crypto.statements.presence import Presence
    from exchange.client.voices import record_attendance

    twice = set(room) & set(remote)
    if twice:
        raise click.UsageError(
            _("Le siège « {seat} » est à la fois dans la salle et à distance.").format(
                seat=min(twice)
            )
        )
    present = dict.fromkeys(room, Presence.ROOM) | dict.fromkeys(remote, Presence.REMOTE)
    done = record_attendance(bench.desk(), sitting, present)

    def sentences() -> None:
        say("Présents inscrits : {count} siège(s).", count=len(present))

    document = {"attendance": done.digest, "room": sorted(room), "remote": sorted(remote)}
    result(document, as_json=as_json, otherwise=sentences)


@command(help="Dit, dossier par dossier, si la commission peut délibérer (CRPA R133-10).")
@click.argument("sitting")
@json_option
@pass_bench
def quorum(bench: Bench, sitting: str, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.voices import count_quorum

    documents: list[dict[str, Any]] = [
        {
            "dossier": each.dossier,
            "association": each.association,
            "reached": each.quorum.reached,
            "members": each.quorum.members,
            "needed": each.quorum.needed,
            "present": each.quorum.present,
            "represented": each.quorum.represented,
            "recused": sorted(each.recused),
            "second_convocation": each.quorum.second_convocation,
        }
        for each in count_quorum(bench.desk(), sitting)
    ]

    def sentences() -> None:
        short = sum(not each["reached"] for each in documents)
        if short:
            say(
                "Quorum non atteint pour {count} dossier(s) sur {all}.",
                count=short,
                all=len(documents),
            )
        else:
            say("Quorum atteint pour les {all} dossier(s).", all=len(documents))
        for each in documents:
            state = _("atteint") if each["reached"] else _("NON ATTEINT")
            say(
                "  {dossier} ({association}) : {state}, {present} présent(s) et {represented} "
                "représenté(s) pour {needed} sur {members}",
                state=state,
                **each,
            )

    result(documents, as_json=as_json, otherwise=sentences)
