"""``dossier sittings``: what is known of the sittings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, json_option, option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.digests import Digest
    from crypto.statements.registry import Sitting
    from exchange.client.desk import Desk
    from exchange.client.registry import Deposited
    from exchange.usecases.ledger import StatementIndex


@command(help="Montre les séances connues, qui y siège et leur ordre du jour.")
@option("--sitting", "only", help="Une seule séance, par son identifiant.")
@json_option
@pass_bench
def sittings(bench: Bench, only: str | None, as_json: bool) -> None:
    """See ``help`` above."""
    from crypto.statements.registry import Sitting
    from exchange.client.filekeys import forget_ended

    desk = bench.desk()
    desk.source.begin()
    taken = desk.take(desk.api.sittings())
    found = [each.statement for each in taken if isinstance(each.statement, Sitting)]
    chosen = sorted(
        (each for each in found if only in {None, each.sitting}), key=lambda each: each.opens_at
    )
    described = []
    for each in chosen:
        desk.load_sitting(each.sitting)
        desk.status(each.sitting)
        described.append(_describe(desk, each.sitting))
    forget_ended(desk)

    def sentences() -> None:
        if not described:
            say("Aucune séance.")
        for document in described:
            _tell(document)

    result(described, as_json=as_json, otherwise=sentences)


def _describe(desk: Desk, sitting: str) -> dict[str, Any]:
    from exchange.client.registry import all_deposits_of, deposits_of, is_closed, sitting_of, usable
    from exchange.usecases.agendas import listed
    from exchange.usecases.facts import latest_agenda

    index, now = desk.view.ledger, desk.machine.clock()
    with_card = {each.reference for each in all_deposits_of(index, sitting) if each.is_card}
    statement: Sitting = sitting_of(index, sitting).statement
    seats = []
    for seat in statement.seats:
        names = {c.name for digest in seat.certificates if (c := usable(index, digest, now))}
        seats.append(
            {
                "seat": seat.seat,
                "person": seat.person,
                "capacity": seat.capacity.value,
                "label": seat.label,
                "name": ", ".join(sorted(names)) or seat.name,
                "awaiting_key": not names,
            }
        )
    return {
        "sitting": statement.sitting,
        "version": statement.version,
        "stage": statement.stage.value,
        "closed": is_closed(index, statement, now),
        "deposit_by": statement.deposit_by.isoformat(),
        "opens_at": statement.opens_at.isoformat(),
        "closes_at": statement.closes_at.isoformat(),
        "zone": statement.zone,
        "seats": seats,
        "agenda": [
            {
                "association": item.association,
                "dossier": item.dossier,
                "deposits": len(item.manifests),
            }
            for item in listed(index, latest_agenda(index, sitting))
        ],
        "deposits": [
            {
                "association": each.association,
                "dossier": each.reference,
                "deposit": each.manifest.statement.deposit,
                "pathway": each.manifest.statement.pathway,
                "complement": each.complement,
                "card": each.reference in with_card,
                "withdrawn": each.withdrawn,
                "urgent": each.manifest.statement.urgent,
                "complaints": _complaints(index, each.manifest.digest),
                "complement_asked": _asked(index, sitting, each),
            }
            for each in deposits_of(index, sitting)
        ],
    }


def _asked(index: StatementIndex, sitting: str, each: Deposited) -> dict[str, Any] | None:
    """What the secretariat asks to be added to a dossier, and whether something was since."""
    from exchange.client.registry import deposits_of
    from exchange.usecases.facts import complement_request_of

    found = complement_request_of(index, sitting, each.reference)
    if found is None or each.complement:
        return None
    return {
        "pieces": list(found.statement.pieces),
        "answer_by": found.statement.answer_by.isoformat(),
        "answered": any(
            other.reference == each.reference and other.manifest.order > found.order
            for other in deposits_of(index, sitting)
        ),
    }


def _complaints(index: StatementIndex, manifest: Digest) -> list[dict[str, str]]:
    """Who complained of an envelope of this deposit, and of what; as far as this profile may know."""
    from exchange.client.registry import complaints_of
    from exchange.usecases.authority import find_certificate

    found = []
    for each in complaints_of(index, manifest):
        certificate = find_certificate(index, each.statement.signer)
        name = certificate.statement.name if certificate else each.statement.signer
        found.append({"name": name, "fault": each.statement.fault.value})
    return found


def _tell(document: dict[str, Any]) -> None:
    stage = _("close") if document["closed"] else _(STAGES[document["stage"]])
    say("Séance {sitting} ({stage})", sitting=document["sitting"], stage=stage)
    say(
        "  dépôts jusqu'au {deposit_by}, ouverture {opens_at}, clôture {closes_at}",
        deposit_by=document["deposit_by"],
        opens_at=document["opens_at"],
        closes_at=document["closes_at"],
    )
    for seat in document["seats"]:
        waits = _(" (clé attendue)") if seat["awaiting_key"] else ""
        say(
            "  siège {seat} : {name}{waits}",
            seat=seat["seat"],
            name=seat["name"] or seat["person"],
            waits=waits,
        )
    for item in document["agenda"]:
        say("  dossier {dossier} ({association})", **item)
    for deposit in document["deposits"]:
        asked = deposit["complement_asked"]
        if asked and not deposit["withdrawn"]:
            say(
                "  complément demandé au dossier {dossier}, avant le {answer_by} : {pieces} ({state})",
                dossier=deposit["dossier"],
                answer_by=asked["answer_by"],
                pieces=", ".join(asked["pieces"]),
                state=_("répondu") if asked["answered"] else _("attendu"),
            )
        for complaint in deposit["complaints"]:
            say(
                "  signalement de {name} : le dossier {dossier}, tel que scellé pour cette personne, "
                "est inutilisable ({fault})",
                name=complaint["name"],
                dossier=deposit["dossier"],
                fault=_(FAULTS[complaint["fault"]]),
            )


STAGES = {"planned": "prévue", "convoked": "convoquée"}

FAULTS = {
    "not-for-this-key": "enveloppe destinée à une autre clé",
    "altered": "en-tête abîmé",
    "other-file-key": "clé d'un autre contenu",
    "other-content": "contenu qui n'est pas celui du manifeste",
}
