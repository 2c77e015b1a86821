"""Sittings, run in one process with the commands that people type, before a server in memory."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from crypto.edge.seal import header_for
from crypto.keys import Entropy, FileKey, Recipient
from exchange.client import recipients
from tests.support.office import Office, sitting_with


def test_whole_life(office: Office) -> None:
    """From the invitation to the closing, with the commands that people type."""
    member = office.join("claire", "cdom", "member")
    office.join("nadia", "altair", "depositor")
    office.join("irene", "prefecture", "auditor")
    sitting = sitting_with(office, member)
    papers = office.folder / "papiers"
    papers.mkdir()
    (papers / "demande.txt").write_text("fiction", encoding="utf-8")
    deposit = ("deposit", "--sitting", sitting, "--kind", "engagement", str(papers), "--json")
    done = office.run("nadia", *deposit).data()
    more = office.run("nadia", *deposit, "--complement-of", done["dossier"]).data()
    gone = office.run("nadia", *deposit).data()
    assert more["dossier"] == done["dossier"] != gone["dossier"]
    assert more["pathway"] == done["pathway"]
    ended = office.run("nadia", "withdraw", gone["dossier"], "--json").data()
    assert ended["keys_destroyed"] == 1
    agenda = office.run("secretariat", "registrar", "agenda", sitting, "--json").data()
    assert agenda["items"] == [{"association": "altair", "dossier": done["dossier"]}]
    pack = office.folder / "seance.tar"
    early = office.run("claire", "pack", "get", sitting, "--out", str(pack))
    assert early.status == 1
    assert "dossier declare" in early.err
    declared = office.run("claire", "declare", sitting, "--yes", "--json").data()
    assert declared["declared"] == [done["dossier"]]
    refused = office.run("claire", "pack", "get", sitting, "--out", str(pack), "--json")
    assert refused.status == 1
    assert {each["reason"] for each in json.loads(refused.out)["refusals"]} == {"before-opening"}
    assert not pack.exists()
    office.server.world.advance(days=3, minutes=1)
    taken = office.run("claire", "pack", "get", sitting, "--out", str(pack), "--json").data()
    assert taken["dossiers"] == [done["dossier"]]
    assert taken["entries"] == [done["dossier"], f"{done['dossier']}-c1"]
    with tarfile.open(pack) as archive:
        names = set(archive.getnames())
    assert {"sitting.json", "agenda.json", f"01-altair/{done['dossier']}.tar.age"} <= names
    out = office.folder / "ouvert"
    opened = office.run("claire", "pack", "open", str(pack), "--out", str(out), "--json").data()
    assert len(opened["dossiers"]) == 2
    assert (out / "01-altair" / done["dossier"] / "demande.txt").read_text() == "fiction"
    shown = office.run("claire", "sittings", "--json").data()
    assert shown[0]["agenda"][0]["dossier"] == done["dossier"]
    closed = office.run("secretariat", "registrar", "close", sitting, "--yes", "--json").data()
    assert closed["keys_destroyed"] == 2
    late = office.run("claire", "pack", "get", sitting, "--out", str(office.folder / "x.tar"))
    assert late.status == 1
    bundle = office.folder / "bundle.tar"
    office.run("irene", "audit", "export", "--out", str(bundle), "--json").data()
    trust = str(office.folder / "trust.json")
    verdict = office.run(
        "irene", "audit", "verify", "--bundle", str(bundle), "--trust", trust, "--json"
    )
    assert json.loads(verdict.out)["counts"]["release.authorised"] == 2
    spoilt = office.folder / "spoilt.tar"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 3] ^= 1
    spoilt.write_bytes(bytes(data))
    broken = office.run("irene", "audit", "verify", "--bundle", str(spoilt), "--trust", trust)
    assert broken.status == 1


def test_grant_and_recusal(office: Office) -> None:
    """A new device is granted what was deposited before; a recusal ends every access."""
    member = office.join("claire", "cdom", "member")
    office.join("nadia", "altair", "depositor")
    sitting = sitting_with(office, member)
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    done = office.run(
        *("nadia", "deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
    ).data()
    assert office.run("nadia", "grant", "--all", "--json").data() == []
    file = office.folder / "second.json"
    office.run(
        *("secretariat", "registrar", "invite", "--name", "Claire", "--role", "member"),
        *("--organisation", "cdom", "--person", member, "--out", str(file)),
    )
    office.run("claire-2", "enrol", str(file), "--yes", "--work-factor", "10")
    office.run("secretariat", "registrar", "certify", "--yes", "--json").data()
    office.run("secretariat", "registrar", "sitting", "--sitting", sitting, "--refresh-seats")
    office.run("secretariat", "registrar", "agenda", sitting)
    granted = office.run("nadia", "grant", done["dossier"], "--json").data()
    assert granted[0]["names"] == ["Claire"]
    office.server.world.advance(days=3, minutes=1)
    office.run("claire-2", "declare", sitting, "--yes", "--json").data()
    pack = str(office.folder / "seance.tar")
    office.run("claire-2", "pack", "get", sitting, "--out", pack, "--json").data()
    office.run("claire-2", "recuse", done["dossier"], "--yes", "--json").data()
    again = str(office.folder / "again.tar")
    refused = office.run("claire-2", "pack", "get", sitting, "--out", again, "--ask-anyway")
    assert refused.status == 1
    assert not Path(again).exists()


def test_complaint(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dossier sealed wrongly is left out, complained of, sealed again by grant, and then opens."""
    member = office.join("claire", "cdom", "member")
    office.join("nadia", "altair", "depositor")
    sitting = sitting_with(office, member)
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    deposit = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
    good = office.run("nadia", *deposit).data()["dossier"]
    with monkeypatch.context() as wrong:
        wrong.setattr(recipients, "header_for", header_of_another_key)
        bad = office.run("nadia", *deposit).data()["dossier"]
    office.run("secretariat", "registrar", "agenda", sitting)
    office.server.world.advance(days=3, minutes=1)
    office.run("claire", "declare", sitting, "--yes", "--json").data()
    assert "aucun défaut" in office.run("claire", "complain", bad).err
    pack = str(office.folder / "seance.tar")
    taken = office.run("claire", "pack", "get", sitting, "--out", pack, "--json")
    assert taken.status == 1
    assert json.loads(taken.out)["dossiers"] == [good]
    assert [each["dossier"] for each in json.loads(taken.out)["faults"]] == [bad]
    assert f"dossier complain {bad}" in taken.err
    signed = office.run("claire", "complain", bad, "--json").data()
    assert len(signed["complaints"]) == 1
    assert office.run("claire", "complain", bad).status == 1
    shown = office.run("nadia", "sittings")
    assert f"signalement de Claire : le dossier {bad}" in shown.out
    assert "clé d'un autre contenu" in shown.out
    granted = office.run("nadia", "grant", bad, "--json").data()
    assert granted[0]["names"] == ["Claire"]
    again = office.run("claire", "pack", "get", sitting, "--out", f"{pack}.2", "--json").data()
    assert set(again["dossiers"]) == {good, bad}
    office.join("irene", "prefecture", "auditor")
    bundle, trust = str(office.folder / "bundle.tar"), str(office.folder / "trust.json")
    office.run("irene", "audit", "export", "--out", bundle, "--json").data()
    verify = ("audit", "verify", "--bundle", bundle, "--trust", trust, "--json")
    verdict = json.loads(office.run("irene", *verify).out)
    assert verdict["counts"]["release.authorised"] == 4
    assert signed["complaints"][0] not in json.dumps(verdict["findings"])


def test_conflict_card(office: Office) -> None:
    """A card is deposited beside its dossier, read before declaring, and is no part of the pack."""
    member = office.join("claire", "cdom", "member")
    office.join("nadia", "altair", "depositor")
    sitting = sitting_with(office, member)
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    deposit = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
    for wrong in ("M. D.", "M. D.,quand,Nanterre", "M. D.,1894,Nanterre", "M,1994,Nanterre,92"):
        assert office.run("nadia", *deposit, "--card", wrong).status == 2
    made = office.run("nadia", *deposit, "--card", "M. D., 1994, Nanterre").data()
    other = office.run("nadia", *deposit).data()
    later = ("deposit", "--sitting", sitting, "--complement-of", other["dossier"], "--json")
    assert office.run("nadia", *later, "--card", "Z. A.,1980,Clichy").data()["deposit"]
    assert office.run("nadia", *later, "--card", "Z. A.,1980,Clichy").status == 1
    office.run("secretariat", "registrar", "agenda", sitting, "--json").data()
    office.server.world.advance(days=3, minutes=1)

    unsigned = office.run("claire", "card", sitting)
    assert unsigned.status == 1
    assert "ENGAGEMENT" in unsigned.err
    read = office.run("claire", "card", sitting, "--accept-undertaking", "--json").data()
    assert sorted(each["initials"] for each in read["cards"]) == ["M. D.", "Z. A."]
    told = office.run("claire", "card", sitting, made["dossier"])
    assert f"Dossier {made['dossier']} : M. D., né(e) en 1994, Nanterre" in told.out
    declared = office.run("claire", "declare", sitting, made["dossier"], "--yes")
    assert f"dossier card {sitting}" in declared.err
    pack = office.folder / "seance.tar"
    office.run("claire", "pack", "get", sitting, "--out", str(pack), "--json").data()
    with tarfile.open(pack) as tar:
        held = [name for name in tar.getnames() if name.endswith(".tar.age")]
    assert held == [f"01-altair/{made['dossier']}.tar.age"]
    broken = office.folder / "claire" / "downloads" / sitting / "x.partial"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes(b"under way")
    recused = office.run("claire", "recuse", made["dossier"], "--yes")
    assert "reste sur ce poste" in recused.err
    assert not broken.exists()
    assert office.run("claire", "card", sitting, made["dossier"]).status == 1
    left = office.run("claire", "card", sitting, "--json").data()["cards"]
    assert [each["dossier"] for each in left] == [other["dossier"]]
    assert not any(b"Nanterre" in each.read_bytes() for each in _files(office.folder / "claire"))


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def header_of_another_key(file_key: FileKey, recipient: Recipient, entropy: Entropy) -> bytes:
    return header_for(FileKey.generate(entropy), recipient, entropy)
