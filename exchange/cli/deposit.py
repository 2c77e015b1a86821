"""``dossier deposit``, ``grant``, ``withdraw``: the depositor's acts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.card import card_of
from exchange.cli.words import command, confirmed, json_option, option, result, say, warn
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.edge.conflict_card import ConflictCard
    from exchange.client.deposit import Done, Plan
    from exchange.client.desk import Desk

PATH = click.Path(path_type=Path, exists=True)


@command(help="Dépose un dossier : chiffré ici, pour chaque membre qui siège et n'est pas déporté.")
@click.argument("paths", nargs=-1, type=PATH)
@option("--sitting", help="La séance, par son identifiant.")
@option("--kind", type=click.Choice(["engagement", "renewal"]), help="Demande d'engagement ou de "
        "renouvellement.")  # fmt: skip
@option("--complement-of", metavar="REF", help="Complète ce dossier déjà déposé.")
@option(
    "--only-seat", "seats", multiple=True, metavar="CODE", help="Réservé à ce siège ; se répète."
)
@option("--urgent", is_flag=True,
        help="Après la limite de dépôt, avant l'ouverture : le secrétariat décide de l'inscrire.")  # fmt: skip
@option("--pathway", help="Parcours que ce renouvellement poursuit (identifiant), ou « new ».")
@option("--note", default="", help="Note pour les membres, chiffrée avec le dossier.")
@option("--card", "card_text", metavar="INITIALES,ANNÉE,COMMUNE",
        help="Ajoute une fiche de conflit, que les membres lisent avant de déclarer.")  # fmt: skip
@option("--keep-metadata", is_flag=True,
        help="Laisse dans les fichiers auteur, dates, position GPS et le reste.")  # fmt: skip
@option("--any-type", is_flag=True, help="Admet des fichiers autres que PDF, JPEG, PNG et texte.")
@option("--resume", is_flag=True, help="Reprend les dépôts interrompus.")
@option("--discard", is_flag=True, help="Oublie les dépôts interrompus.")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer les destinataires.")
@json_option
@pass_bench
def deposit(  # click passes by name
    bench: Bench,
    paths: tuple[Path, ...],
    sitting: str | None,
    kind: str | None,
    complement_of: str | None,
    seats: tuple[str, ...],
    urgent: bool,
    pathway: str | None,
    note: str,
    card_text: str | None,
    keep_metadata: bool,
    any_type: bool,
    resume: bool,
    discard: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from crypto.statements.exchange import Kind
    from exchange.cli.findings import findings_document, tell_findings
    from exchange.client import deposit as depositing
    from exchange.client.pieces import Metadata

    if resume or discard:
        if paths or sitting or (resume and discard):
            raise click.UsageError(_("--resume et --discard s'emploient seuls."))
        desk = bench.desk()
        if discard:
            say("{count} dépôt(s) interrompu(s) oublié(s).", count=depositing.discard(desk))
        else:
            _tell_all(depositing.resume(desk), as_json=as_json)
        return
    card = card_of(card_text) if card_text is not None else None
    if card and sitting and complement_of and not paths:
        desk = bench.desk()
        _tell_all((_deposit_card(desk, sitting, complement_of, card),), as_json=as_json)
        return
    if not paths or sitting is None or kind is None:
        raise click.UsageError(_("Un dépôt demande --sitting, --kind et au moins un fichier."))
    desk = bench.desk()
    metadata = Metadata.KEEP if keep_metadata else Metadata.STRIP
    wanted = depositing.Wanted(
        *(sitting, Kind(kind), paths, complement_of, seats or None, pathway, note),
        urgent=urgent,
        metadata=metadata,
        any_type=any_type,
    )
    made = depositing.plan(desk, wanted)
    tell_findings(made)
    _tell_missing(made)
    _tell_pathway(desk, made)
    _tell_new_devices(desk, made)
    _confirm(made, yes=yes or as_json)
    done = depositing.make_deposit(desk, made)
    with_card = _deposit_card(desk, sitting, done.reference, card) if card else None
    _tell_all((done,), as_json=as_json, findings=findings_document(made), card=with_card)


def _deposit_card(desk: Desk, sitting: str, reference: str, card: ConflictCard) -> Done:
    from exchange.client.conflict_cards import plan_card
    from exchange.client.deposit import make_deposit

    return make_deposit(desk, plan_card(desk, sitting, reference, card))


def _confirm(made: Plan, *, yes: bool) -> None:
    """Show who will be able to read. Keys new since the last sitting are for the person to check."""
    import sys

    if yes or not sys.stdin.isatty():
        return
    say("Pourront lire ce dossier :")
    for each in made.addressees:
        seat = each.seat or _("collègue, pour remettre à d'autres")
        say("  {name} ({seat})", name=each.name, seat=seat)
    if not confirmed("Est-ce bien cela ?", yes=False):
        raise click.Abort


def _tell_missing(made: Plan) -> None:
    """What such a request usually holds and this one does not: it may still be deposited."""
    from exchange.domain.pieces import label_of

    absent = [_(label_of(each.piece)) for each in made.checklist if not each.present]
    if absent:
        warn("Pièces attendues d'ordinaire, absentes : {labels}.", labels=", ".join(absent))


def _tell_pathway(desk: Desk, made: Plan) -> None:
    """How long the pathway becomes, where that is beyond what the law gives it."""
    from exchange.client.deposit import periods_before
    from exchange.domain.pathways import MAX_MONTHS, exceeds, months_with

    earlier = periods_before(desk, made)
    if earlier is not None and exceeds(earlier):
        warn(
            "Ce parcours atteindrait {months} mois avec ce dossier ; la loi en prévoit {most} au plus "
            "(CASF L121-9). Le dépôt reste possible : dites-en la raison aux membres (--note).",
            months=months_with(earlier),
            most=MAX_MONTHS,
        )


def _tell_new_devices(desk: Desk, made: Plan) -> None:
    """Name the keys that are new since this profile's last deposit, for a phone call."""
    from exchange.client.known_devices import new_devices

    for each, spoken in new_devices(desk.profile, desk.view.ledger, made.addressees):
        warn(
            "Clé nouvelle depuis votre dernier dépôt : {name}. Au moindre doute, faites-lui lire son "
            "empreinte : {spoken}",
            name=each.name,
            spoken=spoken,
        )


def _tell_all(
    done: tuple[Done, ...],
    *,
    as_json: bool,
    findings: list[dict[str, object]] | None = None,
    card: Done | None = None,
) -> None:
    documents: list[dict[str, object]] = [
        {
            "deposit": each.deposit,
            "dossier": each.reference,
            "pathway": each.pathway,
            "manifest": each.manifest,
            "log_index": each.index,
        }
        for each in done
    ]

    def sentences() -> None:
        if not done:
            say("Aucun dépôt interrompu.")
        for each in done:
            say(
                "Dossier {reference} déposé ; récépissé n° {index} vérifié et gardé.",
                reference=each.reference,
                index=each.index,
            )
            say("Parcours, à rappeler au renouvellement : {pathway}", pathway=each.pathway)
        if card is not None:
            say(
                "Fiche de conflit déposée ; récépissé n° {index} vérifié et gardé.",
                index=card.index,
            )

    if findings is not None:
        documents[0]["metadata"] = findings
    if card is not None:
        documents[0]["card"] = card.deposit
    document = documents if len(documents) != 1 else documents[0]
    result(document, as_json=as_json, otherwise=sentences)


@command(help="Ajoute les enveloppes qui manquent : membre nommé après le dépôt, nouvel appareil.")
@click.argument("references", nargs=-1, metavar="[REF]...")
@option("--all", "everything", is_flag=True, help="Tous les dossiers de l'association.")
@option("--sitting", help="Une seule séance (sinon toutes celles qui ne sont pas closes).")
@option("--reason", default="Appareil certifié après le dépôt", help="Motif, signé avec la remise.")
@json_option
@pass_bench
def grant(  # click passes by name
    bench: Bench,
    references: tuple[str, ...],
    everything: bool,
    sitting: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client import grant as granting

    if bool(references) == everything:
        raise click.UsageError(_("Donnez des références de dossiers, ou --all."))
    desk = bench.desk()
    chosen = (sitting,) if sitting else granting.open_sittings(desk)
    done = [each for one in chosen for each in granting.grant(desk, one, references, reason)]
    documents = [
        {
            "dossier": each.reference,
            "deposit": each.deposit,
            "grant": each.statement,
            "names": [addressee.name for addressee in each.addressees],
        }
        for each in done
    ]

    def sentences() -> None:
        if not done:
            say("Aucune enveloppe ne manque.")
        for each in done:
            names = ", ".join(addressee.name for addressee in each.addressees)
            say("Dossier {reference} : remis à {names}.", reference=each.reference, names=names)

    result(documents, as_json=as_json, otherwise=sentences)


@command(help="Retire un dossier : le gardien détruit ses clés, plus personne ne peut l'ouvrir.")
@click.argument("reference", metavar="REF")
@option("--reason", default="À la demande de la personne", help="Motif, sans rien du dossier.")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def withdraw(bench: Bench, reference: str, reason: str, yes: bool, as_json: bool) -> None:
    """See ``help`` above."""
    import sys

    from exchange.client.withdraw import withdraw as withdrawing

    question = "Retirer le dossier {reference} pour toujours ?"
    if sys.stdin.isatty() and not confirmed(question, yes=yes, reference=reference):
        raise click.Abort
    done = withdrawing(bench.desk(lapsed_too=True), reference, reason)

    def sentences() -> None:
        say("Dossier {reference} retiré.", reference=reference)
        if done.destroyed is None:
            say("La destruction de ses clés n'est pas encore confirmée par le gardien.")
        else:
            say("Clés détruites par le gardien : {count}.", count=done.destroyed)

    document = {"withdrawal": done.statement, "keys_destroyed": done.destroyed}
    result(document, as_json=as_json, otherwise=sentences)
