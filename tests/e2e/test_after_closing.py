"""After closing, a thief with everything: nothing opens that was not released."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from crypto.age.decrypt import decrypt_with
from crypto.age.identities import recipient_of
from crypto.age.recipients import format_recipient
from crypto.edge.identity import Identity
from crypto.envelope import ENVELOPE_BYTES
from crypto.keys import HybridIdentity
from exchange.client.keys import read_seed
from exchange.client.profile import Profile
from exchange.demo.service_process import free_port, start
from exchange.demo.world import PASSPHRASE
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.small_commission import SmallCommission, small_commission
from tests.support.try_every_key import Haul, open_everything

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MEMBERS = ("medecin", "prefete")


@pytest.fixture
def commission(tmp_path: Path) -> Iterator[SmallCommission]:
    with small_commission(tmp_path / "commission", separate_broker=True) as made:
        yield made


@contextmanager
def overheard(commission: SmallCommission) -> Iterator[FaultProxy]:
    """The service behind a way on which the thief listens; its address stays the same."""
    host, port = "127.0.0.1", urlsplit(commission.url).port
    assert port is not None
    commission.kill()
    inner = free_port()
    text = commission.settings_file.read_text(encoding="utf-8")
    listening = f'listen = "{host}:{port}"'
    assert listening in text
    commission.settings_file.write_text(
        text.replace(listening, f'listen = "{host}:{inner}"'), encoding="utf-8"
    )
    log = commission.server_directory / "service.log"
    commission.service = start(commission.settings_file, f"http://{host}:{inner}", log)
    with fault_proxy(host, inner, at=port) as way:
        yield way


def identity_of(commission: SmallCommission, key: str) -> HybridIdentity:
    profile = Profile(commission.people[key].directory)
    return Identity(read_seed(profile, lambda: PASSPHRASE)).age_identity


def haul_of(commission: SmallCommission, way: FaultProxy, backup: bytes, broker: Path) -> Haul:
    """Database, objects, backup and its key, the broker's disk, what was overheard, members' keys."""
    haul = Haul()
    haul.scan_database(commission.server_directory / "database.sqlite")
    haul.scan_directory(commission.server_directory)
    haul.scan(backup)
    haul.scan_directory(broker)
    haul.take_directory(broker, PASSPHRASE)
    for heard in way.heard:
        haul.scan(bytes(heard))
    haul.identities.extend(identity_of(commission, key) for key in MEMBERS)
    return haul


def copied(commission: SmallCommission, name: str) -> Path:
    return Path(shutil.copytree(commission.broker_directory, commission.directory / name,
                                ignore=shutil.ignore_patterns("*.sock", "counter*")))  # fmt: skip


def test_a_thief_of_everything_opens_nothing(commission: SmallCommission) -> None:
    """Database, objects, backup, traffic, the broker's disk with its passphrase, every member's key:
    before closing they open every header; after it, none, not even of what had been released.
    """
    doctor, depositor = commission.people["medecin"], commission.people["referente"]
    backup_key = HybridIdentity.generate(os.urandom)
    with overheard(commission) as way:
        sitting = commission.plan_sitting()
        folder = commission.folder("papiers")
        (folder / "demande.txt").write_text("fiction", encoding="utf-8")
        for _ in range(2):
            depositor.does("deposit", "--sitting", sitting, "--kind", "engagement", str(folder))
        commission.open_now(sitting)
        doctor.does("declare", sitting, "--yes")
        doctor.does("pack", "get", sitting, "--out", str(commission.directory / "seance.tar"))
        saved = commission.directory / "sauvegarde.age"
        recipient = format_recipient(recipient_of(backup_key))
        words = ("backup", "--settings", str(commission.settings_file), "--recipient", recipient)
        command = (sys.executable, "-m", "exchange.cli", *words, "--out", str(saved))
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        backup = decrypt_with(saved.read_bytes(), backup_key)
        open_disk = copied(commission, "disk-before")
        before = open_everything(haul_of(commission, way, backup, open_disk))
        commission.registrar.does("registrar", "close", sitting)
        closed_disk = copied(commission, "disk-after")
        haul = haul_of(commission, way, backup, closed_disk)
        said = json.loads(urlopen(f"{commission.url}/readyz", timeout=10).read())
        bundle = commission.directory / "registre.tar"
        auditor = commission.people["verificatrice"]
        auditor.does("audit", "export", "--out", str(bundle))
        trust = str(commission.directory / "trust.json")
        report = auditor.does(
            "audit", "verify", "--bundle", str(bundle), "--trust", trust, "--json"
        ).data()
    # Which kind of broker runs is said to whoever asks, and by its own record to the auditor.
    assert (said["broker"], report["custody"]) == ("separate", "separate")
    members_headers = 2 * len(MEMBERS)
    # The same program, the same haul but for the broker's disk: it does look.
    assert len(before) >= members_headers
    envelopes = {each for each in haul.envelopes if len(each) == ENVELOPE_BYTES}
    assert len(envelopes) > members_headers
    assert open_everything(haul) == []
