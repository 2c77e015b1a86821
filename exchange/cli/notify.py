"""``dossier notify``: send the notices that are due; a timer runs it."""

from __future__ import annotations

import os
from pathlib import Path

from exchange.cli.serve import settings_option
from exchange.cli.words import command, json_option, result, say
from exchange.settings import load_settings


@command(help="Envoie les messages dus aux personnes qui ont donné une adresse.")
@settings_option
@json_option
def notify(settings_file: Path | None, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.usecases.notices.delivery import deliver_notices
    from exchange.wiring.service import wire_service
    from exchange.wiring.smtp import smtp_mailer

    settings = load_settings(settings_file, os.environ)
    mailer = smtp_mailer(settings)
    wired = wire_service(settings)
    try:
        done = deliver_notices(wired.service, mailer, settings.public_url)
    finally:
        wired.close()

    def sentences() -> None:
        say(
            "Messages envoyés : {sent} ; à renvoyer plus tard : {waiting} ; abandonnés : {given_up}.",
            sent=done.sent,
            waiting=done.waiting,
            given_up=done.given_up,
        )

    document = {"sent": done.sent, "waiting": done.waiting, "given_up": done.given_up}
    result(document, as_json=as_json, otherwise=sentences)
