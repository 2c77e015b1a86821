"""The person's right of access: an extract of one dossier that anybody verifies, and nothing of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.office import LiveOffice, Outcome, sitting_with


class Extracted:
    """Two dossiers, one of them read; the extract of that one."""

    def __init__(self, office: LiveOffice) -> None:
        self.office = office
        member = office.join("claire", "cdom", "member")
        office.join("nadia", "altair", "depositor")
        office.join("irene", "prefecture", "auditor")
        sitting = sitting_with(office, member)
        paper = office.folder / "demande.txt"
        paper.write_text("fiction", encoding="utf-8")
        kind = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
        done, self.other = office.run("nadia", *kind).data(), office.run("nadia", *kind).data()
        self.dossier, self.deposit = str(done["dossier"]), str(done["deposit"])
        office.run("secretariat", "registrar", "agenda", sitting, "--json").data()
        office.live.now += timedelta(days=3)
        office.run("claire", "declare", sitting, self.dossier, "--accept-undertaking", "--json")
        pack = str(office.folder / "lot.tar")
        office.run("claire", "pack", "get", sitting, "--out", pack, "--json").data()
        bundle = str(office.folder / "registre.tar")
        office.run("irene", "audit", "export", "--out", bundle, "--json").data()
        self.of = ("--bundle", bundle, "--trust", str(office.folder / "trust.json"))
        self.out = office.folder / "extrait"
        self.made = self.run("extract", self.dossier, *self.of, "--out", str(self.out))

    def run(self, *words: str) -> Outcome:
        return self.office.run("irene", "audit", *words)

    def verified(self) -> Outcome:
        trust = str(self.office.folder / "trust.json")
        return self.run("verify-extract", str(self.out), "--trust", trust)


@pytest.fixture
def extracted(tmp_path: Path) -> Iterator[Extracted]:
    office = LiveOffice(tmp_path)
    yield Extracted(office)
    office.live.shut()


def test_who_was_given_the_key_and_when(extracted: Extracted) -> None:
    """The page says it by seat, without a person's name; the extract verifies off line."""
    assert extracted.made.status == 0, extracted.made.err
    assert "1 remise(s)" in extracted.made.out
    page = (extracted.out / "extrait.html").read_text(encoding="utf-8")
    assert "cdom" in page
    assert "05/03/2026" in page
    told = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in extracted.out.rglob("*")
        if path.is_file()
    )
    for hidden in ("Claire", "Nadia", extracted.other["dossier"], extracted.other["deposit"]):
        assert hidden not in told
    assert extracted.verified().status == 0
    assert "Cet extrait est vrai" in extracted.verified().out


def test_an_altered_extract_is_refused(extracted: Extracted) -> None:
    """Another time, another deposit, a receipt that is gone or cut, another dossier's name: refused."""
    file = extracted.out / "extract.json"
    honest = file.read_text(encoding="utf-8")
    document = json.loads(honest)
    release = next(
        n for n, each in enumerate(document["events"]) if each["event"] == "release.authorised"
    )
    for change in (
        {"at": "2026-03-05T11:00:00+00:00"},
        {"event": "release.refused"},
        {"deposit": extracted.other["deposit"]},
        {"purpose": "grant"},
        {"index": 0},
    ):
        spoilt = json.loads(honest)
        spoilt["events"][release].update(change)
        file.write_text(json.dumps(spoilt), encoding="utf-8")
        assert extracted.verified().status == 1, change
    file.write_text(honest.replace(extracted.dossier, extracted.other["dossier"]), encoding="utf-8")
    assert extracted.verified().status == 1
    file.write_text("{}", encoding="utf-8")
    assert extracted.verified().status == 1
    file.write_text(honest, encoding="utf-8")
    assert extracted.verified().status == 0
    receipt = extracted.out / "receipts" / f"{document['events'][release]['index']}.receipt"
    kept = receipt.read_bytes()
    receipt.write_bytes(kept[:-40] + kept[-39:])
    assert extracted.verified().status == 1
    receipt.unlink()
    assert extracted.verified().status == 1


def test_a_dossier_that_is_not_there(extracted: Extracted) -> None:
    """Said as such; and an output folder that exists is never written over."""
    missing = extracted.run(
        "extract", "aaaaa-aaaaa", *extracted.of, "--out", str(extracted.out) + "2"
    )
    assert missing.status == 1
    assert "aucun dossier" in missing.err
    again = extracted.run("extract", extracted.dossier, *extracted.of, "--out", str(extracted.out))
    assert again.status == 1
    assert "existe déjà" in again.err
