"""One association, two depositors; and a piece that is for one seat alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.office import LiveOffice, moment


class Away:
    """Nadia deposited and is away; Paul is her colleague, Léa of another association."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        ids = {who: office.join(who, who, "member") for who in ("cdom", "prefet")}
        for who, association in (("nadia", "altair"), ("paul", "altair"), ("lea", "nid")):
            office.join(who, association, "depositor")
        parts = [
            f'[[seats]]\nseat = "{seat}"\nkind = "ex-officio"\nlabel = "{seat}"\nvoting = true\n'
            f'alternates = true\n[[mandates]]\nseat = "{seat}"\nperson = "{person}"\n'
            'capacity = "titular"\nfrom = 2026-01-01\nto = 2028-12-31\n'
            for seat, person in ids.items()
        ]
        parts += [
            f'[[approvals]]\norganisation = "{code}"\nlabel = "{code}"\nrna = "W92200000{n}"\n'
            "from = 2026-01-01\nto = 2028-12-31\n"
            for n, code in enumerate(("altair", "nid"))
        ]
        file = office.folder / "composition.toml"
        file.write_text("".join(parts), encoding="utf-8")
        self.registrar("seat", "--roster", str(file))
        dates = ("--deposit-by", moment(office, days=2), "--opens", moment(office, days=3))
        closes = ("--closes", moment(office, days=9), "--convoke")
        self.sitting = str(self.registrar("sitting", *dates, *closes)["sitting"])
        self.dossier = str(self.deposit("nadia", "demande")["dossier"])

    def registrar(self, *words: str):  # type: ignore[no-untyped-def]
        return self.office.run("secretariat", "registrar", *words, "--json").data()

    def tries(self, who: str, name: str, *words: str):  # type: ignore[no-untyped-def]
        paper = self.office.folder / f"{name}.txt"
        paper.write_text(name, encoding="utf-8")
        kind = ("deposit", "--sitting", self.sitting, "--kind", "engagement", *words)
        return self.office.run(who, *kind, str(paper), "--json")

    def deposit(self, who: str, name: str, *words: str):  # type: ignore[no-untyped-def]
        return self.tries(who, name, *words).data()

    def reads(self, who: str) -> set[str]:
        """The names of the files that this member's pack holds."""
        self.office.run(who, "declare", self.sitting, "--accept-undertaking", "--json").data()
        pack, out = (self.office.folder / f"{kind}-{who}" for kind in ("lot", "lecture"))
        self.office.run(who, "pack", "get", self.sitting, "--out", str(pack), "--json").data()
        self.office.run(who, "pack", "open", str(pack), "--out", str(out), "--json").data()
        return {path.name for path in out.rglob("*.txt")}


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    office = LiveOffice(tmp_path)
    yield Away(office)
    office.live.shut()


def test_a_colleague_completes_grants_and_withdraws(away: Away) -> None:
    """On another machine, with another key; another association can do none of it."""
    again = ("--complement-of", away.dossier)
    assert away.tries("lea", "piece", *again).status == 1
    away.deposit("paul", "piece", *again)
    new = away.office.join("prefet2", "prefet", "member")
    mandate = ("--mandate", "prefet", new, "alternate", "2026-01-01", "2028-12-31")
    away.registrar("seat", *mandate)
    away.registrar("sitting", "--sitting", away.sitting, "--seat", f"prefet={new}")
    assert away.office.run("lea", "grant", "--all", "--json").data() == []
    granted = away.office.run("paul", "grant", "--all", "--json").data()
    assert [each["names"] for each in granted] == [["Prefet2"], ["Prefet2"]]
    assert away.office.run("lea", "withdraw", away.dossier, "--json").status == 1
    gone = away.office.run("paul", "withdraw", away.dossier, "--json").data()
    assert gone["keys_destroyed"] == 2


def test_a_piece_for_one_seat_alone(away: Away) -> None:
    """A medical certificate for the doctor's seat: the others' packs do not hold it."""
    away.deposit("nadia", "certificat", "--complement-of", away.dossier, "--only-seat", "cdom")
    assert away.tries("nadia", "x", "--only-seat", "ailleurs").status == 1
    away.registrar("agenda", away.sitting)
    away.office.live.now += timedelta(days=3)
    assert away.reads("cdom") == {"demande.txt", "certificat.txt"}
    assert away.reads("prefet") == {"demande.txt"}
