"""Half a year of a commission: three sittings through the HTTP interface, and a log that holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.usecases.service import PURGE_DELAY
from tests.support.office import LiveOffice, Outcome, moment

PEOPLE = {
    "aurore": ("prefecture", "member"),
    "jerome": ("cdom", "member"),
    "melusine": ("mairie", "member"),
    "odile": ("altair", "member"),
    "quitterie": ("altair", "depositor"),
    "perceval": ("altair", "depositor"),
    "nadia": ("nid", "depositor"),
    "irene": ("prefecture", "auditor"),
}
SEATS = {
    "prefet": ("ex-officio", "aurore"),
    "cdom": ("designated", "jerome"),
    "mairie": ("elected", "melusine"),
    "altair": ("association", "odile"),
}


class HalfYear:
    """The commission, its people at their desks, and the commands they type."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        self.ids = {who: office.join(who, *what) for who, what in PEOPLE.items()}
        self.packs = 0
        file = office.folder / "composition.toml"
        file.write_text(self.composition(), encoding="utf-8")
        self.registrar("seat", "--roster", str(file))

    def composition(self) -> str:
        parts = []
        for seat, (kind, who) in SEATS.items():
            own = 'organisation = "altair"\n' if seat == "altair" else ""
            parts.append(
                f'[[seats]]\nseat = "{seat}"\nkind = "{kind}"\nlabel = "{seat}"\nvoting = true\n'
                f"alternates = {str(seat != 'cdom').lower()}\n{own}"
                f'[[mandates]]\nseat = "{seat}"\nperson = "{self.ids[who]}"\n'
                'capacity = "titular"\nfrom = 2026-01-01\nto = 2028-12-31\n'
            )
        parts += [
            f'[[approvals]]\norganisation = "{code}"\nlabel = "{code}"\nrna = "W92200000{n}"\n'
            "from = 2026-01-01\nto = 2028-12-31\n"
            for n, code in enumerate(("altair", "nid"))
        ]
        return "\n".join(parts)

    def does(self, who: str, *words: str) -> Any:
        return self.office.run(who, *words, "--json").data()

    def registrar(self, *words: str) -> Any:
        return self.does("secretariat", "registrar", *words)

    def tries(self, who: str, *words: str) -> Outcome:
        return self.office.run(who, *words)

    def wait(self, **delta: float) -> None:
        self.office.live.now += timedelta(**delta)

    def plan(self) -> str:
        """A sitting whose deposits end in six days, which opens in seven and closes in fourteen."""
        dates = ("--deposit-by", moment(self.office, days=6), "--opens")
        rest = (moment(self.office, days=7), "--closes", moment(self.office, days=14), "--convoke")
        return str(self.registrar("sitting", *dates, *rest)["sitting"])

    def paper(self, *names: str) -> str:
        folder = self.office.folder / f"papiers-{len(list(self.office.folder.iterdir()))}"
        folder.mkdir()
        for name in names or ("demande", "avis", "identite", "cessation"):
            (folder / f"{name}.txt").write_text("fiction", encoding="utf-8")
        return str(folder)

    def deposit(self, who: str, sitting: str, *words: str, kind: str = "engagement") -> Any:
        request = ("deposit", "--sitting", sitting, "--kind", kind, *words)
        return self.does(who, *request, self.paper())

    def reads(self, who: str, sitting: str) -> set[str]:
        """Declares, takes the pack and opens it; the references in it."""
        self.does(who, "declare", sitting, "--accept-undertaking")
        return self.takes(who, sitting)

    def takes(self, who: str, sitting: str) -> set[str]:
        self.packs += 1
        pack, out = (self.office.folder / f"{name}-{self.packs}" for name in ("lot", "lecture"))
        self.does(who, "pack", "get", sitting, "--out", str(pack))
        opened = self.does(who, "pack", "open", str(pack), "--out", str(out))
        return {each["dossier"] for each in opened["dossiers"]}

    def verdict(self) -> dict[str, Any]:
        bundle, trust = self.office.folder / "registre.tar", self.office.folder / "trust.json"
        bundle.unlink(missing_ok=True)
        self.does("irene", "audit", "export", "--out", str(bundle))
        told = self.tries(
            *("irene", "audit", "verify", "--bundle", str(bundle)),
            *("--trust", str(trust), "--json"),
        )
        found: dict[str, Any] = json.loads(told.out)
        assert told.status == 0, found["findings"]
        return found

    @property
    def objects(self) -> int:
        return len(list(self.office.live.wired.service.objects.names()))


@pytest.fixture
def year(tmp_path: Path) -> Iterator[HalfYear]:
    office = LiveOffice(tmp_path)
    yield HalfYear(office)
    office.live.shut()


def first_sitting(year: HalfYear) -> tuple[str, str, str]:
    """Two associations; a recusal, a withdrawal, a complement, an own seat that sees nothing."""
    sitting = year.plan()
    first = year.deposit("quitterie", sitting)
    other = year.deposit("nadia", sitting)["dossier"]
    gone = year.deposit("nadia", sitting)["dossier"]
    year.does("nadia", "withdraw", gone)
    assert year.objects == 2
    year.registrar("agenda", sitting)
    year.wait(days=6, hours=1)
    year.registrar(
        "complement", other, "--piece", "sejour", "--answer-by", moment(year.office, hours=8)
    )
    year.does(
        "nadia",
        *("deposit", "--sitting", sitting, "--kind", "engagement", "--complement-of", other),
        year.paper("sejour"),
    )
    year.registrar("agenda", sitting)
    year.wait(days=1)
    assert year.reads("aurore", sitting) == {first["dossier"], other}
    assert year.reads("odile", sitting) == {other}  # Altaïr does not deliberate on its own
    year.does("jerome", "declare", sitting, other, "--accept-undertaking")
    year.does("jerome", "recuse", first["dossier"], "--sitting", sitting)
    assert year.takes("jerome", sitting) == {other}
    year.registrar("attendance", sitting, "--room", "prefet", "--room", "cdom")
    counted = {each["dossier"]: each["reached"] for each in year.registrar("quorum", sitting)}
    assert counted == {first["dossier"]: False, other: True}  # the doctor stepped aside from one
    year.wait(days=6)
    year.registrar("close", sitting, "--yes")
    assert (
        year.tries("aurore", "pack", "get", sitting, "--out", str(year.office.folder / "x")).status
        == 1
    )
    return sitting, first["dossier"], first["pathway"]


def second_sitting(year: HalfYear, pathway: str) -> str:
    """A renewal by a colleague, a late alternate, a lost key and its holder enrolled anew."""
    sitting = year.plan()
    renewal = year.deposit("perceval", sitting, "--pathway", pathway, kind="renewal")["dossier"]
    urgent_sent = year.deposit("nadia", sitting)["dossier"]
    year.registrar("agenda", sitting)
    alternate = year.office.join("brune", "mairie", "member")
    year.registrar(
        *("seat", "--mandate", "mairie", alternate, "alternate", "2026-01-01", "2028-12-31"),
        *("--decree", "2026-117"),
    )
    year.registrar("sitting", "--sitting", sitting, "--seat", f"mairie={alternate}")
    assert {each["names"][0] for each in year.does("quitterie", "grant", "--all")} == {"Brune"}
    assert len(year.does("nadia", "grant", "--all")) == 1
    year.wait(days=7)
    assert year.reads("brune", sitting) == {renewal, urgent_sent}
    replaced = year.tries(
        "melusine", "pack", "get", sitting, "--out", str(year.office.folder / "y")
    )
    assert replaced.status == 1
    assert year.reads("aurore", sitting) == {renewal, urgent_sent}
    lost(year, sitting)
    assert year.takes("aurore2", sitting) == {renewal, urgent_sent}
    year.wait(days=7)
    year.registrar("close", sitting, "--yes")
    return sitting


def lost(year: HalfYear, sitting: str) -> None:
    """Revoked by phone; what it could open is listed; a new device the same day; granted again."""
    certificate = year.does("aurore", "devices")[0]["certificate"]
    done = year.registrar("revoke", certificate, "--reason", "appareil volé (fiction)")
    asked = {each["sitting"] for each in done["reach"] if each["asked"]}
    assert sitting in asked
    assert year.tries("aurore", "sittings").status == 1
    person, file = year.ids["aurore"], year.office.folder / "aurore2.json"
    invitation = ("--person", person, "--name", "Aurore", "--organisation", "prefecture")
    year.registrar("invite", *invitation, "--role", "member", "--out", str(file))
    spoken = year.does("aurore2", "enrol", str(file), "--yes", "--work-factor", "10")["fingerprint"]
    year.registrar("certify", "--person", person, "--fingerprint", spoken)
    year.registrar("sitting", "--sitting", sitting, "--refresh-seats")
    for association in ("perceval", "nadia"):
        assert len(year.does(association, "grant", "--all")) == 1
    devices = year.does("aurore2", "devices")
    assert [each["usable"] for each in devices] == [False, True]
    assert devices[1]["this_one"]


def third_sitting(year: HalfYear) -> str:
    """Planned, an urgent dossier listed by the registrar, a proxy, closed."""
    sitting = year.plan()
    year.registrar("agenda", sitting)
    year.wait(days=6, hours=2)
    urgent = year.deposit("nadia", sitting, "--urgent")["dossier"]
    assert year.registrar("agenda", sitting)["left_out"] == [urgent]
    year.registrar("agenda", sitting, "--urgent", urgent)
    year.wait(days=1)
    assert year.reads("jerome", sitting) == {urgent}
    year.does("jerome", "proxy", sitting, "--to", "prefet")
    year.registrar("attendance", sitting, "--room", "prefet", "--remote", "altair")
    (counted,) = year.registrar("quorum", sitting)
    assert (counted["present"], counted["represented"], counted["reached"]) == (2, 1, True)
    year.wait(days=7)
    year.registrar("close", sitting, "--yes")
    return sitting


def test_half_a_year(year: HalfYear) -> None:
    """Three sittings, everything that happens to a commission, then the purge: the verdict is clean."""
    _first, kept, pathway = first_sitting(year)
    year.wait(days=45)
    second_sitting(year, pathway)
    year.wait(days=45)
    third_sitting(year)
    until = (year.office.live.now + timedelta(days=200)).isoformat()
    year.registrar("hold", kept, "--until", until, "--reason", "recours")
    year.office.live.now += PURGE_DELAY
    purge = ("purge", "--due", "--without-visa", "--out", str(year.office.folder / "bordereaux"))
    done = year.registrar(*purge, "--yes")
    assert len(done) == 3
    assert year.objects == 1  # the dossier under appeal
    verdict = year.verdict()
    codes = {each["code"] for each in verdict["findings"]}
    assert codes <= {"purge.without-visa", "broker.embedded", "witness.none"}, codes
    assert verdict["counts"]["purge.done"] == 4  # three sittings, and the withdrawal
