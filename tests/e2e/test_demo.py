"""The whole story as a newcomer runs it, and what it leaves behind, looked at by strangers."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.client.profile import Profile
from tests.support.canary import find_leaks
from tests.support.engines import addresses, engine_data
from tests.support.pages_browser import can_run, running_chromium

ROOT = Path(__file__).parents[2]
DOSSIER = Path(sys.executable).parent / "dossier"
AGE_JS = ROOT / "tests" / "integration" / "age_js"
FOREIGN = ROOT / ".run" / "foreign"
LAST_WORDS = "audit export --out"
"""Of what « --serve » says once the service waits for people."""

MAX_DISK = 500_000_000
TIME_LIMIT = 400
"""Seconds, on a machine that runs other tests at the same time; alone it takes about a minute."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(TIME_LIMIT)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demonstration's directory, after a run in a process of its own, which then goes on serving."""
    directory = tmp_path_factory.mktemp("demo") / "story"
    complained = directory.parent / "complained.txt"
    with complained.open("w") as errors, pytest.MonkeyPatch.context() as patch:
        # What a command remembers of this commission's log stays with this story.
        patch.setenv("HOME", str(directory.parent))
        patch.delenv("XDG_DATA_HOME", raising=False)
        process = subprocess.Popen(
            [DOSSIER, "demo", "--directory", directory, "--serve", *_on_engines(directory)],
            env={
                **os.environ,
                "LANG": "fr_FR.UTF-8",
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if LAST_WORDS in line:
                break
        try:
            assert process.poll() is None, "".join(told)[-3000:] + complained.read_text()[-3000:]
            (directory.parent / "told.txt").write_text("".join(told), encoding="utf-8")
            yield directory
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    shutil.rmtree(directory, ignore_errors=True)


def _on_engines(directory: Path) -> list[str]:
    if not engine_data():
        return []
    places = addresses(directory / "server")
    return ["--database", places.database, "--objects", places.objects]


def dossier(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": "fr_FR.UTF-8"}
    return subprocess.run(
        [DOSSIER, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def person(played: Path, key: str) -> list[str | Path]:
    home = played / "people" / key
    return ["--profile", home, "--passphrase-file", home / "passphrase.txt"]


def test_it_leaves_what_it_promises(played: Path) -> None:
    """Every part of the agreed layout is there, within the agreed disk space."""
    for name in (
        *("server", "broker", "people/prefete", "trust.json", "log.vkey", "bundle.tar"),
        *("bundle/log/checkpoint", "bundle/log/tile", "bundle/statements"),
        *("bundle/disclosures", "bundle/broker", "bundle/index.json"),
    ):
        assert (played / name).exists(), name
    size = sum(path.stat().st_size for path in played.rglob("*") if path.is_file())
    assert size < MAX_DISK


def test_it_speaks_french_and_ends_with_a_table(played: Path) -> None:
    """The story is told in French, with the verdict and a table of what happened."""
    told = (played.parent / "told.txt").read_text(encoding="utf-8")
    assert "Verdict : CONFORME" in told
    assert "Ce qui s'est passé" in told
    assert "Témoins indépendants : aucun" in told


@pytest.mark.skipif(
    not can_run(),
    reason="the pages need Chromium, and « npm ci » in tests/e2e/axe for axe-core",
)
def test_it_serves_and_says_how_to_log_in(played: Path) -> None:
    """The address and the files that it prints are those with which a member comes to read."""
    told = (played.parent / "told.txt").read_text(encoding="utf-8")
    files = dict(re.findall(r"^  (\S.*?) : (/\S+\.(?:json|age))$", told, re.MULTILINE))
    titles = ("membre", "association", "vérificatrice", "secrétariat", "fichier de confiance")
    assert [title for title in titles if not any(each.startswith(title) for each in files)] == []
    assert all(Path(each).is_file() for each in files.values())
    address = re.findall(r"ouvrez (\S+)/espace", told)[0]
    with running_chromium(address) as chromium:
        tab = chromium.tab()
        key = next(path for title, path in files.items() if title.startswith("membre"))
        tab.imports_key(Path(files["fichier de confiance"]), Path(key))
        tab.says("ouverte à la lecture")
        tab.check()


def test_the_server_holds_no_plaintext(played: Path) -> None:
    """No file name and no 32-byte sample of any dossier is in what server and broker keep."""
    kept = [played / "server", played / "broker", *engine_data()]
    leaks, looked_for = find_leaks(played / "dossiers", kept)
    assert looked_for > 10_000
    assert leaks == []


def test_the_canary_sings_where_it_should(played: Path) -> None:
    """The same search does find the dossiers where they were opened."""
    leaks, _ = find_leaks(played / "dossiers" / "premiere-demande", [played / "people" / "prefete"])
    assert leaks


def test_the_bundle_verifies_again_and_not_when_changed(played: Path, tmp_path: Path) -> None:
    """The verdict is the same from the tar; one changed byte of a disclosure turns it."""
    trust = played / "trust.json"
    again = dossier("audit", "verify", "--bundle", played / "bundle.tar", "--trust", trust)
    assert again.returncode == 0, again.stdout
    changed = tmp_path / "bundle"
    shutil.copytree(played / "bundle", changed)
    victim = sorted((changed / "disclosures").iterdir())[40]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    refused = dossier("audit", "verify", "--bundle", changed, "--trust", trust)
    assert refused.returncode == 1
    assert "CONFORME —" not in refused.stdout.splitlines()[0]


@pytest.mark.interop
@pytest.mark.skipif(
    not (AGE_JS / "node_modules").is_dir() or shutil.which("node") is None,
    reason="needs node, and `npm ci` run in tests/integration/age_js",
)
def test_a_pack_opens_with_another_age(played: Path) -> None:
    """Each file of a pack is a standard age file: npm age-encryption opens it with the exported
    identity, and plain tar unpacks it."""
    exported = dossier(*person(played, "prefete"), "key", "export-age")
    assert exported.returncode == 0, exported.stderr
    lines = exported.stdout.splitlines()
    identity = next(line for line in lines if line.startswith("AGE-SECRET-KEY-PQ-1"))
    opened = 0
    with tarfile.open(played / "people" / "prefete" / "packs" / "seance.tar") as pack:
        for entry in pack:
            if not entry.name.endswith(".tar.age"):
                continue
            data = pack.extractfile(entry)
            assert data is not None
            done = subprocess.run(
                ["node", "age.mjs", "decrypt", identity],
                cwd=AGE_JS,
                input=data.read(),
                capture_output=True,
                check=True,
            )
            with tarfile.open(fileobj=io.BytesIO(done.stdout)) as container:
                assert container.getnames()[0] == "dossier.json"
            opened += 1
    assert opened == 5


@pytest.mark.foreign
def test_a_foreign_verifier_accepts_the_log(played: Path) -> None:
    """Software that is not ours audits the exported log and accepts it."""
    tool = FOREIGN / "go-tlog"
    if not tool.exists():
        pytest.skip("go-tlog is not installed: run tests/integration/install_foreign_verifiers.sh")
    vkey = (played / "log.vkey").read_text().strip()
    done = subprocess.run(
        [tool, "audit", played / "bundle" / "log", vkey],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_wrong_trust_is_refused(played: Path, tmp_path: Path) -> None:
    """Another commission's trust file does not verify this log: exit status 1, in French."""
    trust = json.loads((played / "trust.json").read_text())
    trust["commission"] = "a" * 26
    wrong = tmp_path / "trust.json"
    wrong.write_text(json.dumps(trust, indent=2) + "\n")
    refused = dossier("audit", "verify", "--bundle", played / "bundle.tar", "--trust", wrong)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_service_that_is_gone_is_said_plainly(played: Path, tmp_path: Path) -> None:
    """With nothing at the service's address, a member's command says so and ends with exit status 3."""
    home = tmp_path / "prefete"
    shutil.copytree(played / "people" / "prefete", home)
    Profile(home).change(server="http://127.0.0.1:9")
    gone = dossier("--profile", home, "--passphrase-file", home / "passphrase.txt", "sittings")
    assert gone.returncode == 3
    assert "Traceback" not in gone.stderr
    assert gone.stderr.strip()
