"""The broker's disk is lost between deposit and sitting: nothing is, that the associations kept."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.small_commission import SmallCommission, small_commission

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def commission(tmp_path: Path) -> Iterator[SmallCommission]:
    with small_commission(tmp_path / "commission") as made:
        yield made


def readiness(commission: SmallCommission) -> int:
    try:
        with urllib.request.urlopen(f"{commission.url}/readyz", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def replaced(commission: SmallCommission) -> None:
    """A new broker, restarted service, and the next trust policy, by the ordinary commands."""
    registrar, root = commission.people["secretariat"], commission.people["racine"]
    registrar.does("broker", "replace", "--settings", str(commission.settings_file))
    commission.restart()
    day = (commission.clock() + timedelta(days=300)).date().isoformat()
    registrar.does(
        *("registrar", "trust", "--trust", str(commission.directory / "trust.json")),
        *("--policy-draft", str(commission.server_directory / "policy-draft.json")),
        *("--registrar-key", str(next(registrar.directory.glob("*.pub")))),
        *("--registrar-not-after", day, "--root-key", str(root.directory / "racine.age")),
        *("--root-passphrase-file", str(root.passphrase_file), "--server", commission.url),
    )


def test_a_lost_broker_costs_a_grant_and_not_a_dossier(commission: SmallCommission) -> None:
    """After the broker's disk is gone: a new broker, one root act, ``grant --all``, and packs open."""
    doctor, depositor, auditor = (
        commission.people[key] for key in ("medecin", "referente", "verificatrice")
    )
    sitting = commission.plan_sitting()
    folder = commission.folder("papiers")
    (folder / "demande.txt").write_text("fiction", encoding="utf-8")
    deposit = ("deposit", "--sitting", sitting, "--kind", "engagement", "--json", str(folder))
    dossiers = {depositor.does(*deposit).data()["dossier"] for _ in range(2)}

    shutil.rmtree(commission.broker_directory)
    assert readiness(commission) == 503
    assert depositor.tries("grant", "--all").status != 0

    commission.kill()
    replaced(commission)
    assert readiness(commission) == 200
    granted = depositor.does("grant", "--all", "--json").data()
    assert {each["dossier"] for each in granted} == dossiers
    assert depositor.does("grant", "--all", "--json").data() == []

    commission.open_now(sitting)
    doctor.does("declare", sitting, "--yes")
    pack, opened = commission.directory / "seance.tar", commission.directory / "ouvert"
    doctor.does("pack", "get", sitting, "--out", str(pack))
    doctor.does("pack", "open", str(pack), "--out", str(opened))
    assert len(list(opened.rglob("demande.txt"))) == 2
    commission.registrar.does("registrar", "close", sitting)

    bundle, trust = commission.directory / "registre.tar", commission.directory / "trust.json"
    auditor.does("audit", "export", "--out", str(bundle))
    verify = ("audit", "verify", "--bundle", str(bundle), "--trust", str(trust), "--json")
    report = auditor.tries(*verify).data()
    assert report["custody"] == "in-process"
    codes = [each["code"] for each in report["findings"]]
    assert codes.count("deposit.rekeyed") == 2
    assert not {"keys.kept", "key.not-logged", "deposit.order"} & set(codes)
