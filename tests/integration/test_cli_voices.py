"""The meeting itself: proxies, who takes part, the quorum by dossier, a second convocation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.office import LiveOffice, Outcome, moment

SEATS = ("prefet", "cdom", "mairie", "parquet", "altair")


def composition(people: dict[str, str]) -> str:
    parts = []
    for seat in SEATS:
        kind = "association" if seat == "altair" else "ex-officio"
        own = 'organisation = "altair"\n' if seat == "altair" else ""
        parts.append(
            f'[[seats]]\nseat = "{seat}"\nkind = "{kind}"\nlabel = "{seat}"\nvoting = true\n'
            f"alternates = true\n{own}"
        )
        parts.append(
            f'[[mandates]]\nseat = "{seat}"\nperson = "{people[seat]}"\ncapacity = "titular"\n'
            "from = 2026-01-01\nto = 2028-12-31\n"
        )
    parts.append(
        '[[approvals]]\norganisation = "altair"\nlabel = "Altaïr"\nrna = "W922000001"\n'
        "from = 2026-01-01\nto = 2028-12-31\n"
    )
    return "\n".join(parts)


class Meeting:
    """Five seats, one of them the association's; one dossier of the association on the agenda."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        people = {seat: office.join(seat, seat, "member") for seat in SEATS}
        office.join("nadia", "altair", "depositor")
        file = office.folder / "composition.toml"
        file.write_text(composition(people), encoding="utf-8")
        self.registrar("seat", "--roster", str(file))
        made = self.registrar(
            *("sitting", "--deposit-by", moment(office, days=1), "--convoke"),
            *("--opens", moment(office, days=2), "--closes", moment(office, days=8), "--json"),
        )
        self.sitting = str(made.data()["sitting"])
        self.paper = office.folder / "demande.txt"
        self.paper.write_text("fiction", encoding="utf-8")
        self.dossier = str(self.deposit().data()["dossier"])
        self.registrar("agenda", self.sitting)

    def deposit(self, *words: str) -> Outcome:
        kind = ("--sitting", self.sitting, "--kind", "engagement", *words)
        return self.office.run("nadia", "deposit", *kind, str(self.paper), "--json")

    def registrar(self, *words: str) -> Outcome:
        return self.office.run("secretariat", "registrar", *words)

    def proxy(self, giver: str, *words: str) -> Outcome:
        return self.office.run(giver, "proxy", self.sitting, *words)

    def come(self, *room: str, remote: tuple[str, ...] = ()) -> Outcome:
        words = [word for seat in room for word in ("--room", seat)]
        words += [word for seat in remote for word in ("--remote", seat)]
        return self.registrar("attendance", self.sitting, *words)

    def quorum(self) -> dict[str, object]:
        (only,) = self.registrar("quorum", self.sitting, "--json").data()
        found: dict[str, object] = only
        return found


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    made = LiveOffice(tmp_path_factory.mktemp("meeting"))
    yield Meeting(made)
    made.live.shut()


def test_the_quorum_by_dossier(meeting: Meeting) -> None:
    """Five members, half is three; the association's own seat does not count for its dossier."""
    assert meeting.registrar("quorum", meeting.sitting).status == 1  # nobody was recorded yet
    assert meeting.come("prefet", "altair", remote=("cdom",)).status == 0
    counted = meeting.quorum()
    assert (counted["present"], counted["needed"], counted["reached"]) == (2, 3, False)
    assert counted["recused"] == ["altair"]
    assert meeting.proxy("parquet", "--to", "prefet").status == 0
    assert meeting.quorum()["reached"] is True
    assert "Quorum atteint" in meeting.registrar("quorum", meeting.sitting).out
    assert meeting.proxy("parquet", "--withdraw").status == 0
    told = meeting.registrar("quorum", meeting.sitting).out
    assert told.startswith("Quorum non atteint pour 1 dossier(s) sur 1.")


def test_proxies_that_are_refused(meeting: Meeting) -> None:
    """A second one for a holder, a proxy of a proxy, one's own seat, an outsider, none to take back."""
    assert meeting.proxy("parquet", "--to", "prefet").status == 0
    for giver, words, reason in (
        ("mairie", ("--to", "prefet"), "R133-9"),
        ("mairie", ("--to", "parquet"), "ne se transmet pas"),
        ("prefet", ("--to", "cdom"), "rendez-le avant"),
        ("cdom", ("--to", "cdom"), "lui-même"),
        ("cdom", ("--to", "ailleurs"), "entre membres"),
        ("cdom", ("--withdraw",), "pas donné de mandat"),
    ):
        refused = meeting.proxy(giver, *words)
        assert refused.status == 1
        assert reason in refused.err
    assert meeting.office.run("nadia", "proxy", meeting.sitting, "--to", "cdom").status == 1
    assert meeting.proxy("cdom").status == 2
    assert meeting.proxy("parquet", "--withdraw").status == 0


def test_who_cannot_be_recorded(meeting: Meeting) -> None:
    """A seat of another sitting, and one that is in two places."""
    assert meeting.come("ailleurs").status == 1
    assert meeting.come("prefet", remote=("prefet",)).status == 2


def test_a_second_convocation(meeting: Meeting) -> None:
    """Later, with the same agenda and no quorum; never before a first, nor back to one."""
    sitting = ("sitting", "--sitting", meeting.sitting)
    assert meeting.registrar(*sitting, "--second-convocation").status == 1  # no later date
    meeting.office.live.now += timedelta(days=2, hours=1)
    later = moment(meeting.office, days=9)
    done = meeting.registrar(*sitting, "--second-convocation", "--closes", later)
    assert done.status == 0, done.err
    assert meeting.come("prefet").status == 0
    assert meeting.quorum()["reached"] is True
    # Nothing is added to the agenda of the first; a complement of a dossier that is on it may be.
    asked = ("complement", meeting.dossier, "--piece", "bilan")
    meeting.registrar(*asked, "--answer-by", moment(meeting.office, days=1))
    meeting.deposit("--complement-of", meeting.dossier).data()
    assert meeting.registrar("agenda", meeting.sitting).status == 0
