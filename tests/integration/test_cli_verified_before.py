"""What an auditor verified is remembered: a service set back whole, broker and mark included, is seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.engines import put_back, set_aside
from tests.support.office import LiveOffice, Outcome


@pytest.fixture
def office(tmp_path: Path) -> Iterator[LiveOffice]:
    made = LiveOffice(tmp_path)
    for who in ("irene", "victor"):
        made.join(who, "prefecture", "auditor")
    yield made
    made.live.shut()


def export(office: LiveOffice, who: str, name: str) -> str:
    out = str(office.folder / name)
    office.run(who, "audit", "export", "--out", out, "--json").data()
    return out


def verify(office: LiveOffice, bundle: str) -> Outcome:
    trust = str(office.folder / "trust.json")
    return office.run("irene", "audit", "verify", "--bundle", bundle, "--trust", trust)


def test_a_service_set_back_is_seen_off_line(office: LiveOffice, tmp_path: Path) -> None:
    """Another auditor, who had seen nothing, exports the old history; this one refuses it and keeps both
    checkpoints; older and newer exports of the true log are accepted.
    """
    live = office.live
    first = export(office, "victor", "1.tar")
    live.wired.close()
    shutil.copytree(live.directory, tmp_path / "copie")
    set_aside(live.settings.database_url)
    live.wired = live.wire()
    live.app = live.new_app()
    office.join("nadia", "altair", "depositor")
    second = export(office, "victor", "2.tar")
    for bundle in (second, first, second):
        told = verify(office, bundle)
        assert told.status == 0, told.out
    assert "déjà vérifié" in verify(office, second).out

    live.wired.close()
    shutil.rmtree(live.directory)
    shutil.move(tmp_path / "copie", live.directory)
    put_back(live.settings.database_url)
    shutil.rmtree(office.folder / "victor" / "evidence", ignore_errors=True)
    (office.folder / "victor" / "checkpoint").unlink()  # this auditor remembers nothing
    live.now += timedelta(days=1)
    live.wired = live.wire()
    live.app = live.new_app()
    third = export(office, "victor", "3.tar")
    told = verify(office, third)
    assert told.status == 1
    assert "ramené en arrière" in told.out
    assert "contradictoires gardés" in told.err
    (folder,) = (office.folder / "irene" / "evidence").iterdir()
    assert len(list(folder.iterdir())) == 2
    assert verify(office, third).status == 1  # and it is not remembered as verified


def test_two_commissions_may_name_their_logs_alike(office: LiveOffice, tmp_path: Path) -> None:
    """What was verified under one trust.json says nothing of a log under another."""
    (tmp_path / "autre").mkdir()
    other = LiveOffice(tmp_path / "autre")
    other.join("victor", "prefecture", "auditor")
    trusts = [("--trust", str(each.folder / "trust.json")) for each in (office, other)]
    bundles = [export(each, "victor", "1.tar") for each in (office, other)]
    for bundle, trust in zip(bundles, trusts, strict=True):
        told = office.run("irene", "audit", "verify", "--bundle", bundle, *trust)
        assert told.status == 0, told.out
    other.live.shut()


def test_what_cannot_be_remembered_is_said(office: LiveOffice) -> None:
    """Where the profile cannot be written the verdict is given all the same, with a warning."""
    bundle = export(office, "victor", "1.tar")
    trust = ("--trust", str(office.folder / "trust.json"))
    told = office.run("/proc/nobody", "audit", "verify", "--bundle", bundle, *trust)
    assert told.status == 0, told.err
    assert "n'a pas pu être retenu" in told.err


def test_a_damaged_memory_is_said(office: LiveOffice) -> None:
    """A file that cannot be read any more is no empty memory."""
    bundle = export(office, "victor", "1.tar")
    assert verify(office, bundle).status == 0
    (kept,) = (office.folder / "irene" / "verified").iterdir()
    kept.write_text("{}\n")
    told = verify(office, bundle)
    assert told.status == 1
    assert "abîmé" in told.err
