"""The people of the demonstration. All of them are invented, and their names say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Player:
    """One fictional person: ``key`` names their directory, ``seat`` the seat that they hold."""

    key: str
    name: str
    organisation: str
    roles: tuple[str, ...]
    seat: str | None = None
    capacity: str = "titular"


SITTING_MEMBERS: Final = (
    Player("prefete", "Aurore Exemple", "prefecture", ("member",), "prefet"),
    Player("ddcs", "Basile Fictif", "ddcs92", ("member",), "ddcs92"),
    Player("dtsp", "Capucine Inventée", "dtsp92", ("member",), "dtsp92"),
    Player("sdpj", "Désiré Personnage", "sdpj92", ("member",), "sdpj92"),
    Player("dmi", "Églantine Imaginaire", "dmi92", ("member",), "dmi92"),
    Player("direccte", "Firmin Théâtre", "ut-direccte92", ("member",), "ut-direccte92"),
    Player("dasen", "Gaëlle Comédie", "dasen92", ("member",), "dasen92"),
    Player("parquet", "Honoré Récit", "parquet", ("member",), "parquet"),
    Player("departement", "Isaure Légende", "departement", ("member",), "cd92", "alternate"),
    Player("medecin", "Jérôme Chimère", "cdom92", ("member",), "cdom92"),
    Player("maires", "Karine Utopie", "maires", ("member",), "amd92"),
    Player("amicale", "Léonie Conte", "amicale-du-nid", ("member",), "amicale-du-nid"),
    Player("mouvement", "Maël Fable", "mouvement-du-nid", ("member",), "mouvement-du-nid"),
    Player("altair", "Noémie Roman", "altair", ("member",), "altair"),
)
"""Who sits: fourteen seats, one of them taken by the alternate."""

NON_SITTING: Final = Player("titulaire-absent", "Octave Absent", "departement", ("member",), "cd92")
"""The titular whose alternate sits today: a mandate, and no access to this sitting."""

GUEST: Final = Player("invitee", "Perrine Invitée", "universite", ("member",), "invite-universite")
"""Heard in the enlarged formation; never sits in the restricted one."""

DEPOSITORS: Final = (
    Player("referente-altair", "Quitterie Demo", "altair", ("depositor",)),
    Player("referent-amicale", "Régis Demo", "amicale-du-nid", ("depositor",)),
)

AUDITOR: Final = Player("verificatrice", "Solène Contrôle", "prefecture", ("auditor",))

ALTERNATES_BY_NAME: Final = (
    Player(
        "suppleant-prefet", "Théodule Réserve", "prefecture", ("member",), "prefet", "alternate"
    ),
    Player("suppleante-ddcs", "Ursule Réserve", "ddcs92", ("member",), "ddcs92", "alternate"),
    Player("suppleant-altair", "Victor Réserve", "altair", ("member",), "altair", "alternate"),
)
"""Alternates on the roster who have no device yet: a mandate alone opens nothing."""
