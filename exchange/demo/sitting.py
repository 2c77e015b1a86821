"""Middle chapters: deposits, agenda, convocation, declarations, packs."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from exchange.demo.cast import DEPOSITORS, GUEST, NON_SITTING, SITTING_MEMBERS, Player
from exchange.demo.narrator import Chapter
from exchange.demo.opening import seated
from exchange.demo.paperwork import REQUESTS, write_dossier
from exchange.demo.world import World
from exchange.locale import translate as _

OPENS_AFTER: Final = timedelta(seconds=5)
"""Between convocation and opening: long enough to be refused before it, short enough to wait."""

KEEP_OPENED: Final = 2
"""Members whose packs and opened files stay for a look; the others' are removed once compared, so
that the whole takes far less than 500 MB. So it should be after a real sitting, too."""


def deposit(world: World) -> None:
    """A planned sitting, and six dossiers for it."""
    with world.narrator.chapter("Déposer six dossiers") as chapter:
        now = world.clock()
        planned = world.registrar.does(
            *("registrar", "sitting", "--deposit-by", _moment(now + timedelta(days=2))),
            *("--opens", _moment(now + timedelta(days=9))),
            *("--closes", _moment(now + timedelta(days=10))),
            *seated(SITTING_MEMBERS, world),
            "--json",
        ).data()
        world.sitting = planned["sitting"]
        for request in REQUESTS:
            folder = world.dossiers_directory / request.key
            size = write_dossier(request, folder)
            person = next(p for p in DEPOSITORS if p.organisation == request.association)
            done = world.people[person.key].does(
                *("deposit", "--sitting", world.sitting, "--kind", request.kind, *request.pathway),
                *("--keep-metadata", str(folder), "--json"),
                *(("--card", request.card) if request.card else ()),
            )
            world.references[request.key] = done.data()["dossier"]
            chapter.bytes_carried += size
            chapter.steps += 1
            world.narrator.says(
                "{name} dépose {dossier} : {note}.",
                name=person.name,
                dossier=done.data()["dossier"],
                note=_(request.note),
            )
        again = world.people[DEPOSITORS[0].key].tries(
            "deposit", "--sitting", "a" * 26, "--kind", "engagement", str(folder), "--json"
        )
        world.refused("un dépôt pour une séance inconnue est refusé", again)


def withdraw(world: World) -> None:
    """One dossier is withdrawn; its key is destroyed."""
    with world.narrator.chapter("Retirer un dossier"):
        person = world.people[DEPOSITORS[1].key]
        reason = "la personne a renoncé à sa demande (fiction)"
        reference = world.references["a-retirer"]
        person.does("withdraw", reference, "--reason", reason, "--yes")
        world.narrator.holds(
            "{dossier} est retiré, sa clé de dépôt détruite", true=True, dossier=reference
        )


def convoke(world: World) -> None:
    """Agenda and convocation; before the opening nothing opens."""
    with world.narrator.chapter("Ordre du jour, convocation"):
        world.registrar.does("registrar", "agenda", world.sitting)
        now = world.clock()
        opens = now + OPENS_AFTER
        world.registrar.does(
            *("registrar", "sitting", "--sitting", world.sitting, "--convoke"),
            *("--deposit-by", _moment(now), "--opens", _moment(opens)),
            *("--urgency", "démonstration : le délai de cinq jours (CRPA R133-8) est abrégé"),
        )
        late = world.people[DEPOSITORS[0].key].tries(
            *("deposit", "--sitting", world.sitting, "--kind", "engagement"),
            *(str(world.dossiers_directory / "premiere-demande"), "--json"),
        )
        world.refused("un dépôt après la date limite est refusé", late)
        early = take(world, SITTING_MEMBERS[0], "avant-ouverture.tar", ask_anyway=True)
        world.narrator.holds("avant l'ouverture, rien ne s'ouvre", true=early != 0)
        while world.clock() < opens + timedelta(seconds=1):
            time.sleep(0.1)


def take(
    world: World, player: Player, name: str, *, ask_anyway: bool = False, only: str | None = None
) -> int:
    """Ask for the pack, or for one dossier; the exit status."""
    out = world.home(player) / "packs" / name
    out.parent.mkdir(exist_ok=True)
    words = ["pack", "get", world.sitting, "--out", str(out), "--json"]
    words += ["--ask-anyway"] if ask_anyway else []
    words += ["--dossier", only] if only else []
    outcome = world.people[player.key].tries(*words)
    reasons = outcome.complained.strip().splitlines()
    if outcome.status != 0 and reasons:
        world.narrator.quotes(f"  « {reasons[0]} »")
    return outcome.status


def read(world: World) -> None:
    """Every sitting member declares, takes the pack, opens it; what they open is compared."""
    with world.narrator.chapter("Siéger : déclarer, prendre, ouvrir, comparer") as chapter:
        undeclared = take(world, SITTING_MEMBERS[0], "sans-declaration.tar", ask_anyway=True)
        world.narrator.holds("sans déclaration, rien ne s'ouvre", true=undeclared != 0)
        _read_cards(world)
        for place, player in enumerate(SITTING_MEMBERS):
            world.people[player.key].does("declare", world.sitting, "--yes")
            _open_and_compare(world, player, chapter, keep=place < KEEP_OPENED)
        for player in SITTING_MEMBERS:
            if player.organisation in {"altair", "amicale-du-nid"}:
                own = next(r.key for r in REQUESTS if r.association == player.organisation)
                only = world.references[own]
                refused = take(world, player, "propre.tar", ask_anyway=True, only=only)
                world.narrator.holds(
                    "{name} n'obtient pas les dossiers de sa propre association",
                    true=refused == 1,
                    name=player.name,
                )
        status = take(world, NON_SITTING, "refuse.tar", ask_anyway=True)
        world.narrator.holds(
            "{name}, titulaire qui ne siège pas, n'obtient rien",
            true=status == 1,
            name=NON_SITTING.name,
        )
        status = take(world, GUEST, "refuse.tar", ask_anyway=True)
        world.narrator.holds("{name}, invitée, n'obtient rien", true=status == 1, name=GUEST.name)


def _read_cards(world: World) -> None:
    """Before declaring, a member reads whom the dossiers are about, as far as a conflict needs it."""
    member = SITTING_MEMBERS[0]
    shown = world.people[member.key].does("card", world.sitting, "--accept-undertaking", "--json")
    read = {each["dossier"]: each["initials"] for each in shown.data()["cards"]}
    expected = {world.references[each.key] for each in REQUESTS if each.card}
    world.narrator.holds(
        "{name} lit {count} fiche(s) de conflit avant de déclarer",
        true=set(read) == expected,
        name=member.name,
        count=len(expected),
    )
    recused = next(player for player in SITTING_MEMBERS if player.organisation == "altair")
    refused = world.people[recused.key].tries(
        "card", world.sitting, "--accept-undertaking", "--json"
    )
    world.narrator.holds(
        "{name}, dont l'association a déposé, n'en lit aucune",
        true=refused.status == 1,
        name=recused.name,
    )


def _open_and_compare(world: World, player: Player, chapter: Chapter, *, keep: bool) -> None:
    home = world.home(player)
    pack, opened = home / "packs" / "seance.tar", home / "opened"
    pack.parent.mkdir(exist_ok=True)
    person = world.people[player.key]
    taken = person.does("pack", "get", world.sitting, "--out", str(pack), "--json").data()
    expected = {
        world.references[request.key]: world.dossiers_directory / request.key
        for request in REQUESTS
        if request.key != "a-retirer" and request.association != player.organisation
    }
    world.narrator.holds(
        "{name} reçoit {count} dossiers, et aucun autre",
        true=set(taken["dossiers"]) == set(expected),
        name=player.name,
        count=len(expected),
    )
    shown = person.does("pack", "open", str(pack), "--out", str(opened), "--json").data()
    folders = {each["dossier"]: opened / each["folder"] for each in shown["dossiers"]}
    same = all(equal_trees(expected[reference], folders[reference]) for reference in expected)
    chapter.bytes_carried += pack.stat().st_size
    world.narrator.holds("  octet pour octet ce que les associations ont déposé", true=same)
    if not keep:
        pack.unlink()
        shutil.rmtree(opened)


def equal_trees(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same bytes (``dossier.json`` aside)."""
    mine = {path.relative_to(one): path for path in one.rglob("*") if path.is_file()}
    found = list(other.rglob("*"))
    by_name = {path.name: path for path in found if path.is_file()}
    return len(mine) > 0 and all(
        path.name in by_name and by_name[path.name].read_bytes() == path.read_bytes()
        for path in mine.values()
    )


def _moment(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"
