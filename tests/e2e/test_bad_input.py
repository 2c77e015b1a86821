"""Bad input as people meet it: ordinary commands against a running service, and what they leave."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from crypto.encoding import new_opaque_id
from crypto.keys import PartySigningSeed
from crypto.trust import Trust
from exchange.demo.opening import enrol, invite
from exchange.demo.world import WORK_FACTOR
from tests.support.secret_spellings import secrets_of, spellings
from tests.support.small_commission import (
    DEPOSITOR,
    DOCTOR,
    PREFECT,
    Player,
    SmallCommission,
    moment,
    small_commission,
    wait_until,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BIG = 39 * 1024 * 1024
"""Five parts: enough to kill the server between two of them."""

PART = 8 * 1024 * 1024

LATER = "+400d"
"""Past the end of every certificate of the commission (365 days)."""


@pytest.fixture(scope="module")
def commission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    with small_commission(tmp_path_factory.mktemp("bad") / "commission") as made:
        yield made


@pytest.fixture(scope="module")
def sitting(commission: SmallCommission) -> str:
    return commission.plan_sitting()


def entries(commission: SmallCommission) -> int:
    """How many events the log holds."""
    path = commission.server_directory / "database.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return int(connection.execute("select count(*) from log_entries").fetchone()[0])


def objects(commission: SmallCommission) -> int:
    """How many files of ciphertext the server keeps, finished or not."""
    return sum(1 for each in (commission.server_directory / "objects").rglob("*") if each.is_file())


def in_a_process(
    profile: Path, *words: str, prefix: tuple[str, ...] = (), lang: str = "fr_FR.UTF-8"
) -> subprocess.CompletedProcess[str]:
    """A command of the profile's owner, as their own shell would run it."""
    return subprocess.run(
        [
            *(*prefix, sys.executable, "-m", "exchange.cli", "--profile", str(profile)),
            *("--passphrase-file", str(profile / "passphrase.txt"), *words),
        ],
        env={**os.environ, "LANG": lang, "LC_ALL": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wrong_trust_anchor(commission: SmallCommission) -> None:
    """A fingerprint that is not the one read out pins nothing and presents nothing."""
    invited = invite(commission, Player("trompee", "Yvette Leurre", "cdom92", ("member",)))
    spoken = invited["trust_fingerprint"]
    other = spoken[:-1] + ("2" if spoken[-1] != "2" else "3")
    person = commission.arrives("trompee")
    before = entries(commission)
    tried = person.tries("enrol", invited["file"], "--fingerprint", other)
    assert tried.status == 1
    assert "empreinte" in tried.complained
    assert not (person.directory / "trust.json").exists()
    assert entries(commission) == before


def test_invitation_of_another_commission(commission: SmallCommission, tmp_path: Path) -> None:
    """An invitation whose trust anchor was exchanged for another commission's is not accepted."""
    invited = invite(commission, Player("detournee", "Zoé Détour", "cdom92", ("member",)))
    root = PartySigningSeed.generate(os.urandom).verify_key()
    other = Trust(commission=new_opaque_id(os.urandom), root_keys=(root,), threshold=1)
    document = json.loads(Path(invited["file"]).read_text())
    document["trust"] = json.loads(other.to_json())
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(document))
    person = commission.arrives("detournee")
    tried = person.tries("enrol", str(forged), "--fingerprint", invited["trust_fingerprint"])
    assert tried.status == 1
    assert "empreinte" in tried.complained
    assert not (person.directory / "trust.json").exists()


def test_not_certified_yet(commission: SmallCommission) -> None:
    """Who enrolled and was not certified yet is told so and gets nothing."""
    invited = invite(commission, Player("presse", "Xavier Hâte", "cdom92", ("member",)))
    person = commission.arrives("presse")
    person.does(
        *("enrol", invited["file"], "--fingerprint", invited["trust_fingerprint"]),
        *("--work-factor", WORK_FACTOR),
    )
    tried = person.tries("sittings")
    assert tried.status == 1
    assert "certifi" in tried.complained


def test_revoked_certificate(commission: SmallCommission, sitting: str) -> None:
    """A revoked device is refused at its next command, and told whom to turn to."""
    gone = Player("partie", "Wilfried Départ", "altair", ("depositor",))
    enrol(commission, gone)
    person = commission.people[gone.key]
    assert person.tries("sittings").status == 0
    commission.registrar.does(
        "registrar", "revoke", commission.ids[gone.key], "--reason", "appareil perdu (fiction)"
    )
    folder = commission.folder("revoked", piece=b"%PDF-1.4 fiction")
    for words in (
        ("sittings",),
        ("deposit", "--sitting", sitting, "--kind", "engagement", str(folder)),
    ):
        tried = person.tries(*words)
        assert tried.status == 1
        assert "révoqué" in tried.complained


@pytest.mark.parametrize("name", ["a" * 26, "pas-une-seance"])
def test_unknown_sitting(commission: SmallCommission, name: str) -> None:
    """A sitting that does not exist is refused before anything is sealed or sent."""
    folder = commission.folder(f"unknown-{name[:3]}", piece=b"%PDF-1.4 fiction")
    before = objects(commission)
    tried = commission.people[DEPOSITOR.key].tries(
        "deposit", "--sitting", name, "--kind", "engagement", str(folder)
    )
    assert tried.status in {1, 2}
    assert tried.complained.startswith("Erreur")
    assert objects(commission) == before
    assert not list((commission.home(DEPOSITOR) / "deposits").glob("*"))


def test_nobody_answers(commission: SmallCommission) -> None:
    """An address where nobody listens is exit status 3, with the next step."""
    tried = commission.people[DOCTOR.key].tries("--server", "http://127.0.0.1:9", "sittings")
    assert tried.status == 3
    assert "http://127.0.0.1:9" in tried.complained


def test_messages_follow_the_language(commission: SmallCommission) -> None:
    """With LANG=en the same refusal is in English; no traceback in either language."""
    profile = commission.home(DOCTOR)
    told = {}
    for lang in ("fr_FR.UTF-8", "en_GB.UTF-8"):
        words = ("pack", "get", "a" * 26, "--out", str(profile / "never.tar"))
        done = in_a_process(profile, *words, lang=lang)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        told[lang] = done.stderr
    assert told["fr_FR.UTF-8"].startswith("Erreur")
    assert told["en_GB.UTF-8"].startswith("Error")


def test_server_killed_in_mid_deposit(commission: SmallCommission) -> None:
    """A deposit cut by the server's death is taken up again, and is what the member then opens."""
    mine = commission.plan_sitting()
    content = os.urandom(BIG)
    folder = commission.folder("killed", piece=content)
    person = commission.people[DEPOSITOR.key]
    uploads = commission.server_directory / "objects" / "uploads"
    outcome = []

    def deposit() -> None:
        words = ("deposit", "--sitting", mine, "--kind", "engagement", str(folder))
        outcome.append(in_a_process(person.directory, *words, "--json", "--any-type"))

    thread = threading.Thread(target=deposit)
    thread.start()
    wait_until(lambda: any(each.stat().st_size >= PART for each in uploads.rglob("*")))
    commission.kill()
    thread.join()
    assert outcome[0].returncode == 3, outcome[0].stderr
    assert "--resume" in outcome[0].stderr
    assert "Traceback" not in outcome[0].stderr
    commission.restart()
    done = person.does("deposit", "--resume", "--json").data()
    assert person.does("deposit", "--resume", "--json").data() == []
    assert not any(each.is_file() for each in uploads.rglob("*"))
    commission.open_now(mine)
    doctor = commission.people[DOCTOR.key]
    doctor.does("declare", mine, "--yes")
    pack, opened = doctor.directory / "killed.tar", doctor.directory / "killed"
    taken = doctor.does("pack", "get", mine, "--out", str(pack), "--json").data()
    assert taken["dossiers"] == [done["dossier"]]
    doctor.does("pack", "open", str(pack), "--out", str(opened))
    [read] = opened.rglob("piece.pdf")
    assert read.read_bytes() == content


def test_metadata_do_not_travel(commission: SmallCommission) -> None:
    """A photograph's place and a program among the papers: told, taken out, refused."""
    mine = commission.plan_sitting()
    folder = commission.folder("photographed", note=b"%PDF-1.4")
    (folder / "note.pdf").unlink()
    secret = "12 rue Inventée".encode()
    photo = folder / "preuve.jpg"
    exif = Image.Exif()
    exif[0x013B] = secret
    Image.new("RGB", (40, 30), "white").save(photo, exif=exif, comment=secret)
    person = commission.people[DEPOSITOR.key]
    (folder / "outil.exe").write_bytes(b"MZ")
    words = ("deposit", "--sitting", mine, "--kind", "engagement", str(folder))
    refused = person.tries(*words)
    assert refused.status == 1
    assert "outil.exe" in refused.complained
    (folder / "outil.exe").unlink()
    done = person.does(*words, "--json")
    assert done.data()["metadata"][0]["stripped"] is True
    assert "preuve.jpg : retiré de la copie à envoyer" in done.complained
    commission.open_now(mine)
    doctor = commission.people[DOCTOR.key]
    doctor.does("declare", mine, "--yes")
    pack, opened = doctor.directory / "photo.tar", doctor.directory / "photo"
    doctor.does("pack", "get", mine, "--out", str(pack))
    doctor.does("pack", "open", str(pack), "--out", str(opened))
    [read] = opened.rglob("preuve.jpg")
    assert secret in photo.read_bytes()
    assert secret not in read.read_bytes()
    with Image.open(read) as picture:
        assert picture.size == (40, 30)


def test_closed_sitting(commission: SmallCommission) -> None:
    """After the closing neither a deposit nor a reading succeeds, and nothing half done is left."""
    mine = commission.plan_sitting()
    folder = commission.folder("closed", piece=b"%PDF-1.4 fiction")
    person, prefect = commission.people[DEPOSITOR.key], commission.people[PREFECT.key]
    person.does("deposit", "--sitting", mine, "--kind", "engagement", str(folder), "--any-type")
    commission.open_now(mine)
    prefect.does("declare", mine, "--yes")
    commission.registrar.does("registrar", "close", mine, "--yes")
    before = objects(commission)
    late = person.tries(
        "deposit", "--sitting", mine, "--kind", "engagement", str(folder), "--any-type"
    )
    assert late.status == 1
    assert "close" in late.complained
    pack = prefect.directory / "closed.tar"
    assert prefect.tries("pack", "get", mine, "--out", str(pack)).status == 1
    assert not pack.exists()
    assert not list(prefect.directory.glob(".closed*"))
    assert objects(commission) == before
    again = commission.registrar.tries("registrar", "close", mine, "--yes")
    assert again.status == 1


def test_an_envelope_changed_on_the_server(commission: SmallCommission) -> None:
    """An envelope or payload changed in the server's store opens nothing and says why."""
    mine = commission.plan_sitting()
    folder = commission.folder("changed", piece=os.urandom(3_000))
    commission.people[DEPOSITOR.key].does(
        "deposit", "--sitting", mine, "--kind", "engagement", str(folder), "--any-type"
    )
    commission.open_now(mine)
    prefect = commission.people[PREFECT.key]
    prefect.does("declare", mine, "--yes")
    stored = max(
        (commission.server_directory / "objects" / "objects").rglob("*"),
        key=lambda each: each.stat().st_mtime if each.is_file() else 0,
    )
    data = bytearray(stored.read_bytes())
    data[len(data) // 2] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(bytes(data))
    pack = prefect.directory / "changed.tar"
    tried = prefect.tries("pack", "get", mine, "--out", str(pack))
    assert tried.status == 1
    assert "Traceback" not in tried.complained
    assert not pack.exists()


def test_sittings_out_of_order(commission: SmallCommission) -> None:
    """Dates out of order, a person without a mandate, an unknown seat: refused, nothing is logged."""
    now = commission.clock()
    good = {
        "--deposit-by": moment(now + timedelta(days=2)),
        "--opens": moment(now + timedelta(days=9)),
        "--closes": moment(now + timedelta(days=10)),
    }
    before = None
    for changes in (
        {"--closes": moment(now + timedelta(days=8))},
        {"--opens": "hier"},
        {"--seat": f"cdom92={commission.ids[PREFECT.key]}"},
        {"--seat": f"inconnu={commission.ids[PREFECT.key]}"},
        {"--zone": "Europe/Atlantide"},
    ):
        words = [word for pair in {**good, **changes}.items() for word in pair]
        tried = commission.registrar.tries("registrar", "sitting", *words)
        assert tried.status in {1, 2}, changes
        assert tried.complained.startswith("Erreur"), tried.complained
        assert "défaut du programme" not in tried.complained
        accepted = commission.registrar.does("sittings", "--json").data()
        assert before in {None, len(accepted)}
        before = len(accepted)


def test_the_roster_goes_through_a_spreadsheet(commission: SmallCommission) -> None:
    """Exported as CSV and published again, the mandates keep their ids; a slip publishes nothing."""
    table, whole = commission.directory / "mandats.csv", commission.directory / "roster.toml"
    commission.registrar.does("registrar", "roster", "--out", str(table))
    commission.registrar.does("registrar", "roster", "--out", str(whole))
    before = commission.registrar.does("registrar", "seat", "--roster", str(whole), "--json").data()
    after = commission.registrar.does(
        "registrar", "seat", "--mandates-csv", str(table), "--json"
    ).data()
    assert after["mandates"] == before["mandates"]
    assert after["version"] == before["version"] + 1
    table.write_text(table.read_text(encoding="utf-8-sig").replace("titulaire", "présidente"))
    slipped = commission.registrar.tries("registrar", "seat", "--mandates-csv", str(table))
    assert slipped.status == 1
    assert "ligne 2" in slipped.complained


def test_no_secret_is_printed_or_logged(commission: SmallCommission) -> None:
    """Neither outputs, tracebacks nor the service's journal show a key in any usual spelling."""
    doctor = commission.people[DOCTOR.key]
    wrong = commission.directory / "wrong.txt"
    wrong.write_text("une autre phrase\n", encoding="utf-8")
    for words in (
        ("--debug", "--passphrase-file", str(wrong), "key", "show"),
        ("--debug", "pack", "get", "a" * 26, "--out", str(doctor.directory / "no.tar")),
        ("--debug", "key", "recover", "--seed-file", str(doctor.directory / "identity.age")),
        ("--debug", "open", str(doctor.directory / "identity.age"), "--out", str(wrong) + ".d"),
    ):
        assert doctor.tries(*words).status != 0
    assert "Traceback" in commission.printed()
    texts = commission.printed().encode()
    texts += (commission.server_directory / "service.log").read_bytes()
    secrets = list(secrets_of(commission))
    assert len(secrets) > 3 * len(commission.people) / 2
    for secret in secrets:
        for spelling in spellings(secret):
            assert spelling not in texts


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")
def test_expired_certificate(commission: SmallCommission, sitting: str) -> None:
    """When a certificate's year is over, by the service's and the device's clock, it opens nothing.

    The last test of this file: it ends the commission's present.
    """
    assert commission.service is not None
    commission.service.stop()
    clock = (shutil.which("faketime") or "", "-f", LATER)
    commission.restart(prefix=clock)
    profile = commission.home(DOCTOR)
    try:
        tried = in_a_process(profile, "sittings", prefix=clock)
    finally:
        commission.kill()  # faketime stands between: its end would not be the service's
    assert tried.returncode == 1, tried.stdout + tried.stderr
    assert "expir" in tried.stderr
    assert "Traceback" not in tried.stderr
