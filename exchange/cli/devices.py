"""``dossier devices`` and ``registrar reach``: one's own devices, and what a lost one could open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from exchange.client.devices import Reach


@command(help="Montre vos appareils certifiés, et quand chacun a servi pour la dernière fois.")
@json_option
@pass_bench
def devices(bench: Bench, as_json: bool) -> None:
    """See ``help`` above."""
    from crypto.fingerprints import spoken_fingerprint
    from exchange.client.devices import devices_of

    desk = bench.desk()
    now = desk.machine.clock()
    documents: list[dict[str, Any]] = []
    for each in devices_of(desk, desk.certificate.statement.person):
        statement = each.certificate.statement
        usable = not each.revoked and statement.not_before <= now < statement.not_after
        documents.append(
            {
                "certificate": each.certificate.digest,
                "fingerprint": spoken_fingerprint(statement.recipient, statement.signing_key),
                "this_one": each.certificate.digest == desk.signer,
                "usable": usable,
                "not_after": statement.not_after.isoformat(),
                "last_login": each.last_login.isoformat() if each.last_login else None,
            }
        )

    def sentences() -> None:
        for each in documents:
            say(
                "{fingerprint} : {state}, dernière connexion {last}{here}",
                fingerprint=each["fingerprint"],
                state=_("valable") if each["usable"] else _("révoqué ou expiré"),
                last=each["last_login"] or _("jamais"),
                here=_(" (cet appareil)") if each["this_one"] else "",
            )
        say(
            "Un appareil que vous n'avez plus : faites-le révoquer sans attendre, par téléphone, au "
            "secrétariat."
        )

    result(documents, as_json=as_json, otherwise=sentences)


@command(help="Montre ce qu'un appareil (par son empreinte) ou une personne pouvait ouvrir.")
@click.argument("who", metavar="CERTIFICAT|PERSONNE")
@json_option
@pass_bench
def reach(bench: Bench, who: str, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.devices import reach_of
    from exchange.client.registrar_people import named_certificates

    desk = bench.desk()
    found = reach_of(desk, {each.digest for each in named_certificates(desk, who)})
    result(reach_document(found), as_json=as_json, otherwise=lambda: tell_reach(found))


def reach_document(found: Sequence[Reach]) -> list[dict[str, Any]]:
    """For a program."""
    return [
        {
            "dossier": each.dossier,
            "association": each.association,
            "sitting": each.sitting,
            "deposit": each.deposit,
            "purpose": each.purpose.value,
            "asked": each.asked,
            "live": each.live,
        }
        for each in found
    ]


def tell_reach(found: Sequence[Reach]) -> None:
    """What may lie on the lost machine first: those people are to be warned."""
    asked = [each for each in found if each.asked]
    if not found:
        say("Aucun dossier n'a été scellé pour cet appareil.")
        return
    say(
        "Dossiers scellés pour cet appareil : {count} dépôt(s), dont {asked} qu'il a demandé(s) et qui "
        "peuvent se trouver sur cette machine.",
        count=len(found),
        asked=len(asked),
    )
    for each in sorted(found, key=lambda one: not one.asked):
        say(
            "  {dossier} ({association}), séance {sitting} : {state}",
            dossier=each.dossier,
            association=each.association,
            sitting=each.sitting,
            state=_state(each),
        )


def _state(each: Reach) -> str:
    if each.asked:
        return _("demandé, peut-être sur cette machine")
    return _("jamais demandé") if each.live else _("jamais demandé, clé détruite")
