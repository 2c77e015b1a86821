"""``dossier purge``: remove what is due, and say what waits for a signature."""

from __future__ import annotations

import os
from pathlib import Path

from exchange.cli.serve import settings_option
from exchange.cli.words import command, json_option, option, result, say
from exchange.settings import load_settings


@command(help="Efface ce qui doit l'être ; sans --due, dit seulement ce qui attend une signature.")
@settings_option
@option("--due", is_flag=True, help="Efface : clés échues, envois inachevés, purges déjà signées.")
@json_option
def purge(settings_file: Path | None, due: bool, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.wiring.service import wire_service
    from exchange.wiring.upkeep import awaiting, remove_due

    wired = wire_service(load_settings(settings_file, os.environ))
    try:
        swept = remove_due(wired.service) if due else None
        left = awaiting(wired.service)
    finally:
        wired.close()

    def sentences() -> None:
        if swept is not None:
            say(
                "Effacés : {uploads} envoi(s) inachevé(s), {objects} objet(s) sans maître.",
                uploads=swept.uploads,
                objects=swept.objects,
            )
        say(
            "Attendent une déclaration « purge » du secrétariat : {count} dépôt(s).",
            count=left.deposits,
        )
        say(
            "Au terme de leur conservation, attendent une attestation puis une déclaration "
            "« retention » : {count} événement(s).",
            count=left.events,
        )

    document = {
        "uploads": swept.uploads if swept else None,
        "objects": swept.objects if swept else None,
        "deposits_awaiting_purge": left.deposits,
        "events_past_retention": left.events,
    }
    result(document, as_json=as_json, otherwise=sentences)
