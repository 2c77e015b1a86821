"""Witnesses as processes: ours and a foreign one, alone by the specification and together by policy."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3

from audit.checkpoint import Checkpoint
from audit.merkle import consistency_proof, leaf_hash, root_of
from audit.note import KeyType, Note, NoteSigner, NoteVerifier, parse_signatures
from audit.witness import AddCheckpoint
from crypto.digests import sha256
from crypto.keys import ServiceSigningSeed
from exchange.demo.service_process import free_port
from tests.support.small_commission import (
    DEPOSITOR,
    DOCTOR,
    SmallCommission,
    small_commission,
    wait_until,
)
from tests.support.witness_process import DOSSIER, WitnessProcess, make_witness

ROOT = Path(__file__).parents[2]
AICS = ROOT / ".run" / "foreign" / "aics" / "bin" / "aics-witness"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]


def foreign_witness(folder: Path, origin: str, log_vkey: str) -> WitnessProcess:
    if not AICS.exists():
        pytest.skip("aics-witness is not installed")
    folder.mkdir()
    config = folder / "witness.json"
    port = free_port()
    made = subprocess.run(
        [AICS, "init", "-c", config, "--name", "temoin.example/autre",
         "--listen", f"127.0.0.1:{port}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    subprocess.run(
        [AICS, "add-log", "-c", config, "--origin", origin, "--vkey", log_vkey], check=True
    )
    vkey = re.search(r"temoin\.example/autre\+[0-9a-f]{8}\+\S+", made.stdout)
    assert vkey, made.stdout
    return WitnessProcess(
        [str(AICS), "serve", "-c", str(config)], f"http://127.0.0.1:{port}", vkey[0]
    )


# --- alone, by the specification ------------------------------------------------------------------


LOG = NoteSigner("log.example/essai", ServiceSigningSeed(b"\1" * 32))
STRANGER = NoteSigner("log.example/essai", ServiceSigningSeed(b"\2" * 32))


def head(size: int, key: NoteSigner = LOG, root: bytes | None = None) -> bytes:
    text = Checkpoint(LOG.name, size, root or root_of(LEAVES[:size])).to_text()
    return Note(text, key.sign(text)).to_bytes()


def proof(old: int, new: int) -> tuple[bytes, ...]:
    return consistency_proof(
        old, new, lambda level, index: root_of(LEAVES[index << level : (index + 1) << level])
    )


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessProcess]:
    log_vkey = tmp_path / "log.vkey"
    log_vkey.write_text(f"{LOG.verifier}\n")
    made = make_witness(tmp_path / "witness", log_vkey)
    made.start()
    yield made
    made.kill()


def ask(witness: WitnessProcess, old: int, path: tuple[bytes, ...], note: bytes) -> tuple[int, str]:
    body = AddCheckpoint(old, path, note).to_bytes()
    answer = urllib3.request("POST", f"{witness.url}/add-checkpoint", body=body, timeout=10)
    return answer.status, answer.data.decode()


def test_the_specifications_answers(witness: WitnessProcess, tmp_path: Path) -> None:
    """Each status of the specification's table, with the body that it asks for."""
    status, line = ask(witness, 0, (), head(7))
    assert status == 200
    cosigned = Note.parse(head(7)).with_signatures(parse_signatures(line.encode()))
    verifier = NoteVerifier.parse(witness.vkey)
    assert verifier.type is KeyType.COSIGNATURE_V1
    assert set(cosigned.verify([verifier])) == {verifier}
    assert ask(witness, 0, (), head(9)) == (409, "7\n")
    assert ask(witness, 7, proof(7, 9), head(9))[0] == 200
    assert ask(witness, 9, (), head(9))[0] == 200
    assert ask(witness, 9, (b"\0" * 32,), head(12))[0] == 422
    assert ask(witness, 9, (), head(9, root=b"\7" * 32))[0] == 422
    assert ask(witness, 9, proof(9, 12), head(12, STRANGER))[0] == 403
    assert ask(witness, 20, (), head(12))[0] == 400
    unknown = Checkpoint("log.example/inconnu", 1, LEAVES[0]).to_text()
    stranger = NoteSigner("log.example/inconnu", ServiceSigningSeed(b"\3" * 32))
    assert ask(witness, 0, (), Note(unknown, stranger.sign(unknown)).to_bytes())[0] == 404
    answer = urllib3.request("POST", f"{witness.url}/add-checkpoint", body=b"garbage", timeout=5)
    assert answer.status == 400
    evidence = list((tmp_path / "witness" / "evidence").iterdir())
    assert len(evidence) == 2
    hashed = sha256(LOG.name.encode())
    last = urllib3.request("GET", f"{witness.url}/{hashed}/checkpoint", timeout=5)
    assert Checkpoint.of_note(last.data).size == 9
    assert urllib3.request("GET", f"{witness.url}/{'0' * 64}/checkpoint", timeout=5).status == 404


def test_it_remembers_through_a_kill(witness: WitnessProcess) -> None:
    """What was cosigned before a SIGKILL is never contradicted after it."""
    for size in range(1, 20):
        assert ask(witness, size - 1, proof(size - 1, size), head(size))[0] == 200
        if size % 6 == 0:
            witness.kill()
            witness.start()
            assert ask(witness, 0, (), head(size)) == (409, f"{size}\n")


def test_two_requests_at_once_advance_it_once(witness: WitnessProcess) -> None:
    """Of many requests from the same size for different sizes, one wins; the others are told so."""
    answers: list[tuple[int, int]] = []

    def run(size: int) -> None:
        answers.append((ask(witness, 0, (), head(size))[0], size))

    threads = [threading.Thread(target=run, args=(size,)) for size in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [size for status, size in answers if status == 200]
    assert len(winners) == 1
    assert {status for status, _size in answers} == {200, 409}
    assert ask(witness, 0, (), head(20)) == (409, f"{winners[0]}\n")


def test_a_witness_is_made_once(tmp_path: Path) -> None:
    """A second ``init`` over a witness, a bad name or no log key: refused, nothing replaced."""
    log_vkey = tmp_path / "log.vkey"
    log_vkey.write_text(f"{LOG.verifier}\n")
    make_witness(tmp_path / "w", log_vkey)
    key = (tmp_path / "w" / "witness.key").read_bytes()
    for words in (
        ("--directory", tmp_path / "w", "--name", "autre.example/x", "--log-vkey", log_vkey),
        ("--directory", tmp_path / "v", "--name", "avec espace", "--log-vkey", log_vkey),
        ("--directory", tmp_path / "u", "--name", "x.example/x", "--log-vkey", tmp_path / "w/logs"),
    ):
        done = subprocess.run(
            [DOSSIER, "witness", "init", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 1}
        assert "Traceback" not in done.stderr
    assert (tmp_path / "w" / "witness.key").read_bytes() == key
    assert not (tmp_path / "v" / "witness.key").exists()


# --- together, by the trust policy ----------------------------------------------------------------


@dataclass
class Witnessed:
    commission: SmallCommission
    ours: WitnessProcess
    theirs: WitnessProcess


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    """A commission whose second trust policy demands the broker, our witness and a foreign one."""
    folder = tmp_path_factory.mktemp("witnessed")
    with small_commission(folder / "commission") as commission:
        log_vkey = commission.server_directory / "log.vkey"
        vkey = log_vkey.read_text().strip()
        ours = make_witness(folder / "ours", log_vkey)
        theirs = foreign_witness(folder / "theirs", vkey.split("+")[0], vkey)
        made = Witnessed(commission, ours, theirs)
        try:
            ours.start()
            theirs.start()
            publish_policy(made)
            yield made
        finally:
            for witness in (ours, theirs):
                if witness.process is not None and witness.process.poll() is None:
                    witness.kill()


def publish_policy(made: Witnessed) -> None:
    commission = made.commission
    draft = json.loads((commission.server_directory / "policy-draft.json").read_text())
    broker = draft["witness_policy"].splitlines()[0]
    draft["witness_policy"] = "\n".join(
        [
            broker,
            f"witness nous {made.ours.vkey} {made.ours.url}",
            f"witness autre {made.theirs.vkey} {made.theirs.url}",
            "group temoins all nous autre",
            "quorum temoins\n",
        ]
    )
    path = commission.directory / "second-draft.json"
    path.write_text(json.dumps(draft))
    root = commission.people["racine"]
    registrar = commission.registrar
    day = (commission.clock() + timedelta(days=300)).date().isoformat()
    registrar.does(
        *("registrar", "trust", "--trust", str(commission.directory / "trust.json")),
        *("--policy-draft", str(path), "--registrar-not-after", day),
        *("--registrar-key", str(registrar.directory / "identity.pub")),
        *("--root-key", str(root.directory / "racine.age")),
        *("--root-passphrase-file", str(root.passphrase_file), "--server", commission.url),
    )


def published(made: Witnessed) -> Note:
    answer = urllib3.request("GET", f"{made.commission.url}/log/checkpoint", timeout=10)
    return Note.parse(answer.data)


def ready(made: Witnessed) -> dict[str, str]:
    answer = urllib3.request("GET", f"{made.commission.url}/readyz", timeout=20)
    checks = json.loads(answer.data)["checks"]
    assert (answer.status == 200) == all(state == "ok" for state in checks.values())
    return dict(checks)


@pytest.mark.foreign
class TestQuorum:
    """Two independent witnesses, both required."""

    def test_every_head_carries_both(self, witnessed: Witnessed) -> None:
        """The published checkpoint verifies under our key and under the foreign witness's."""
        note = published(witnessed)
        keys = [NoteVerifier.parse(each.vkey) for each in (witnessed.ours, witnessed.theirs)]
        assert set(note.verify(keys)) == set(keys)
        assert ready(witnessed)["witnesses"] == "ok"
        witnessed.commission.people[DOCTOR.key].does("sittings")

    def test_without_quorum_nothing_is_revealed_and_nothing_lost(
        self, witnessed: Witnessed
    ) -> None:
        """With a witness down: said in /readyz, no reveal, and the deposit is there afterwards."""
        commission = witnessed.commission
        sitting = commission.plan_sitting()
        folder = commission.folder("witnessed", piece=b"fiction")
        depositor = commission.people[DEPOSITOR.key]
        words = ("deposit", "--sitting", sitting, "--kind", "engagement", str(folder))
        first = depositor.does(*words, "--any-type", "--json").data()
        commission.open_now(sitting)
        doctor = commission.people[DOCTOR.key]
        doctor.does("declare", sitting, "--yes")
        witnessed.theirs.kill()
        wait_until(lambda: ready(witnessed)["witnesses"] == "unavailable")
        before = published(witnessed).text
        pack = doctor.directory / "witnessed.tar"
        tried = doctor.tries("pack", "get", sitting, "--out", str(pack))
        assert tried.status in {1, 3}
        assert not pack.exists()
        assert published(witnessed).text == before
        witnessed.theirs.start()
        wait_until(lambda: ready(witnessed)["witnesses"] == "ok")
        doctor.does("pack", "get", sitting, "--out", str(pack))
        opened = doctor.does("pack", "open", str(pack), "--out", f"{pack}.d", "--json").data()
        assert [each["dossier"] for each in opened["dossiers"]] == [first["dossier"]]
        after = published(witnessed)
        assert Checkpoint.parse(after.text).size > Checkpoint.parse(before).size
        auditor = commission.people["verificatrice"]
        bundle = auditor.directory / "bundle.tar"
        auditor.does("audit", "export", "--out", str(bundle))
        trust = str(commission.directory / "trust.json")
        verdict = auditor.does("audit", "verify", "--bundle", str(bundle), "--trust", trust)
        assert "CONFORME" in verdict.printed
