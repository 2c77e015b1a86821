"""Last chapters: the closing, and the auditor's verdict."""

from __future__ import annotations

import json
import tarfile
from typing import Final

from exchange.demo.cast import AUDITOR, SITTING_MEMBERS
from exchange.demo.sitting import take
from exchange.demo.world import World

VERDICT_LINES: Final = 36
"""Verdict, findings, what was checked and could not be; the list of releases is in the report."""


def close(world: World) -> None:
    """The sitting is closed; a late request finds no key."""
    with world.narrator.chapter("Clore la séance"):
        world.registrar.does("registrar", "close", world.sitting, "--yes")
        keys = list((world.broker_directory / "keys").glob("*.age"))
        world.narrator.holds("le gardien n'a plus aucune clé de dépôt", true=not keys)
        late = take(world, SITTING_MEMBERS[0], "trop-tard.tar", ask_anyway=True)
        world.narrator.holds("après la clôture, une demande échoue", true=late != 0)


def audit(world: World) -> None:
    """Export, then verify offline with the replay; the verdict in French."""
    with world.narrator.chapter("Vérifier le journal, hors ligne") as chapter:
        auditor = world.people[AUDITOR.key]
        bundle = world.directory / "bundle.tar"
        auditor.does("audit", "export", "--out", str(bundle))
        chapter.bytes_carried = bundle.stat().st_size
        if world.service is not None:
            world.service.stop()
            world.narrator.says("Le service est arrêté : la vérification n'en a pas besoin.")
        folder = world.directory / "bundle"
        with tarfile.open(bundle) as tar:
            tar.extractall(folder, filter="data")
        _write_log_vkey(world)
        trust = str(world.directory / "trust.json")
        verdict = auditor.tries("audit", "verify", "--bundle", str(bundle), "--trust", trust)
        report = world.directory / "verdict.txt"
        report.write_text(verdict.printed, encoding="utf-8")
        for line in verdict.printed.splitlines()[:VERDICT_LINES]:
            world.narrator.quotes(line)
        world.narrator.says("… le rapport entier est dans {path}", path=report)
        world.narrator.holds("le verdict est favorable", true=verdict.status == 0)


def _write_log_vkey(world: World) -> None:
    draft = json.loads((world.server_directory / "policy-draft.json").read_text(encoding="utf-8"))
    vkey = draft["log_keys"][0]
    (world.directory / "log.vkey").write_text(vkey + "\n", encoding="utf-8")
