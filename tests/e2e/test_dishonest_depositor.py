"""A depositor's client seals a dead header to one member alone, before a real service."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.edge.identity import Identity
from crypto.edge.seal import header_for
from crypto.keys import Entropy, FileKey, Recipient
from exchange.client import recipients
from exchange.client.keys import read_seed
from exchange.client.profile import Profile
from tests.support.small_commission import SmallCommission, small_commission

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]


@pytest.fixture
def commission(tmp_path: Path) -> Iterator[SmallCommission]:
    with small_commission(tmp_path / "commission") as made:
        yield made


def dossiers_in(pack: Path) -> set[str]:
    with tarfile.open(pack) as tar:
        names = [name for name in tar.getnames() if name.endswith(".tar.age")]
    return {Path(name).name.removesuffix(".tar.age") for name in names}


def test_a_member_shut_out_says_so_and_is_let_in(
    commission: SmallCommission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The victim gets all the other dossiers, complains, is granted a new envelope; the log verifies."""
    doctor, prefect, depositor, auditor = (
        commission.people[key] for key in ("medecin", "prefete", "referente", "verificatrice")
    )
    passphrase = doctor.passphrase_file.read_text(encoding="utf-8").strip()
    victim = Identity(read_seed(Profile(doctor.directory), lambda: passphrase)).recipient

    def dead_for_the_doctor(key: FileKey, recipient: Recipient, entropy: Entropy) -> bytes:
        chosen = FileKey.generate(entropy) if recipient == victim else key
        return header_for(chosen, recipient, entropy)

    sitting = commission.plan_sitting()
    deposit = ("deposit", "--sitting", sitting, "--kind", "engagement", "--json")
    folder = commission.folder("papiers")
    (folder / "demande.txt").write_text("fiction", encoding="utf-8")
    good = depositor.does(*deposit, str(folder)).data()["dossier"]
    with monkeypatch.context() as dishonest:
        dishonest.setattr(recipients, "header_for", dead_for_the_doctor)
        bad = depositor.does(*deposit, str(folder)).data()["dossier"]
    commission.open_now(sitting)
    packs = commission.directory / "packs"
    packs.mkdir()
    for member in (doctor, prefect):
        member.does("declare", sitting, "--yes")
    prefect.does("pack", "get", sitting, "--out", str(packs / "prefete.tar"))
    assert dossiers_in(packs / "prefete.tar") == {good, bad}
    taken = doctor.tries("pack", "get", sitting, "--out", str(packs / "medecin.tar"), "--json")
    assert taken.status == 1
    assert json.loads(taken.printed)["faults"][0]["fault"] == "other-file-key"
    assert dossiers_in(packs / "medecin.tar") == {good}
    doctor.does("complain", bad, "--yes")
    assert bad in depositor.does("sittings").printed.split("signalement", 1)[1]
    assert "signalement" not in prefect.does("sittings").printed
    assert depositor.does("grant", bad, "--json").data()[0]["dossier"] == bad
    doctor.does("pack", "get", sitting, "--out", str(packs / "encore.tar"))
    assert dossiers_in(packs / "encore.tar") == {good, bad}
    bundle, trust = packs / "registre.tar", commission.directory / "trust.json"
    auditor.does("audit", "export", "--out", str(bundle))
    verify = ("audit", "verify", "--bundle", str(bundle), "--trust", str(trust), "--json")
    said = [
        each for each in auditor.does(*verify).data()["findings"] if each["code"] == "complaint"
    ]
    assert [each["params"] for each in said] == [{"dossier": bad, "fault": "other-file-key"}]
