"""A witness fails: nothing is revealed until the registrar lowers the quorum, and that is never silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.note import KeyType
from exchange.client.wire import Wire, WireAnswer, WireRequest
from exchange.usecases.emergency import MAX_EMERGENCY
from tests.support.live_service import post
from tests.support.log_world import signer
from tests.support.office import LiveOffice, Outcome, moment, sitting_with

REASON = ("--reason", "Le témoin du tribunal est en panne.")


class Office(LiveOffice):
    """A commission that loses a witness; ``fails_at``: just before the next request to such a path."""

    doctor = ""
    fails_at: str | None = None

    def wire(self) -> Wire:
        return _Failing(self, super().wire())


class _Failing:
    def __init__(self, office: Office, wire: Wire) -> None:
        self._office, self._wire = office, wire

    def send(self, request: WireRequest) -> WireAnswer:
        at = self._office.fails_at
        if at is not None and request.target.endswith(at):
            self._office.fails_at = None
            lose_the_witness(self._office)
        return self._wire.send(request)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.doctor = made.join("claire", "cdom", "member")
    made.join("nadia", "altair", "depositor")
    made.join("victor", "prefecture", "auditor")
    yield made
    made.live.shut()


def lose_the_witness(office: Office) -> None:
    tribunal = signer("tribunal.example", KeyType.COSIGNATURE_V1, 77)
    lines = (
        f"witness broker {office.live.instance.cosigner_vkey}",
        f"witness tribunal {tribunal.verifier}",
        "quorum tribunal\n",
    )
    policy = office.live.trust_policy(2, witness_policy="\n".join(lines))
    body = {"statement": policy.envelope.decode()}
    answer = post(office.live.anonymous(), "/api/v1/statements", body)
    assert answer.status_code == 503  # accepted and kept; published once there is a quorum


def lower(office: Office, *words: str, who: str = "secretariat") -> Outcome:
    until = () if "--until" in words else ("--until", moment(office, days=1))
    return office.run(
        *(who, "registrar", "emergency", "--quorum", "0", *until, *REASON, "--yes", *words)
    )


def ready(office: Office) -> int:
    return office.live.anonymous().get("/readyz", base_url=office.url).status_code


def test_from_outage_to_its_end(office: Office) -> None:
    """Without the quorum no login is answered; by the emergency everything is, and every command says
    so; when it ends nothing is revealed again, and what was taken meanwhile still opens.
    """
    sitting = sitting_with(office, office.doctor)
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    words = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
    dossier = office.run("nadia", *words).data()["dossier"]
    office.live.now += timedelta(days=2, hours=1)
    assert office.run("secretariat", "registrar", "agenda", sitting).status == 0
    office.live.now += timedelta(days=1)
    lose_the_witness(office)
    refused = office.run("claire", "declare", sitting, "--yes")
    assert refused.status == 3, refused.err
    assert "tribunal" in refused.err or "témoin" in refused.err

    made = lower(office)
    assert made.status == 0, made.err
    declared = office.run("claire", "declare", sitting, "--yes")
    assert declared.status == 0, declared.err
    assert "abaissé à 0 le nombre de témoins" in declared.err
    pack = office.folder / "pack.tar"
    taken = office.run("claire", "pack", "get", sitting, "--out", str(pack))
    assert taken.status == 0, taken.err

    office.live.now += timedelta(days=1)
    ended = office.run("claire", "pack", "get", sitting, "--out", f"{pack}.2")
    assert ended.status != 0
    assert not Path(f"{pack}.2").exists()
    opened = office.run("claire", "pack", "open", str(pack), "--out", f"{pack}.d", "--json").data()
    assert [each["dossier"] for each in opened["dossiers"]] == [dossier]

    assert lower(office).status == 0  # a new one, and the auditor reads of both
    trust = str(office.folder / "trust.json")
    bundle = office.folder / "bundle.tar"
    assert office.run("victor", "audit", "export", "--out", str(bundle)).status == 0
    verdict = office.run("victor", "audit", "verify", "--bundle", str(bundle), "--trust", trust)
    assert "CONSTATS — le journal est intact" in verdict.out
    assert verdict.out.count("abaissé en urgence à 0 le nombre de témoins") == 2
    extract = office.folder / "extrait"
    sources = ("--bundle", str(bundle), "--trust", trust, "--out", str(extract))
    assert office.run("victor", "audit", "extract", dossier, *sources).status == 0
    proof = office.run("victor", "audit", "verify-extract", str(extract), "--trust", trust)
    assert proof.status == 0, proof.err


def test_no_deposit_is_lost_in_an_outage(office: Office) -> None:
    """A deposit that was under way when the witness failed is kept, taken up again, and is one deposit."""
    sitting = sitting_with(office, office.doctor)
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    office.fails_at = "/commit"
    words = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper))
    cut = office.run("nadia", *words)
    assert cut.status == 3, cut.err
    assert "--resume" in cut.err
    assert lower(office).status == 0
    resumed = office.run("nadia", "deposit", "--resume", "--json")
    assert resumed.status == 0, resumed.err
    dossier = str(resumed.data()["dossier"])
    (shown,) = office.run("nadia", "sittings", "--json").data()
    assert [each["dossier"] for each in shown["deposits"]] == [dossier]


def test_who_may_lower_and_by_how_much(office: Office) -> None:
    """Only the registrar's key; for a week at most; below what is asked; and it asks before."""
    assert lower(office).status == 1  # the broker is the only witness: there is nothing to lower
    lose_the_witness(office)
    other = lower(office, who="nadia")
    assert other.status == 1
    assert "Seule la clé du secrétariat" in other.err
    late = (office.live.now + MAX_EMERGENCY + timedelta(hours=1)).isoformat()
    long = lower(office, "--until", late)
    assert (long.status, "7 jours" in long.err) == (1, True)
    words = ("registrar", "emergency", "--quorum", "0", "--until", moment(office, days=1), *REASON)
    assert office.run("secretariat", *words).status == 1
    assert (
        office.run("nadia", "sittings").status == 3
    )  # still: nothing of all that lowered anything
    assert lower(office).status == 0
    assert office.run("nadia", "sittings").status == 0
