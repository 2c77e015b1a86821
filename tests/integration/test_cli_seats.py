"""Seats as people know them: one without a key yet, alternates in the place of titulars, labels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.office import LiveOffice, moment, roster


@pytest.fixture
def office(tmp_path: Path) -> Iterator[LiveOffice]:
    made = LiveOffice(tmp_path)
    yield made
    made.live.shut()


def invited(office: LiveOffice, who: str) -> str:
    """A person who is invited and has no key yet."""
    words = ("--name", who.title(), "--organisation", "cdom", "--role", "member")
    out = str(office.folder / f"{who}.json")
    return str(
        office.run("secretariat", "registrar", "invite", *words, "--out", out, "--json").data()[
            "person"
        ]
    )


def comes(office: LiveOffice, who: str, person: str) -> None:
    """Enrols with that invitation, and is certified."""
    trust = office.run("secretariat", "registrar", "people", "--json")
    assert trust.status == 0
    spoken = office.run(
        *(who, "enrol", str(office.folder / f"{who}.json"), "--yes"),
        *("--work-factor", "10", "--json"),
    ).data()
    office.run(
        *("secretariat", "registrar", "certify", "--person", person),
        *("--fingerprint", spoken["fingerprint"], "--json"),
    ).data()


def publish(office: LiveOffice, text: str) -> None:
    file = office.folder / "composition.toml"
    file.write_text(text, encoding="utf-8")
    office.run("secretariat", "registrar", "seat", "--roster", str(file), "--json").data()


def sitting(office: LiveOffice, *words: str) -> dict[str, object]:
    found: dict[str, object] = office.run(
        "secretariat", "registrar", "sitting", *words, "--json"
    ).data()
    return found


def new_sitting(office: LiveOffice) -> dict[str, object]:
    return sitting(
        office,
        *("--deposit-by", moment(office, days=2), "--opens", moment(office, days=3)),
        *("--closes", moment(office, days=9), "--convoke"),
    )


def reads(office: LiveOffice, who: str, which: str) -> int:
    """How many dossiers this person's pack of the sitting holds."""
    office.run(who, "declare", which, "--accept-undertaking", "--json").data()
    pack = office.folder / f"{who}.tar"
    done = office.run(who, "pack", "get", which, "--out", str(pack), "--json").data()
    return len(done["dossiers"])


def test_a_seat_without_a_key_blocks_nothing(office: LiveOffice) -> None:
    """It stands in the sitting, awaiting; deposits go on; once certified, a grant serves it."""
    titular = office.join("claire", "cdom", "member")
    late = invited(office, "martin")
    office.join("nadia", "altair", "depositor")
    second = f"""
[[seats]]
seat = "mairie"
kind = "elected"
label = "Association des maires"
voting = true
alternates = true
[[mandates]]
seat = "mairie"
person = "{late}"
capacity = "titular"
from = 2026-01-01
to = 2028-12-31
decree = "2026-117"
"""
    publish(office, roster(titular) + second)
    made = new_sitting(office)
    assert (made["seats"], made["awaiting_key"]) == (["cdom", "mairie"], ["mairie"])
    which = str(made["sitting"])
    told = office.run("nadia", "sittings").out
    assert "mairie" in told
    assert "clé attendue" in told
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    deposit = ("deposit", "--sitting", which, "--kind", "engagement", str(paper))
    office.run("nadia", *deposit, "--json").data()

    comes(office, "martin", late)
    assert sitting(office, "--sitting", which)["awaiting_key"] == []
    (granted,) = office.run("nadia", "grant", "--all", "--json").data()
    assert granted["names"] == ["Martin"]
    office.run("secretariat", "registrar", "agenda", which, "--json").data()
    office.live.now += timedelta(days=3)
    assert [reads(office, who, which) for who in ("claire", "martin")] == [1, 1]


def test_a_vacant_seat_is_shown(office: LiveOffice) -> None:
    """The composition names each seat, its legal basis, who holds it today, and that nobody does."""
    titular = office.join("claire", "cdom", "member")
    basis = 'label = "Ordre des médecins"\nbasis = "CASF R121-12-7, 9°"'
    publish(office, roster(titular).replace('label = "Ordre des médecins"', basis))
    told = office.run("secretariat", "registrar", "roster").out
    assert "Ordre des médecins (cdom) CASF R121-12-7, 9°" in told
    assert f"{titular} (titulaire), du 01/01/2026 au 31/12/2028" in told
    assert told.count("vacant") == 1  # Altaïr's seat


def test_labels_are_frozen(office: LiveOffice) -> None:
    """A sitting keeps the labels and names of its day; a later roster does not rewrite them."""
    titular = office.join("claire", "cdom", "member")
    publish(office, roster(titular))
    which = str(new_sitting(office)["sitting"])
    publish(office, roster(titular).replace("Ordre des médecins", "Ordre, nouveau nom"))
    shown = office.run("secretariat", "sittings", "--sitting", which, "--json").data()
    assert shown[0]["seats"][0]["label"] == "Ordre des médecins"
    assert shown[0]["seats"][0]["name"] == "Claire"
