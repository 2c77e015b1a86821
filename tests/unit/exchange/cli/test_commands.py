"""The commands, run in one process as people type them, before a server in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from crypto.edge.identity import Identity
from crypto.edge.seal import header_for
from crypto.keys import Entropy, FileKey, MasterSeed, Recipient, VerifyKey
from crypto.statements import parse, seal
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, accept_first
from exchange.cli.main import COMMANDS, run_command
from exchange.client import recipients
from exchange.client.errors import TransportError
from exchange.wiring.client import Surroundings
from tests.support.office import Office, sitting_with


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


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


def test_wrong_fingerprint_certifies_nobody(office: Office) -> None:
    """A fingerprint that nobody presented certifies nothing, and says why."""
    file = office.folder / "x.json"
    words = ("--name", "X", "--organisation", "cdom", "--role", "member", "--out", str(file))
    office.run("secretariat", "registrar", "invite", *words)
    office.run("x", "enrol", str(file), "--yes", "--work-factor", "10")
    wrong = " ".join(["0000"] * 8)
    outcome = office.run("secretariat", "registrar", "certify", "--fingerprint", wrong)
    assert outcome.status == 1
    outcome = office.run("x", "sittings")
    assert outcome.status == 1


def test_wrong_trust_fingerprint_pins_nothing(office: Office) -> None:
    """An invitation whose fingerprint differs leaves no trace in the profile."""
    file = office.folder / "x.json"
    words = ("--name", "X", "--organisation", "cdom", "--role", "member", "--out", str(file))
    office.run("secretariat", "registrar", "invite", *words)
    outcome = office.run("x", "enrol", str(file), "--fingerprint", " ".join(["0000"] * 8))
    assert outcome.status == 1
    assert not (office.folder / "x" / "trust.json").exists()
    assert office.run("x", "enrol", str(file)).status == 1
    assert not (office.folder / "x" / "trust.json").exists()


def test_revocation(office: Office) -> None:
    """A revoked person can no longer log in."""
    person = office.join("claire", "cdom", "member")
    done = office.run("secretariat", "registrar", "revoke", person, "--reason", "perdu", "--json")
    assert len(done.data()["revoked"]) == 1
    assert done.data()["reach"] == []
    people = office.run("secretariat", "registrar", "people", "--json").data()
    assert [each["usable"] for each in people["certified"]] == [False]


def test_trust_in_turns(office: Office) -> None:
    """Two root keys sign one policy in turn, each on its own machine, without a server."""
    keys = []
    for name in ("un", "deux"):
        path = office.folder / f"{name}.age"
        made = office.run("x", "key", "new", "--root", "--out", str(path), "--work-factor", "10",
                          "--json").data()  # fmt: skip
        keys.append((path, made))
    world = office.server.world
    trust = Trust(
        commission=world.trust.commission,
        root_keys=tuple(VerifyKey.parse(made["key"]) for _path, made in keys),
        threshold=2,
    )
    anchor = office.folder / "two.json"
    anchor.write_bytes(trust.to_json())
    draft = office.folder / "draft.json"
    policy = world.trust_policy().statement
    draft.write_text(
        json.dumps(
            {
                "origin": policy.origin,
                "log_keys": list(policy.log_keys),
                "broker_keys": [str(key) for key in policy.broker_keys],
                "witness_policy": policy.witness_policy,
            }
        )
    )
    first, second = office.folder / "first.json", office.folder / "second.json"
    one = office.run(
        *("x", "registrar", "trust", "--trust", str(anchor), "--policy-draft", str(draft)),
        *("--root-key", str(keys[0][0]), "--out", str(first), "--json"),
    ).data()
    two = office.run(
        *("x", "registrar", "trust", "--trust", str(anchor), "--signed", str(first)),
        *("--root-key", str(keys[1][0]), "--out", str(second), "--json"),
    ).data()
    assert (one["signatures"], two["signatures"]) == (1, 2)
    assert one["policy"] == two["policy"]
    assert accept_first(trust, parse(TrustPolicy, second.read_bytes())).policy.version == 1


def test_next_trust_policy(office: Office) -> None:
    """A registrar publishes the root's next policy; one by another root is refused here already."""
    world = office.server.world
    trust = ("--trust", str(office.folder / "trust.json"))
    path = office.folder / "next.json"
    path.write_bytes(world.trust_policy(2).envelope)
    outcome = office.run(
        "secretariat", "registrar", "trust", *trust, "--signed", str(path), "--json"
    )
    assert outcome.data()["version"] == 2
    forged = seal(
        world.trust_policy(3).statement, [Identity(MasterSeed.generate(os.urandom))._signing_seed]
    )
    path.write_bytes(forged.envelope)
    posts = len(world.index.find(TrustPolicy))
    outcome = office.run("secretariat", "registrar", "trust", *trust, "--signed", str(path))
    assert outcome.status == 1
    assert len(world.index.find(TrustPolicy)) == posts == 2


def test_keys(office: Office) -> None:
    """A key is shown, printed, recovered and exported; the profile's server is not needed."""
    made = office.run("moi", "key", "new", "--work-factor", "10", "--json").data()
    shown = office.run("moi", "key", "show", "--json").data()
    assert shown["key"] == made["key"]
    assert office.run("moi", "key", "new").status == 1
    kit = office.run("moi", "key", "show", "--kit").out.split()[0]
    assert kit.startswith("DOSSIER-SEED-1")
    seed = office.folder / "kit.txt"
    seed.write_text(kit.lower())
    recovered = office.run(
        "neuf", "key", "recover", "--seed-file", str(seed), "--work-factor", "10"
    )
    assert recovered.status == 0
    assert office.run("neuf", "key", "show", "--json").data()["key"] == made["key"]
    assert office.run("moi", "key", "export-age").out.startswith("AGE-SECRET-KEY-PQ-1")
    svg = office.folder / "kit.svg"
    assert office.run("moi", "key", "show", "--kit-svg", str(svg)).status == 0
    assert b"<svg" in svg.read_bytes()


def test_local_seal_and_open(office: Office) -> None:
    """A folder is sealed to two people without any service, and each opens it."""
    recipients = []
    for who in ("un", "deux"):
        office.run(who, "key", "new", "--work-factor", "10")
        recipients.append(office.run(who, "key", "show", "--json").data()["recipient"])
    folder = office.folder / "papiers"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    sealed = office.folder / "x.age"
    words = [word for each in recipients for word in ("-r", each)]
    office.run("un", "seal", str(folder), *words, "--out", str(sealed), "--json").data()
    for who in ("un", "deux"):
        out = office.folder / f"out-{who}"
        assert office.run(who, "open", str(sealed), "--out", str(out)).status == 0
        assert (out / "sub" / "a.txt").read_text() == "a"
    identity = office.folder / "age.txt"
    office.run("deux", "key", "export-age", "--out", str(identity))
    by_file = office.folder / "by-file"
    words = ["open", str(sealed), "-i", str(identity), "--out", str(by_file)]
    assert office.run("personne", *words).status == 0
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(bytes(data))
    spoilt = office.folder / "spoilt"
    assert office.run("un", "open", str(sealed), "--out", str(spoilt)).status == 1
    assert not spoilt.exists()


def test_exit_statuses(office: Office) -> None:
    """0 done, 1 refused, 2 wrong usage, 3 not reachable; one line says why, never a traceback."""
    assert office.run("x", "sittings").status == 1
    for words in (("rien",), ("deposit",), ("pack", "get"), ("key", "new", "--rien")):
        outcome = office.run("x", *words)
        assert outcome.status == 2, words
        assert outcome.err.startswith("Erreur : ")
        assert "Traceback" not in outcome.err

    class Away:
        def send(self, _request: object) -> object:
            raise TransportError("Le service ne répond pas.")

    office.server = Away()  # type: ignore[assignment]
    surroundings = Surroundings(pause=lambda _seconds: None, connect=lambda _url: Away())  # type: ignore[arg-type,return-value]
    words = ("--profile", str(office.folder / "secretariat"), "--passphrase-file")
    status = run_command([*words, str(office.folder / "passphrase"), "sittings"], surroundings)
    assert status == 3


def test_debug_shows_the_trace(office: Office) -> None:
    """Only --debug shows where an error comes from."""
    assert "Traceback" not in office.run("x", "sittings").err
    assert "Traceback" in office.run("x", "--debug", "sittings").err


def test_no_terminal_no_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and a file the command says what to give, and waits for nothing."""
    monkeypatch.delenv("DOSSIER_PASSPHRASE_FILE", raising=False)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert run_command(["--profile", str(tmp_path), "key", "new"]) == 1
    assert "--passphrase-file" in capsys.readouterr().err


def test_languages(office: Office) -> None:
    """French first; English by --lang or by the environment."""
    assert "existe pas" in office.run("x", "rien").err
    assert run_command(["--lang", "en", "--help"]) == 0


def test_help_is_quick() -> None:
    """``dossier --help`` imports neither cryptography, nor pydantic, nor the network."""
    code = (
        "import sys; from exchange.cli.main import run_command; run_command(['--help']);"
        "bad = {'pydantic', 'urllib3', 'cryptography', 'flask', 'rich', 'sqlalchemy'} & set(sys.modules);"
        "sys.exit(1 if bad else 0)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - started < 3


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of this installation loads and explains itself."""
    from exchange.cli.main import dossier

    context = dossier.make_context("dossier", ["--help"], resilient_parsing=True)
    names = dossier.list_commands(context)
    assert {"key", "enrol", "deposit", "pack", "registrar", "audit"} <= set(names) <= set(COMMANDS)
    for name in names:
        assert run_command([name, "--help"]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 3
