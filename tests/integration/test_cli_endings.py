"""The end of a sitting as the secretariat orders it: purge with its record, holds, their refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.usecases.service import PURGE_DELAY
from tests.support.office import LiveOffice, moment, sitting_with

VISA = ("--visa", "AD 2026-17", "--visa-date", "2026-11-02")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[LiveOffice]:
    made = LiveOffice(tmp_path)
    yield made
    made.live.shut()


class Ended:
    """A closed sitting with two dossiers, and the secretariat's commands on it."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        member = office.join("claire", "cdom", "member")
        office.join("nadia", "altair", "depositor")
        self.sitting = sitting_with(office, member)
        self.papers = office.folder / "demande.txt"
        self.papers.write_text("fiction", encoding="utf-8")
        self.first, self.second = self.deposit(), self.deposit()
        self.out = office.folder / "bordereaux"

    def deposit(self) -> str:
        words = ("deposit", "--sitting", self.sitting, "--kind", "engagement", str(self.papers))
        return str(self.office.run("nadia", *words, "--json").data()["dossier"])

    def close(self) -> None:
        self.registrar("close", self.sitting, "--yes")

    def pass_the_delay(self) -> None:
        self.office.live.now += PURGE_DELAY

    def registrar(self, *words: str):  # type: ignore[no-untyped-def]
        return self.office.run("secretariat", "registrar", *words)

    def purge(self, *words: str):  # type: ignore[no-untyped-def]
        return self.registrar("purge", *words, "--out", str(self.out), "--yes")

    @property
    def objects(self) -> int:
        return len(list(self.office.live.wired.service.objects.names()))


@pytest.fixture
def ended(office: LiveOffice) -> Ended:
    return Ended(office)


def test_a_purge_leaves_its_record(ended: Ended) -> None:
    """The record names the visa, and of each deposit its reference, length and hash; printed too."""
    ended.close()
    ended.pass_the_delay()
    (done,) = json.loads(ended.purge(ended.sitting, *VISA, "--json").out)
    assert done["visa"] == {"reference": "AD 2026-17", "day": "2026-11-02"}
    assert [each["dossier"] for each in done["deposits"]] == [ended.first, ended.second]
    assert done["bytes"] == sum(each["length"] for each in done["deposits"]) > 0
    assert ended.objects == 0
    text, data = sorted(ended.out.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert json.loads(data.read_text()) == done
    printed = text.read_text()
    for told in ("AD 2026-17, du 02/11/2026", ended.first, ended.second, done["order"]):
        assert told in printed
    assert all(each["sha256"] in printed for each in done["deposits"])


def test_no_purge_before_its_time(ended: Ended) -> None:
    """Before the closing, and before the delay is over, the command says why and deletes nothing."""
    early = ended.purge(ended.sitting, *VISA)
    assert early.status == 1
    assert "n'est pas close" in early.err
    ended.close()
    waiting = ended.purge(ended.sitting, *VISA)
    assert waiting.status == 1
    assert "60 jours" in waiting.err
    assert ended.objects == 2
    assert not ended.out.exists()


def test_the_visa_or_its_absence_is_said(ended: Ended) -> None:
    """Neither is an error of use; both too; its absence is written into the record."""
    ended.close()
    ended.pass_the_delay()
    for words in ((), ("--visa", "AD 1"), (*VISA, "--without-visa")):
        assert ended.purge(ended.sitting, *words).status == 2
    assert ended.objects == 2
    assert ended.purge(ended.sitting, "--without-visa").status == 0
    (text,) = ended.out.glob("*.txt")
    assert "Sans visa des archives" in text.read_text()


def test_due_takes_every_sitting_that_is(ended: Ended) -> None:
    """``--due`` purges what is due, says what is not yet, and finds nothing the second time."""
    other = str(
        ended.registrar(
            *("sitting", "--deposit-by", moment(ended.office, days=2), "--convoke", "--json"),
            *("--opens", moment(ended.office, days=3), "--closes", moment(ended.office, days=99)),
        ).data()["sitting"]
    )
    ended.close()
    ended.pass_the_delay()
    done = ended.purge("--due", *VISA, "--json").data()
    assert [each["sitting"] for each in done] == [ended.sitting]
    again = ended.purge("--due", *VISA)
    assert (again.status, again.out) == (0, "Rien à purger.\n")
    assert ended.purge("--due", other, *VISA).status == 2
    assert ended.purge(*VISA).status == 2
    assert ended.purge(ended.sitting, *VISA).status == 1


def test_due_goes_on_after_a_refusal(ended: Ended) -> None:
    """A sitting whose delay runs is said on the error output; the command ends well."""
    ended.close()
    waiting = ended.purge("--due", *VISA)
    assert waiting.status == 0
    assert ended.sitting in waiting.err
    assert "60 jours" in waiting.err
    assert ended.objects == 2


def test_a_held_dossier_stays(ended: Ended) -> None:
    """The purge spares it and says until when; lifted, the rest goes under a second record."""
    ended.close()
    ended.pass_the_delay()
    until = ended.office.live.now + timedelta(days=90)
    held = ended.registrar(
        *("hold", ended.first, "--until", until.isoformat(), "--reason", "recours", "--json")
    )
    assert list(held.data()) == [ended.first]
    (done,) = ended.purge(ended.sitting, *VISA, "--json").data()
    assert [each["dossier"] for each in done["deposits"]] == [ended.second]
    assert list(done["held"]) == [ended.first]
    assert ended.purge(ended.sitting, *VISA).status == 1
    assert ended.registrar("hold").out.startswith(ended.first)
    lifted = ended.registrar("hold", ended.first, "--lift", "--reason", "désistement")
    assert "Aucun dossier" in lifted.out
    assert ended.objects == 1
    assert ended.purge(ended.sitting, *VISA).status == 0
    assert ended.objects == 0
    assert len(list(ended.out.glob("*.txt"))) == 2


def test_a_hold_needs_a_term_and_a_reason(ended: Ended) -> None:
    """Misuse is said as such; a dossier that does not exist, or nothing to lift, is refused."""
    until = ("--until", (ended.office.live.now + timedelta(days=9)).isoformat())
    because = ("--reason", "recours")
    for words in (
        (ended.first, *because),
        (ended.first, *until),
        (ended.first, *until, "--lift", *because),
        until,
        ("--lift",),
    ):
        assert ended.registrar("hold", *words).status == 2
    for refused in (
        ("aaaaa-aaaaa", *until, *because),
        (ended.first, "--lift", *because),
        (ended.first, "--until", "2020-01-01", *because),
    ):
        assert ended.registrar("hold", *refused).status == 1
    assert "Aucun dossier" in ended.registrar("hold").out


def test_the_verifier_tells_of_the_purge(ended: Ended) -> None:
    """A purge and a withdrawal are in order; a purge without visa is said, and why that may be."""
    office = ended.office
    office.join("irene", "prefecture", "auditor")
    office.run("nadia", "withdraw", ended.second, "--json").data()
    assert ended.objects == 1
    ended.close()
    ended.pass_the_delay()
    ended.purge(ended.sitting, "--without-visa", "--json").data()
    bundle, trust = str(office.folder / "registre.tar"), str(office.folder / "trust.json")
    office.run("irene", "audit", "export", "--out", bundle, "--json").data()
    told = office.run("irene", "audit", "verify", "--bundle", bundle, "--trust", trust)
    assert told.status == 0, told.out
    assert "sans citer de visa des archives" in told.out
