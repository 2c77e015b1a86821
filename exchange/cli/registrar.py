"""``dossier registrar``: the acts of the commission's secretariat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.lazy import LazyGroup
from exchange.cli.words import command, confirmed, json_option, option, result, say
from exchange.locale import translate as _

PATH = click.Path(path_type=Path)
ROLES = ("depositor", "member", "auditor", "decider")

LATER = {
    "trust": (
        "exchange.cli.registrar_trust:trust",
        "Compose, signe et publie la politique de confiance.",
    ),
    "invite": ("exchange.cli.registrar:invite", "Invite une personne."),
    "certify": ("exchange.cli.registrar:certify", "Certifie un appareil, empreinte comparée."),
    "revoke": ("exchange.cli.registrar:revoke", "Révoque un certificat, ou ceux d'une personne."),
    "reach": ("exchange.cli.devices:reach", "Montre ce qu'un appareil pouvait ouvrir."),
    "people": ("exchange.cli.registrar:people", "Montre les personnes certifiées ou en attente."),
    "seat": ("exchange.cli.registrar_meetings:seat", "Publie la composition de la commission."),
    "roster": (
        "exchange.cli.registrar_meetings:export_roster",
        "Écrit la composition en vigueur dans un fichier.",
    ),
    "sitting": ("exchange.cli.registrar_meetings:sitting", "Publie une séance, ou la modifie."),
    "agenda": ("exchange.cli.registrar_meetings:agenda", "Publie l'ordre du jour."),
    "complement": (
        "exchange.cli.registrar_complement:complement",
        "Demande les pièces qui manquent à un dossier.",
    ),
    "attendance": ("exchange.cli.voices:attendance", "Inscrit qui prend part à la séance."),
    "quorum": ("exchange.cli.voices:quorum", "Dit si la commission peut délibérer."),
    "close": (
        "exchange.cli.registrar_meetings:close",
        "Clôt une séance : ses clés sont détruites.",
    ),
    "purge": (
        "exchange.cli.registrar_endings:purge",
        "Ordonne d'effacer les dépôts d'une séance close.",
    ),
    "hold": (
        "exchange.cli.registrar_endings:hold",
        "Garde des dossiers de la purge (recours, enquête).",
    ),
    "retention": (
        "exchange.cli.registrar_log:retention",
        "Efface du journal ce qui est au terme de sa conservation.",
    ),
    "emergency": (
        "exchange.cli.registrar_log:emergency",
        "Abaisse, quelques jours, le nombre de témoins exigés.",
    ),
}


@click.group(cls=LazyGroup, lazy=LATER, help="Les actes du secrétariat de la commission.")
def registrar() -> None:
    """See ``help`` above."""


@command(help="Invite une personne : écrit un fichier à lui remettre par n'importe quel moyen.")
@option("--name", required=True, help="Nom de la personne.")
@option("--organisation", required=True, help="Code de son organisme.")
@option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES),
        help="Rôle ; se répète.")  # fmt: skip
@option("--person", help="Identifiant d'une personne déjà connue (nouvel appareil).")
@option("--days", type=click.IntRange(1, 90), default=30, show_default=True,
        help="Durée de validité, en jours.")  # fmt: skip
@option("--out", required=True, type=PATH, help="Fichier d'invitation à écrire.")
@json_option
@pass_bench
def invite(  # click passes by name
    bench: Bench,
    name: str,
    organisation: str,
    roles: tuple[str, ...],
    person: str | None,
    days: int,
    out: Path,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from crypto.fingerprints import spoken_trust_fingerprint
    from crypto.statements.registry import Role
    from exchange.client.files import already_there, appearing
    from exchange.client.registrar_people import invite as inviting

    if out.exists():
        raise already_there(out)
    desk = bench.desk()
    accepted, file = inviting(
        desk,
        bench.server_url(),
        person=person,
        name=name,
        organisation=organisation,
        roles=tuple(Role(role) for role in roles),
        days=days,
    )
    with appearing(out) as handle:
        handle.write(file.to_json())
    spoken = spoken_trust_fingerprint(desk.view.trust)
    document = {
        "person": accepted.statement.person,
        "invitation": accepted.digest,
        "file": str(out),
        "trust_fingerprint": spoken,
    }

    def sentences() -> None:
        say("Invitation de {name} écrite dans « {path} ».", name=name, path=out)
        say("Personne : {person}", person=accepted.statement.person)
        say("Empreinte de la commission, à lui lire au téléphone : {spoken}", spoken=spoken)

    result(document, as_json=as_json, otherwise=sentences)


@command(
    help="Certifie les appareils présentés, après comparaison de l'empreinte avec la personne."
)
@option("--person", help="Une seule personne, par son identifiant.")
@option("--fingerprint", help="L'empreinte lue par la personne.")
@option("--days", type=click.IntRange(1, 366), default=365, show_default=True,
        help="Durée du certificat, en jours.")  # fmt: skip
@option("--yes", is_flag=True, help="Les empreintes ont déjà été comparées.")
@json_option
@pass_bench
def certify(  # click passes by name
    bench: Bench,
    person: str | None,
    fingerprint: str | None,
    days: int,
    yes: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.cli.enrol import same_fingerprint
    from exchange.client.errors import NotPossibleError
    from exchange.client.registrar_people import certify as certifying
    from exchange.client.registrar_people import waiting

    desk = bench.desk()
    documents = []
    for each in waiting(desk, person):
        if fingerprint is not None and not same_fingerprint(fingerprint, each.fingerprint):
            continue
        invitation = each.invitation.statement
        if fingerprint is None and not yes:
            click.echo(f"{invitation.name} — {each.enrolment.statement.device}", err=True)
            click.echo(f"  {each.fingerprint}", err=True)
        question = "{name} lit-il ou elle la même empreinte ?"
        agreed = yes or fingerprint is not None
        if not confirmed(question, yes=agreed, name=invitation.name):
            continue
        done = certifying(desk, each, days=days, now=desk.machine.clock())
        documents.append(
            {
                "person": done.statement.person,
                "name": done.statement.name,
                "certificate": done.digest,
                "fingerprint": each.fingerprint,
            }
        )
    if fingerprint is not None and not documents:
        raise NotPossibleError(
            "Aucun appareil en attente n'a cette empreinte : rien n'a été certifié. Faites-la relire ; si "
            "elle ne correspond toujours pas, un tiers s'est glissé entre vous."
        )

    def sentences() -> None:
        if not documents:
            say("Aucun appareil certifié.")
        for each in documents:
            say("{name} : certificat {certificate}", **each)

    result(documents, as_json=as_json, otherwise=sentences)


@command(help="Révoque un certificat (par son empreinte) ou tous ceux d'une personne, aussitôt.")
@click.argument("who", metavar="CERTIFICAT|PERSONNE")
@option("--reason", required=True, help="Motif.")
@json_option
@pass_bench
def revoke(bench: Bench, who: str, reason: str, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.cli.devices import reach_document, tell_reach
    from exchange.client.devices import reach_of
    from exchange.client.registrar_people import revoke as revoking

    desk = bench.desk(lapsed_too=True)
    done = revoking(desk, who, reason)
    found = reach_of(desk, {each.digest for each in done})
    document = {
        "revoked": [{"certificate": each.digest, "name": each.statement.name} for each in done],
        "reach": reach_document(found),
    }

    def sentences() -> None:
        for each in document["revoked"]:
            say("{name} : certificat {certificate} révoqué, confirmé par le gardien.", **each)
        tell_reach(found)

    result(document, as_json=as_json, otherwise=sentences)


@command(help="Montre les personnes certifiées, et les appareils qui attendent de l'être.")
@json_option
@pass_bench
def people(bench: Bench, as_json: bool) -> None:
    """See ``help`` above."""
    from crypto.statements.registry import Certificate, Revocation
    from exchange.client.registrar_people import waiting
    from exchange.client.registry import usable

    desk = bench.desk()
    pending = waiting(desk)
    desk.load(Revocation)
    now, index = desk.machine.clock(), desk.view.ledger
    document: dict[str, list[dict[str, Any]]] = {
        "waiting": [
            {
                "person": each.invitation.statement.person,
                "name": each.invitation.statement.name,
                "device": each.enrolment.statement.device,
                "fingerprint": each.fingerprint,
            }
            for each in pending
        ],
        "certified": [
            {
                "person": each.statement.person,
                "name": each.statement.name,
                "organisation": each.statement.organisation,
                "roles": [role.value for role in each.statement.roles],
                "certificate": each.digest,
                "not_after": each.statement.not_after.isoformat(),
                "usable": usable(index, each.digest, now) is not None,
            }
            for each in index.find(Certificate)
        ],
    }

    def sentences() -> None:
        for each in document["waiting"]:
            say("en attente : {name} ({device}) {fingerprint}", **each)
        for each in document["certified"]:
            state = _("valable") if each["usable"] else _("révoqué ou expiré")
            say("{name} ({organisation}) {person} {certificate} : {state}", state=state, **each)

    result(document, as_json=as_json, otherwise=sentences)
