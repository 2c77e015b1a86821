"""``dossier registrar seat``, ``sitting``, ``agenda``, ``close``."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.moments import Moment
from exchange.cli.words import command, confirmed, json_option, option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.statements.registry import Roster, RosterMandate
    from exchange.client.registrar_roster import RosterParts

PATH = click.Path(path_type=Path)

STAGES = {"titular": "titulaire", "alternate": "suppléant"}
"""In which capacity a person holds a seat."""


@command(help="Publie une version de la composition : sièges, mandats, agréments.")
@option("--preset", help="Modèle fourni (p. ex. 92-2018), ou fichier TOML : ses sièges.")
@option("--roster", type=PATH, help="Fichier TOML : seats, mandates, approvals.")
@option("--mandate", "mandates", multiple=True, nargs=5,
        metavar="SIÈGE PERSONNE QUALITÉ DÉBUT FIN",
        help="Ajoute un mandat (titular ou alternate) ; se répète.")  # fmt: skip
@option("--decree", help="Numéro de l'arrêté qui nomme, pour les mandats ajoutés.")
@option("--mandates-csv", type=PATH, help="Tableau CSV de tous les mandats : il les remplace.")
@json_option
@pass_bench
def seat(  # click passes by name
    bench: Bench,
    preset: str | None,
    roster: Path | None,
    mandates: tuple[tuple[str, str, str, str, str], ...],
    decree: str | None,
    mandates_csv: Path | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from dataclasses import replace

    from exchange.client.registrar_roster import publish_roster
    from exchange.client.roster_tables import parse_mandates

    if preset is None and roster is None and not mandates and mandates_csv is None:
        raise click.UsageError(_("Donnez --preset, --roster, --mandates-csv ou --mandate."))
    parts = _parts(bench, preset, roster)
    if mandates_csv is not None:
        listed = parse_mandates(mandates_csv.read_bytes(), bench.around.entropy)
        parts = replace(parts, mandates=listed)
    added = [_mandate(bench, row, decree) for row in mandates]
    accepted = publish_roster(bench.desk(), parts, added)
    statement = accepted.statement
    document = {
        "roster": accepted.digest,
        "version": statement.version,
        "seats": len(statement.seats),
        "mandates": [
            {"mandate": each.mandate, "seat": each.seat, "person": each.person}
            for each in statement.mandates
        ],
    }

    def sentences() -> None:
        say(
            "Composition n° {version} publiée : {seats} sièges, {mandates} mandats.",
            version=statement.version,
            seats=len(statement.seats),
            mandates=len(statement.mandates),
        )

    result(document, as_json=as_json, otherwise=sentences)


@command(
    "roster", help="Montre la composition en vigueur, ou l'écrit : TOML complet, ou mandats en CSV."
)
@option("--out", type=PATH, help="Fichier à écrire : .toml ou .csv ; sans lui, la montre.")
@pass_bench
def export_roster(bench: Bench, out: Path | None) -> None:
    """See ``help`` above."""
    from crypto.statements.registry import Roster
    from exchange.client.errors import NotPossibleError
    from exchange.client.files import appearing
    from exchange.client.roster_tables import mandates_csv, roster_toml
    from exchange.usecases.facts import latest_roster

    if out is not None and out.suffix not in {".toml", ".csv"}:
        raise click.UsageError(_("Le nom du fichier finit par .toml ou par .csv."))
    desk = bench.desk()
    desk.load(Roster)
    last = latest_roster(desk.view.ledger)
    if last is None:
        raise NotPossibleError("Aucune composition n'est encore publiée.")
    if out is None:
        _show_roster(last.statement, desk.machine.clock().date())
        return
    write = mandates_csv if out.suffix == ".csv" else roster_toml
    with appearing(out) as handle:
        handle.write(write(last.statement))
    say(
        "Composition n° {version} écrite dans « {path} ».", version=last.statement.version, path=out
    )


def _show_roster(roster: Roster, today: date) -> None:
    """Each seat, and who holds it today; a seat without anybody is said to be vacant."""
    say("Composition n° {version}", version=roster.version)
    for seat in roster.seats:
        say("{label} ({code}) {basis}", label=seat.label, code=seat.seat, basis=seat.basis or "")
        held = [
            each
            for each in roster.mandates
            if each.seat == seat.seat and each.from_day <= today <= each.to_day
        ]
        if not held:
            say("  vacant")
        for each in held:
            say(
                "  {person} ({capacity}), du {first:%d/%m/%Y} au {last:%d/%m/%Y}",
                person=each.person,
                capacity=_(STAGES[each.capacity.value]),
                first=each.from_day,
                last=each.to_day,
            )


def _parts(bench: Bench, preset: str | None, roster: Path | None) -> RosterParts:
    from dataclasses import replace

    from exchange.client.registrar_roster import RosterParts, parse_roster

    parts = RosterParts()
    if preset is not None:
        parts = replace(parts, seats=_preset(bench, preset).seats)
    if roster is not None:
        given = parse_roster(roster.read_bytes(), bench.around.entropy)
        parts = RosterParts(given.seats or parts.seats, given.mandates, given.approvals)
    return parts


def _preset(bench: Bench, name: str) -> RosterParts:
    """A preset that comes with the product, or a file of the same form."""
    from exchange.client.registrar_roster import parse_roster

    path = Path(name)
    if path.suffix == ".toml":
        return parse_roster(path.read_bytes(), bench.around.entropy)
    from exchange.wiring.presets import load_preset

    return parse_roster(load_preset(name).text.encode(), bench.around.entropy)


def _mandate(
    bench: Bench, row: tuple[str, str, str, str, str], decree: str | None
) -> RosterMandate:
    from pydantic import ValidationError

    from crypto.encoding import new_opaque_id
    from crypto.statements.registry import Capacity, RosterMandate

    code, person, capacity, first, last = row
    try:
        return RosterMandate(
            mandate=new_opaque_id(bench.around.entropy),
            seat=code,
            person=person,
            capacity=Capacity(capacity),
            from_day=date.fromisoformat(first),
            to_day=date.fromisoformat(last),
            decree=decree,
        )
    except (ValidationError, ValueError) as error:
        raise click.UsageError(
            _("Un mandat s'écrit : --mandate prefet PERSONNE titular 2026-01-01 2028-12-31")
        ) from error


@command(help="Publie une nouvelle séance, ou la version suivante d'une séance (--sitting).")
@option("--sitting", "which", help="La séance à modifier, par son identifiant.")
@option("--zone", help="Fuseau horaire (défaut : Europe/Paris).", is_eager=True)
@option("--deposit-by", type=Moment(), help="Fin des dépôts.")
@option("--opens", type=Moment(), help="Ouverture des dossiers aux membres.")
@option("--closes", type=Moment(), help="Clôture.")
@option("--seat", "seats", multiple=True, metavar="SIÈGE=PERSONNE",
        help="Qui siège (défaut : les titulaires) ; se répète.")  # fmt: skip
@option("--refresh-seats", is_flag=True, expose_value=False,
        help="Inscrit les appareils certifiés depuis (chaque version le fait).")  # fmt: skip
@option("--convoke", is_flag=True, help="Convoque : les dossiers pourront s'ouvrir.")
@option("--second-convocation", is_flag=True,
        help="Quorum non atteint : même ordre du jour, date plus tardive (CRPA R133-10).")  # fmt: skip
@option("--urgency", help="Motif d'urgence, si la convocation suit de près la séance.")
@json_option
@pass_bench
def sitting(  # click passes by name
    bench: Bench,
    which: str | None,
    zone: str | None,
    deposit_by: datetime | None,
    opens: datetime | None,
    closes: datetime | None,
    seats: tuple[str, ...],
    convoke: bool,
    second_convocation: bool,
    urgency: str | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_sittings import SittingChanges, publish_sitting

    changes = SittingChanges(
        sitting=which,
        zone=zone,
        deposit_by=deposit_by,
        opens_at=opens,
        closes_at=closes,
        urgency=urgency,
        convoke=convoke,
        second_convocation=second_convocation,
        seats=_pairs(seats) or None,
    )
    accepted = publish_sitting(bench.desk(), changes)
    statement = accepted.statement
    document = {
        "sitting": statement.sitting,
        "version": statement.version,
        "digest": accepted.digest,
        "stage": statement.stage.value,
        "seats": [each.seat for each in statement.seats],
        "awaiting_key": [each.seat for each in statement.seats if not each.certificates],
    }

    def sentences() -> None:
        say(
            "Séance {sitting}, version {version} : {seats} siège(s), prise en compte par le gardien.",
            sitting=statement.sitting,
            version=statement.version,
            seats=len(statement.seats),
        )
        for each in statement.seats:
            if not each.certificates:
                say(
                    "Siège {seat} : sa clé est attendue, les dépôts n'attendent pas.",
                    seat=each.seat,
                )

    result(document, as_json=as_json, otherwise=sentences)


def _pairs(seats: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in seats:
        code, equals, person = each.partition("=")
        if not equals or not code or not person:
            raise click.UsageError(_("Un siège s'écrit --seat SIÈGE=PERSONNE."))
        pairs[code] = person
    return pairs


@command(help="Publie l'ordre du jour : les dossiers déposés, groupés par association.")
@click.argument("sitting")
@option("--urgent", "urgent", multiple=True, metavar="REF",
        help="Inscrit ce dossier déposé en urgence ; se répète.")  # fmt: skip
@json_option
@pass_bench
def agenda(bench: Bench, sitting: str, urgent: tuple[str, ...], as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_sittings import publish_agenda
    from exchange.usecases.agendas import listed

    desk = bench.desk()
    published = publish_agenda(desk, sitting, urgent)
    accepted = published.agenda
    version, items = accepted.statement.version, listed(desk.view.ledger, accepted)
    document = {
        "agenda": accepted.digest,
        "version": version,
        "items": [{"association": i.association, "dossier": i.dossier} for i in items],
        "left_out": list(published.left_out),
    }

    def sentences() -> None:
        say(
            "Ordre du jour n° {version} publié : {count} dossier(s).",
            version=version,
            count=len(items),
        )
        for reference in published.left_out:
            say(
                "Déposé en urgence, pas inscrit : {reference}. L'option --urgent {reference} l'inscrit.",
                reference=reference,
            )

    result(document, as_json=as_json, otherwise=sentences)


@command(help="Clôt une séance : le gardien détruit ses clés, plus rien ne s'ouvre.")
@click.argument("sitting")
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def close(bench: Bench, sitting: str, yes: bool, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_sittings import close as closing

    question = "Clore la séance {sitting} ? Ses clés seront détruites pour toujours."
    if sys.stdin.isatty() and not confirmed(question, yes=yes, sitting=sitting):
        raise click.Abort
    done = closing(bench.desk(lapsed_too=True), sitting)
    document = {"closing": done.statement, "keys_destroyed": done.destroyed}

    def sentences() -> None:
        say("Séance {sitting} close.", sitting=sitting)
        if done.destroyed is None:
            say("La destruction des clés n'est pas encore confirmée par le gardien.")
        else:
            say("Clés détruites par le gardien : {count}.", count=done.destroyed)

    result(document, as_json=as_json, otherwise=sentences)
