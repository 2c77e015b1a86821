"""After the limit: complements that the secretariat asks for, urgent dossiers, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.office import LiveOffice, Outcome, moment, sitting_with


@pytest.fixture
def office(tmp_path: Path) -> Iterator[LiveOffice]:
    made = LiveOffice(tmp_path)
    yield made
    made.live.shut()


class Commission:
    """A sitting, a member, a depositor with one dossier deposited in time."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        member = office.join("claire", "cdom", "member")
        office.join("nadia", "altair", "depositor")
        office.join("irene", "prefecture", "auditor")
        self.sitting = sitting_with(office, member)
        self.papers = office.folder / "papiers"
        self.papers.mkdir()
        (self.papers / "demande.txt").write_text("fiction", encoding="utf-8")
        self.first = str(self.deposit().data()["dossier"])

    def deposit(self, *words: str, kind: str = "engagement") -> Outcome:
        return self.office.run(
            *("nadia", "deposit", "--sitting", self.sitting, "--kind", kind, "--json"),
            *(*words, str(self.papers)),
        )

    def registrar(self, *words: str) -> Outcome:
        return self.office.run("secretariat", "registrar", *words)

    def ask(self, *pieces: str, **later: float) -> Outcome:
        named = [word for piece in pieces for word in ("--piece", piece)]
        by = moment(self.office, **later)
        return self.registrar("complement", self.first, *named, "--answer-by", by, "--json")

    def agenda(self, *words: str) -> tuple[list[str], list[str]]:
        data = self.registrar("agenda", self.sitting, *words, "--json").data()
        return [each["dossier"] for each in data["items"]], data["left_out"]

    def later(self, **delta: float) -> None:
        self.office.live.now += timedelta(**delta)

    def asked(self) -> dict[str, object]:
        (shown,) = self.office.run("nadia", "sittings", "--json").data()
        return next(
            each["complement_asked"] for each in shown["deposits"] if each["dossier"] == self.first
        )

    def verdict(self) -> Outcome:
        bundle, trust = (str(self.office.folder / name) for name in ("registre.tar", "trust.json"))
        Path(bundle).unlink(missing_ok=True)
        self.office.run("irene", "audit", "export", "--out", bundle, "--json").data()
        return self.office.run("irene", "audit", "verify", "--bundle", bundle, "--trust", trust)


@pytest.fixture
def commission(office: LiveOffice) -> Commission:
    return Commission(office)


def test_a_complement_that_was_asked_for(commission: Commission) -> None:
    """Asked by codes and a term; listed to the association; answered after the limit; on the agenda."""
    commission.later(days=2, hours=1)
    late = commission.deposit("--complement-of", commission.first)
    assert late.status == 1
    assert "étaient reçus jusqu'au" in late.err
    commission.ask("bilan", "sejour", hours=4).data()
    asked = commission.asked()
    assert (asked["pieces"], asked["answered"]) == (["bilan", "sejour"], False)
    told = commission.office.run("nadia", "sittings").out
    assert f"complément demandé au dossier {commission.first}" in told
    commission.deposit("--complement-of", commission.first).data()
    assert commission.asked()["answered"] is True
    assert commission.agenda() == ([commission.first], [])
    assert commission.verdict().status == 0


def test_a_complement_after_its_term(commission: Commission) -> None:
    """Once the term is over it is refused with that reason, by the client and by the service."""
    commission.later(days=2, hours=1)
    commission.ask("bilan", hours=2).data()
    commission.later(hours=2)
    late = commission.deposit("--complement-of", commission.first)
    assert late.status == 1
    assert "complément demandé était attendu" in late.err
    # A dossier that nobody was asked about stays shut meanwhile.
    assert commission.deposit().status == 1


def test_only_the_dossier_that_was_asked_about(commission: Commission) -> None:
    """A running request opens its own dossier, and no other of the same association."""
    other = str(commission.deposit().data()["dossier"])
    commission.later(days=2, hours=1)
    commission.ask("bilan", hours=4).data()
    assert commission.deposit("--complement-of", other).status == 1
    assert commission.deposit("--complement-of", commission.first).status == 0


def test_requests_that_cannot_be(commission: Commission) -> None:
    """Of an unknown or withdrawn dossier, an unknown piece, a term past or after the closing."""
    assert commission.ask("passeport", hours=4).status == 2
    assert commission.ask("bilan", hours=-1).status == 1
    assert commission.ask("bilan", days=6).status == 1
    unknown = ("--piece", "bilan", "--answer-by", moment(commission.office, hours=4))
    assert commission.registrar("complement", "aaaaa-aaaaa", *unknown).status == 1
    commission.office.run("nadia", "withdraw", commission.first, "--json").data()
    assert commission.ask("bilan", hours=4).status == 1


def test_an_urgent_dossier(commission: Commission) -> None:
    """Taken after the limit; the secretariat sees it and decides to put it on the agenda."""
    commission.agenda()
    commission.later(days=2, hours=1)
    urgent = str(commission.deposit("--urgent").data()["dossier"])
    assert commission.agenda() == ([commission.first], [urgent])
    told = commission.registrar("agenda", commission.sitting)
    assert f"--urgent {urgent}" in told.out
    assert commission.agenda("--urgent", urgent) == ([commission.first, urgent], [])
    assert commission.agenda() == ([commission.first, urgent], [])
    assert commission.registrar("agenda", commission.sitting, "--urgent", "aaaaa-aaaaa").status == 1
    assert commission.verdict().status == 0


def test_no_urgency_once_the_dossiers_are_open(commission: Commission) -> None:
    """Members have begun to read: what comes now is refused, and why."""
    commission.later(days=3)
    late = commission.deposit("--urgent")
    assert late.status == 1
    assert "sont ouverts aux membres" in late.err


def test_a_renewal_names_its_pathway(commission: Commission) -> None:
    """Without one it is refused; with the earlier dossier's it continues it, and 24 months are said."""
    bare = commission.deposit(kind="renewal")
    assert bare.status == 1
    assert "--pathway" in bare.err
    assert commission.deposit("--pathway", "n'importe", kind="renewal").status == 1
    pathway = str(commission.deposit().data()["pathway"])
    assert commission.deposit("--pathway", pathway).status == 1  # an engagement opens its own
    for _period in (2, 3, 4):
        done = commission.deposit("--pathway", pathway, kind="renewal")
        assert done.data()["pathway"] == pathway
        assert "mois" not in done.err
    beyond = commission.deposit("--pathway", pathway, kind="renewal")
    assert beyond.status == 0
    assert "30 mois" in beyond.err
    begun_before = commission.deposit("--pathway", "new", kind="renewal").data()["pathway"]
    assert begun_before != pathway


def test_the_checklist_travels_with_the_dossier(commission: Commission) -> None:
    """What is missing is said before sealing, sealed inside, and said to the reader."""
    office = commission.office
    (commission.papers / "Identité - passeport.txt").write_text("fiction", encoding="utf-8")
    (commission.papers / "avis").mkdir()
    (commission.papers / "avis" / "lettre.txt").write_text("fiction", encoding="utf-8")
    done = commission.deposit()
    assert "attestation de cessation d'activité" in done.err
    assert "identité" not in done.err
    reference = done.data()["dossier"]
    commission.agenda()
    commission.later(days=3)
    office.run("claire", "declare", commission.sitting, "--accept-undertaking", "--json").data()
    pack, out = office.folder / "lot.tar", office.folder / "lecture"
    office.run("claire", "pack", "get", commission.sitting, "--out", str(pack), "--json").data()
    told = office.run("claire", "pack", "open", str(pack), "--out", str(out))
    assert "attestation de cessation d'activité" in told.out
    (card,) = out.glob(f"*/{reference}/dossier.json")
    assert json.loads(card.read_text())["checklist"] == [
        {"piece": "demande", "present": True},
        {"piece": "avis", "present": True},
        {"piece": "identite", "present": True},
        {"piece": "cessation", "present": False},
    ]
