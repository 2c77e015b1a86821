"""What a command finds on its bench: profile, passphrase, server, surroundings.

Imports nothing heavy: it is made for every command, and ``--help`` must stay quick.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange.locale import translate as _

SENTENCES = {
    "lowered": (
        "Attention : le secrétariat a abaissé à {quorum} le nombre de témoins du journal, jusqu'au "
        "{until:%d/%m/%Y %H:%M} UTC ({reason})."
    ),
    "recovered": (
        "Attention : le service a été restauré d'une sauvegarde, et la racine l'a signé. Ce qui fut fait "
        "depuis cette sauvegarde est perdu : vérifiez vos derniers dépôts, déclarations et déports."
    ),
}
"""Said of every command while it lasts: whoever relies on the log must know."""

if TYPE_CHECKING:
    from crypto.edge.identity import Identity
    from exchange.client.desk import Desk
    from exchange.client.machine import Machine
    from exchange.client.profile import Profile


@dataclass(frozen=True)
class Bench:
    """The global options of one command, and the ways to use them."""

    directory: Path
    passphrase_file: Path | None
    server: str | None
    language: str
    surroundings: Any
    """A ``wiring.client.Surroundings``; None for the real ones."""

    @property
    def around(self) -> Any:
        """Clock, entropy, waiting, network."""
        from exchange.wiring.client import Surroundings

        return self.surroundings or Surroundings()

    @property
    def profile(self) -> Profile:
        """The profile directory."""
        from exchange.client.profile import Profile

        return Profile(self.directory)

    def server_url(self, named: str | None = None) -> str:
        """The server's address: as given, else the profile's."""
        from exchange.client.errors import ProfileError

        url = named or self.server or self.profile.settings().server
        if url is None:
            raise ProfileError(
                "Ce profil ({directory}) ne connaît encore aucun service : acceptez votre invitation avec "
                "« dossier enrol INVITATION », ou donnez --server.",
                directory=self.directory,
            )
        return url.rstrip("/")

    def machine(self, server: str | None = None) -> Machine:
        """The profile in front of its server."""
        from exchange.cli.progress import progress_on_terminal
        from exchange.wiring.client import make_machine

        url = self.server_url(server)
        return make_machine(self.around, self.directory, url, self.language, progress_on_terminal())

    def passphrase(self, *, confirm: bool = False, purpose: str | None = None) -> str:
        """From the file, else asked on a terminal; raises ProfileError without either."""
        return read_passphrase(self.passphrase_file, confirm=confirm, purpose=purpose)

    def identity(self) -> Identity:
        """The profile's key, unlocked; held only while the command runs."""
        from crypto.edge.identity import Identity
        from exchange.client.keys import read_seed

        return Identity.from_seed(read_seed(self.profile, self.passphrase))

    def desk(self, server: str | None = None, *, lapsed_too: bool = False) -> Desk:
        """Logged in, with a trusted view."""
        from exchange.cli.words import warn
        from exchange.client.desk import log_in
        from exchange.client.emergencies import emergencies_in_force

        machine = self.machine(server)
        machine.profile.trust()
        desk = log_in(machine, self.identity(), lapsed_too=lapsed_too)
        for each in emergencies_in_force(desk.view, machine.clock()):
            warn(
                SENTENCES["lowered"], quorum=each.quorum, until=each.expires_at, reason=each.reason
            )
        if desk.source.keeper.stepped_back:
            warn(SENTENCES["recovered"])
        return desk


def read_passphrase(path: Path | None, *, confirm: bool = False, purpose: str | None = None) -> str:
    """A passphrase from a file's first line, else from the terminal; raises ProfileError."""
    from exchange.client.errors import ProfileError

    if path is not None:
        try:
            text = path.read_text(encoding="utf-8").split("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(
                "Le fichier de phrase de passe « {path} » ne peut pas être lu.", path=path
            ) from error
        if not text:
            raise ProfileError("Le fichier de phrase de passe « {path} » est vide.", path=path)
        return text
    if not sys.stdin.isatty():
        raise ProfileError(
            "Il faut une phrase de passe, et il n'y a pas de terminal pour la demander : donnez "
            "--passphrase-file FICHIER ou DOSSIER_PASSPHRASE_FILE."
        )
    prompt = purpose or _("Phrase de passe")
    text = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return str(text)


pass_bench = click.pass_obj
"""Gives a command its :class:`Bench`."""
