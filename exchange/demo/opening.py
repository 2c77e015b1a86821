"""First chapters: the service is installed, its people are invited, enrolled, certified."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from exchange.demo.broker_host import choose_broker_address, install_broker
from exchange.demo.cast import (
    ALTERNATES_BY_NAME,
    AUDITOR,
    DEPOSITORS,
    GUEST,
    NON_SITTING,
    SITTING_MEMBERS,
    Player,
)
from exchange.demo.service_process import free_port, start
from exchange.demo.world import WORK_FACTOR, World

ORIGIN: Final = "demonstration.example/log"
"""A name for examples (RFC 2606): nobody has it."""

ENROLLED: Final = (*SITTING_MEMBERS, NON_SITTING, GUEST, *DEPOSITORS, AUDITOR)


def install(world: World) -> None:
    """Root key, instance, running service, registrar's key, first trust policy."""
    with world.narrator.chapter("Installer le service"):
        root = world.arrives("racine")
        root_file = root.directory / "racine.age"
        made = root.does(
            *("key", "new", "--root", "--out", str(root_file)),
            *("--work-factor", WORK_FACTOR, "--json"),
        ).data()
        world.narrator.says("La clé racine est créée, hors ligne.")
        port = free_port()
        world.url = f"http://127.0.0.1:{port}"
        root.does(
            *("init", "--preset", "92-2018", "--root", made["public_file"]),
            *("--directory", str(world.server_directory)),
            *_broker_options(world),
            *(("--database", world.database) if world.database else ()),
            *(("--objects", world.objects) if world.objects else ()),
            *("--listen", f"127.0.0.1:{port}", "--origin", ORIGIN),
        )
        shutil.copy(world.server_directory / "trust.json", world.directory / "trust.json")
        if world.separate_broker:
            install_broker(world)
        log = world.server_directory / "service.log"
        world.service = start(world.settings_file, world.url, log)
        world.narrator.says("Le service tourne, dans son propre processus.")
        _publish_trust(world)


def _broker_options(world: World) -> tuple[str, str]:
    if world.separate_broker:
        return ("--broker-url", choose_broker_address(world))
    return ("--broker", str(world.broker_directory))


def _publish_trust(world: World) -> None:
    registrar = world.arrives("secretariat")
    made = registrar.does(
        "key", "new", "--registrar", "--work-factor", WORK_FACTOR, "--json"
    ).data()
    root = world.people["racine"]
    day = (world.clock() + timedelta(days=300)).date().isoformat()
    registrar.does(
        *("registrar", "trust", "--trust", str(world.directory / "trust.json")),
        *("--policy-draft", str(world.server_directory / "policy-draft.json")),
        *("--registrar-key", made["public_file"], "--registrar-not-after", day),
        *("--root-key", str(root.directory / "racine.age")),
        *("--root-passphrase-file", str(root.passphrase_file), "--server", world.url),
    )
    world.narrator.holds("la politique de confiance, signée par la racine, est publiée", true=True)


def gather(world: World) -> None:
    """Invitations, enrolments, certificates; then seats, mandates and approvals."""
    with world.narrator.chapter("Inviter, inscrire, certifier"):
        for player in ENROLLED:
            enrol(world, player)
        world.narrator.holds(
            "{count} personnes certifiées, empreintes comparées", true=True, count=len(ENROLLED)
        )
        for player in ALTERNATES_BY_NAME:
            world.ids[player.key] = invite(world, player)["person"]
        roster = world.registrar.directory / "composition.toml"
        roster.write_text(_roster(world), encoding="utf-8")
        world.registrar.does("registrar", "seat", "--roster", str(roster))
        world.narrator.holds("quatorze sièges de droit, leurs mandats et deux agréments", true=True)


def invite(world: World, player: Player) -> Any:
    """The secretariat's invitation of one person: its file, and the fingerprint to read out."""
    words = ["registrar", "invite", "--name", player.name, "--organisation", player.organisation]
    for role in player.roles:
        words += ["--role", role]
    file = world.registrar.directory / "invitations" / f"{player.key}.json"
    file.parent.mkdir(exist_ok=True)
    return world.registrar.does(*words, "--out", str(file), "--json").data()


def enrol(world: World, player: Player) -> None:
    """Invitation, enrolment on a machine of their own, certificate after comparing fingerprints."""
    invited = invite(world, player)
    person = world.arrives(player.key)
    shown = person.does(
        *("enrol", invited["file"], "--fingerprint", invited["trust_fingerprint"]),
        *("--device", "poste de démonstration", "--work-factor", WORK_FACTOR, "--json"),
    ).data()
    world.ids[player.key] = shown["person"]
    world.registrar.does(
        "registrar", "certify", "--person", shown["person"], "--fingerprint", shown["fingerprint"]
    )


def _roster(world: World) -> str:
    """The preset's seats and a guest's, a mandate for each member, an approval each association."""
    draft = (world.server_directory / "roster.toml").read_text(encoding="utf-8")
    seats = tomllib.loads(draft)["seats"]
    seats.append(
        {
            "seat": GUEST.seat,
            "kind": "guest",
            "label": "Université (invitée de la formation élargie)",
            "voting": False,
            "alternates": False,
        }
    )
    today = world.clock().date()
    term = {"from": today - timedelta(days=30), "to": today + timedelta(days=3 * 365)}
    players = (*SITTING_MEMBERS, NON_SITTING, GUEST, *ALTERNATES_BY_NAME)
    mandates = [
        {"seat": p.seat, "person": world.ids[p.key], "capacity": p.capacity, **term}
        for p in players
    ]
    approvals = [
        {"organisation": code, "label": label, "rna": rna, **term}
        for code, label, rna in (
            ("altair", "Altaïr", "W000000001"),
            ("amicale-du-nid", "Amicale du Nid", "W000000002"),
        )
    ]
    tables = (("seats", seats), ("mandates", mandates), ("approvals", approvals))
    return "\n".join(_table(name, row) for name, rows in tables for row in rows)


def _table(name: str, row: dict[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in row.items() if value is not None]
    return "\n".join([f"[[{name}]]", *lines, ""])


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def seated(players: Iterable[Player], world: World) -> list[str]:
    """The ``--seat`` options of a sitting."""
    words = []
    for player in players:
        words += ["--seat", f"{player.seat}={world.ids[player.key]}"]
    return words
