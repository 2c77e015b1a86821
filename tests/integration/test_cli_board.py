"""What falls due, and which seats read a dossier: for those concerned, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.office import LiveOffice, moment, roster


class Read:
    """A dossier of Altaïr, read by the doctor's seat; another association's depositor beside."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        member = office.join("claire", "cdom", "member")
        for who, association in (("nadia", "altair"), ("paul", "altair"), ("lea", "nid")):
            office.join(who, association, "depositor")
        file = office.folder / "composition.toml"
        file.write_text(roster(member), encoding="utf-8")
        self.registrar("seat", "--roster", str(file))
        dates = ("--deposit-by", moment(office, days=2), "--opens", moment(office, days=3))
        made = self.registrar("sitting", *dates, "--closes", moment(office, days=12))
        self.sitting = str(made["sitting"])
        self.paper = office.folder / "demande.txt"
        self.paper.write_text("fiction", encoding="utf-8")
        kind = ("deposit", "--sitting", self.sitting, "--kind", "engagement", str(self.paper))
        done = office.run("nadia", *kind, "--json").data()
        self.dossier, self.deposit = str(done["dossier"]), str(done["deposit"])

    def registrar(self, *words: str):  # type: ignore[no-untyped-def]
        return self.office.run("secretariat", "registrar", *words, "--json").data()

    def read(self) -> None:
        self.registrar("agenda", self.sitting)
        self.registrar("sitting", "--sitting", self.sitting, "--convoke")
        self.office.live.now += timedelta(days=3)
        self.office.run("claire", "declare", self.sitting, "--accept-undertaking", "--json").data()
        pack = str(self.office.folder / "lot.tar")
        self.office.run("claire", "pack", "get", self.sitting, "--out", pack, "--json").data()

    def board(self, who: str) -> dict[str, str]:
        found = self.office.run(who, "board", "--json").data()
        return {each["kind"]: each["about"] for each in found}


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    office = LiveOffice(tmp_path)
    yield Read(office)
    office.live.shut()


def test_receipts_by_seat(read: Read) -> None:
    """The association sees the seat and the time, its colleague too; no name, and no other reader."""
    assert "Aucun siège" in read.office.run("nadia", "receipts", read.dossier).out
    read.read()
    for who in ("nadia", "paul"):
        (only,) = read.office.run(who, "receipts", read.dossier, "--json").data()
        assert (only["seat"], only["card"]) == ("cdom", False)
        assert only["at"].startswith("2026-03-05")
    told = read.office.run("nadia", "receipts", read.dossier)
    assert "Ordre des médecins" in told.out
    assert "Claire" not in told.out


def test_receipts_are_the_associations_own(read: Read) -> None:
    """Another association, a member and the secretariat get the answer of a dossier that is not there."""
    read.read()
    for who in ("lea", "claire", "secretariat"):
        refused = read.office.run(who, "receipts", read.dossier)
        assert refused.status == 1
    client = read.office.live.anonymous()
    assert client.get(f"/api/v1/deposits/{read.deposit}/releases").status_code == 401


def test_a_reading_of_receipts_is_logged(read: Read) -> None:
    """Whoever looks who read leaves a trace too."""
    live = read.office.live
    before = len(list(live.wired.service.log_store.leaves(0, 500)))
    read.office.run("nadia", "receipts", read.dossier, "--json").data()
    size = len(list(live.wired.service.log_store.leaves(0, 500)))
    disclosures = [live.wired.service.log_store.disclosure(index) for index in range(before, size)]
    assert any(each and b'"releases"' in each.details for each in disclosures)


def test_the_board(read: Read) -> None:
    """The secretariat sees everything that falls due; the association its own; in their order."""
    office = read.office
    shown = read.board("secretariat")
    assert shown["deposits-end"] == shown["convoke"] == shown["closing"] == read.sitting
    assert "complement" not in shown
    read.registrar(
        *("complement", read.dossier, "--piece", "bilan", "--answer-by", moment(office, days=4))
    )
    assert read.board("nadia")["complement"] == read.dossier
    assert "complement" not in read.board("lea")
    moments = [each["at"] for each in office.run("secretariat", "board", "--json").data()]
    assert moments == sorted(moments)
    told = office.run("secretariat", "board").out
    assert "dernier jour pour convoquer" in told
    complete = ("--complement-of", read.dossier, str(read.paper), "--json")
    office.run(
        "nadia", "deposit", "--sitting", read.sitting, "--kind", "engagement", *complete
    ).data()
    assert "complement" not in read.board("nadia")
    office.live.now += timedelta(days=280)
    shown = read.board("secretariat")
    assert "certificate-ends" in shown
    assert "closing" not in shown
