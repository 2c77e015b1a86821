"""``dossier registrar purge`` and ``hold``: what is deleted after a sitting, and what is kept."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.moments import Moment
from exchange.cli.words import command, confirmed, json_option, option, result, say, warn
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.statements.custody import ArchivesVisa
    from exchange.client.desk import Desk
    from exchange.client.registrar_endings import Purged


@command(help="Ordonne d'effacer les dépôts d'une séance close ; écrit le bordereau d'élimination.")
@click.argument("sitting", required=False)
@option("--due", is_flag=True, help="Toutes les séances dont le délai est passé.")
@option("--visa", help="Référence du visa des archives (C. patrimoine, R212-14).")
@option("--visa-date", type=click.DateTime(["%Y-%m-%d"]), help="Date de ce visa.")
@option("--without-visa", is_flag=True,
        help="Aucun visa : copies de transit seulement, c'est inscrit au journal.")  # fmt: skip
@option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(),
        help="Dossier où écrire les bordereaux (défaut : le dossier courant).")  # fmt: skip
@option("--yes", is_flag=True, help="Ne demande pas de confirmer.")
@json_option
@pass_bench
def purge(  # click passes by name
    bench: Bench,
    sitting: str | None,
    due: bool,
    visa: str | None,
    visa_date: datetime | None,
    without_visa: bool,
    out: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.cli.purge_report import document_of
    from exchange.client.registrar_endings import ended_sittings

    if due is (sitting is not None):
        raise click.UsageError(
            _("Donnez une séance, ou --due pour toutes celles qui sont au terme.")
        )
    given = _visa(visa, visa_date, without=without_visa)
    desk = bench.desk(lapsed_too=True)
    which = (sitting,) if sitting is not None else ended_sittings(desk)
    question = "Effacer pour toujours les dépôts de {count} séance(s) ?"
    if which and sys.stdin.isatty() and not confirmed(question, yes=yes, count=len(which)):
        raise click.Abort
    done = [each for each in (_purge(desk, one, given, due=due) for one in which) if each]
    written = [_write(out, each) for each in done]

    def sentences() -> None:
        if not done:
            say("Rien à purger.")
        for each, path in zip(done, written, strict=True):
            say(
                "Séance {sitting} : {count} dépôt(s) effacé(s), {kept} sous conservation. Bordereau : "
                "« {path} ».",
                sitting=each.order.statement.sitting,
                count=len(each.deposits),
                kept=len(each.held),
                path=path,
            )

    documents: list[dict[str, Any]] = [document_of(each) for each in done]
    result(documents, as_json=as_json, otherwise=sentences)


def _visa(reference: str | None, day: datetime | None, *, without: bool) -> ArchivesVisa | None:
    from pydantic import ValidationError

    from crypto.statements.custody import ArchivesVisa

    if without:
        if reference is not None or day is not None:
            raise click.UsageError(_("--without-visa ne va pas avec --visa."))
        return None
    if reference is None or day is None:
        raise click.UsageError(
            _(
                "Donnez --visa et --visa-date : le visa des archives (C. patrimoine, R212-14). Si les "
                "archives départementales n'en demandent pas pour ces copies de transit, dites-le avec "
                "--without-visa."
            )
        )
    try:
        return ArchivesVisa(reference=reference, day=day.date())
    except ValidationError as error:
        raise click.UsageError(
            _("La référence du visa s'écrit sur une ligne, sans caractère de commande.")
        ) from error


def _purge(desk: Desk, sitting: str, visa: ArchivesVisa | None, *, due: bool) -> Purged | None:
    """With ``--due``, a sitting that the service or a hold keeps is said, and the others go on."""
    from exchange.client.errors import NotPossibleError, ServerRefusedError
    from exchange.client.registrar_endings import purge as purging

    try:
        return purging(desk, sitting, visa)
    except (NotPossibleError, ServerRefusedError) as error:
        if not due:
            raise
        warn("Séance {sitting} : {reason}", sitting=sitting, reason=error)
        return None


def _write(out: Path, purged: Purged) -> Path:
    """Both records side by side; the printable one's path. Rerun for a rest, it takes a new name."""
    from exchange.cli.purge_report import document_of, text_of
    from exchange.client.files import appearing

    stem = f"bordereau-{purged.order.statement.sitting}-{purged.order.digest[:8]}"
    out.mkdir(parents=True, exist_ok=True)
    with appearing(out / f"{stem}.json") as handle:
        handle.write(json.dumps(document_of(purged), ensure_ascii=False, indent=2).encode())
    with appearing(out / f"{stem}.txt") as handle:
        handle.write(text_of(purged).encode())
    return out / f"{stem}.txt"


@command(help="Garde des dossiers de la purge (recours, enquête) ; sans dossier, montre lesquels.")
@click.argument("dossiers", nargs=-1)
@option("--until", type=Moment(), help="Jusqu'à quand.")
@option("--lift", is_flag=True, help="Met fin à la conservation.")
@option("--reason", help="Motif : recours, enquête, sans rien sur la personne.")
@json_option
@pass_bench
def hold(
    bench: Bench,
    dossiers: tuple[str, ...],
    until: datetime | None,
    lift: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client.registrar_endings import held_dossiers, lift_hold
    from exchange.client.registrar_endings import hold as holding

    if dossiers and (reason is None or lift is (until is not None)):
        raise click.UsageError(_("Donnez --reason, et --until ou --lift."))
    if not dossiers and (reason is not None or until is not None or lift):
        raise click.UsageError(_("Donnez au moins un dossier, par sa référence."))
    desk = bench.desk()
    if dossiers and reason is not None:
        if until is not None:
            holding(desk, dossiers, until, reason)
        else:
            lift_hold(desk, dossiers, reason)
    held = held_dossiers(desk)

    def sentences() -> None:
        if not held:
            say("Aucun dossier n'est sous conservation.")
        for reference, end in held.items():
            say(
                "{reference} : gardé jusqu'au {day:%d/%m/%Y %H:%M} UTC.",
                reference=reference,
                day=end,
            )

    result(
        {reference: end.isoformat() for reference, end in held.items()},
        as_json=as_json,
        otherwise=sentences,
    )
