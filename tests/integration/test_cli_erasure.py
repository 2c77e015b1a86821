"""What is erased of one dossier says nothing any more, and the log still stands."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entries import commitment, parse_leaf
from crypto.labels import EVENT_COMMITMENT
from crypto.statements.custody import IndexRange
from exchange.replay.bundle_tar import BundleTar
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.index_ranges import covered, ranges_of
from tests.integration.test_foreign_verifiers import COMMANDS, audit
from tests.support.engines import stored_bytes
from tests.support.log_world import files_of, write_files
from tests.support.office import LiveOffice, Outcome, sitting_with

GUESSES = 1_000_000
MONTH = timedelta(days=31)


class Aged:
    """A closed sitting of two dossiers, both read; traces are kept for a month, and it is over."""

    def __init__(self, folder: Path, *, together: bool = False, withdrawn: bool = False) -> None:
        self.office = LiveOffice(folder)
        live = self.office.live
        live.settings = live.settings.model_copy(update={"retention_months": 1})
        live.wired.close()
        live.wired = live.wire()
        live.app = live.new_app()
        member = self.office.join("claire", "cdom", "member")
        self.office.join("nadia", "altair", "depositor")
        self.office.join("irene", "prefecture", "auditor")
        sitting = sitting_with(self.office, member)
        paper = folder / "demande.txt"
        paper.write_text("fiction", encoding="utf-8")
        words = ("deposit", "--sitting", sitting, "--kind", "engagement", str(paper), "--json")
        self.erased, self.kept = (self.office.run("nadia", *words).data() for _ in range(2))
        self.registrar("agenda", sitting)
        live.now += timedelta(days=3)
        named = [str(each["dossier"]) for each in (self.erased, self.kept)]
        for each in [named] if together else [[one] for one in named]:
            words = ("declare", sitting, *each, "--yes", "--accept-undertaking", "--json")
            self.office.run("claire", *words).data()
        pack = str(folder / "lot.tar")
        self.office.run("claire", "pack", "get", sitting, "--out", pack, "--json").data()
        if withdrawn:
            words = (
                "withdraw",
                str(self.erased["dossier"]),
                "--reason",
                "renonce",
                "--yes",
                "--json",
            )
            self.office.run("nadia", *words).data()
        self.registrar("close", sitting, "--yes")
        live.now += MONTH
        self.trust = ("--trust", str(folder / "trust.json"))

    def registrar(self, *words: str) -> Outcome:
        done = self.office.run("secretariat", "registrar", *words)
        assert done.status == 0, done.err
        return done

    def auditor(self, *words: str) -> Outcome:
        return self.office.run("irene", "audit", *words, *self.trust)

    def attest(self) -> Outcome:
        return self.auditor("attest", "--with-findings")

    def export(self, name: str) -> Path:
        out = self.office.folder / name
        self.office.run("irene", "audit", "export", "--out", str(out), "--json").data()
        return out

    def erase(self) -> set[int]:
        words = ("retention", "--dossier", str(self.erased["dossier"]), "--yes", "--json")
        ranges = self.registrar(*words).data()["ranges"]
        return {index for first, last in ranges for index in range(first, last + 1)}


@pytest.fixture
def aged(tmp_path: Path) -> Iterator[Aged]:
    made = Aged(tmp_path)
    yield made
    made.office.live.shut()


@dataclass
class Told:
    """What a bundle holds in clear: statements' payloads by path, and everything else but the log."""

    payloads: dict[str, str]
    openings: dict[int, tuple[bytes, bytes]]
    """(details, opening) by index."""
    rest: str

    @classmethod
    def by(cls, bundle: Path) -> Told:
        payloads, openings, rest = {}, {}, ""
        with BundleTar(bundle) as files:
            for path in files.paths():
                data = files.read(path) or b""
                if path.startswith("statements/"):
                    payloads[path] = json.loads(data)["payload"]
                elif path.startswith("disclosures/"):
                    loaded = json.loads(data)
                    pair = (b64decode(loaded["details"]), b64decode(loaded["opening"]))
                    openings[int(Path(path).stem)] = pair
                elif path.startswith("agendas/"):
                    rest += "".join(
                        each.content.decode() for each in AgendaShown.parse(data).shown()
                    )
        return cls(payloads, openings, rest)

    @property
    def whole(self) -> str:
        stated = "".join(path + b64decode(each).decode() for path, each in self.payloads.items())
        return (
            stated + self.rest + "".join(details.decode() for details, _ in self.openings.values())
        )

    def of(self, dossier: str) -> dict[str, str]:
        """The payloads, still in base64, of the statements that name a dossier."""
        return {
            path: each
            for path, each in self.payloads.items()
            if dossier in b64decode(each).decode()
        }


@pytest.mark.foreign
def test_an_erased_dossier_is_gone_and_the_log_stands(aged: Aged, tmp_path: Path) -> None:
    """Not in an export, not in a byte of the database; the log's bytes are the same, we and two programs
    of others accept it, and the report says what was erased, by which rule, after whose attestation.
    """
    aged.attest()
    live, dossier = aged.office.live, str(aged.erased["dossier"])
    before = Told.by(aged.export("avant.tar"))
    log = files_of(live.wired.log)
    whole = {path: data for path, data in log.items() if ".p/" not in path and path != "checkpoint"}
    partial = {path.split(".p/")[0]: data for path, data in log.items() if ".p/" in path}
    gone = aged.erase()
    assert gone
    assert len(before.of(dossier)) == 2  # manifest and declaration

    bundle = aged.export("apres.tar")
    after = Told.by(bundle)
    assert dossier in before.whole
    assert dossier not in after.whole
    assert not set(before.of(dossier)) & set(after.payloads)
    assert str(aged.kept["dossier"]) in after.whole
    assert not gone & set(after.openings)

    now = files_of(live.wired.log)
    grown = {path.split(".p/")[0]: data for path, data in now.items()}
    assert {path: now[path] for path in whole} == whole
    assert all(grown[path].startswith(data) for path, data in partial.items())
    write_files(now, tmp_path / "log")
    for tool in COMMANDS:
        assert audit(tool, tmp_path / "log", live.instance.log_vkey) is not None, tool

    verdict = aged.auditor("verify", "--bundle", str(bundle))
    assert "Verdict : CONFORME" in verdict.out, verdict.out
    assert "Terme de la conservation des traces." in verdict.out
    assert "attesté avant par Irene" in verdict.out

    live.wired.close()
    raw = stored_bytes(live.settings.database_url)
    assert all(before.openings[index][1] not in raw for index in gone)
    assert not [path for path, each in before.of(dossier).items() if each.encode() in raw]
    assert dossier.encode() not in raw
    assert str(aged.kept["dossier"]).encode() in raw


def test_a_million_guesses_find_nothing(aged: Aged) -> None:
    """Whoever knows every detail of an erased event but its 32 random bytes cannot confirm it; with them
    the first guess would.
    """
    aged.attest()
    before = Told.by(aged.export("avant.tar"))
    index = max(aged.erase())
    live = aged.office.live
    (leaf,) = live.wired.service.log_store.leaves(index, 1)
    known = parse_leaf(leaf).commitment
    details, opening = before.openings[index]
    assert commitment(opening, live.settings.origin, details) == known
    message = b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (EVENT_COMMITMENT, live.settings.origin.encode(), details)
    )
    neighbours = [other for at, (_, other) in before.openings.items() if at != index]
    assert all(hmac.digest(each, message, "sha256") != known for each in neighbours)
    for number in range(GUESSES):
        counted = number.to_bytes(32, "big")
        guess = counted if number % 2 else hashlib.sha256(counted).digest()
        assert hmac.digest(guess, message, "sha256") != known


def test_nothing_goes_before_its_time_or_unseen(aged: Aged) -> None:
    """Without an attestation nothing is offered, and how much waits is said; a young log offers nothing;
    what the service offers beyond the attestations is not signed; an unknown dossier is said.
    """
    waiting = aged.registrar("retention", "--yes", "--json").data()
    assert waiting["ranges"] == []
    assert waiting["unattested"] > 10
    aged.attest()
    aged.office.live.now -= MONTH
    assert aged.registrar("retention", "--yes", "--json").data()["ranges"] == []
    aged.office.live.now += MONTH
    unknown = aged.office.run("secretariat", "registrar", "retention", "--dossier", "aaaaa-aaaaa")
    assert (unknown.status, "n'existe pas" in unknown.err) == (1, True)
    assert (
        aged.office.run("secretariat", "registrar", "retention").status == 1
    )  # asks, and nobody answers
    assert aged.office.run("nadia", "registrar", "retention", "--yes").status == 1


def test_all_that_is_due(aged: Aged) -> None:
    """Everything past its time goes but the registry; the log still verifies, and so does it twice."""
    aged.attest()
    done = aged.registrar("retention", "--yes", "--json").data()
    assert done["events"] > 20
    assert aged.registrar("retention", "--yes", "--json").data()["ranges"] == []
    told = Told.by(aged.export("apres.tar"))
    assert str(aged.kept["dossier"]) not in told.whole
    assert "Nadia" in told.whole  # certificates stay: what is still disclosed is judged by them
    verdict = aged.auditor("verify", "--bundle", str(aged.office.folder / "apres.tar"))
    assert "Verdict : CONFORME" in verdict.out, verdict.out


def test_a_declaration_of_two_dossiers_goes_with_the_second(tmp_path: Path) -> None:
    """The other dossier's releases are judged by it; with the last of them it goes."""
    aged = Aged(tmp_path, together=True)
    aged.attest()
    aged.erase()
    dossier = str(aged.erased["dossier"])
    assert dossier in Told.by(aged.export("un.tar")).whole
    verdict = aged.auditor("verify", "--bundle", str(aged.office.folder / "un.tar"))
    assert "Verdict : CONFORME" in verdict.out, verdict.out
    words = ("retention", "--dossier", str(aged.kept["dossier"]), "--yes", "--json")
    assert aged.registrar(*words).data()["ranges"]
    told = Told.by(aged.export("deux.tar")).whole
    assert dossier not in told
    assert str(aged.kept["dossier"]) not in told
    aged.office.live.shut()


def test_a_withdrawn_dossier_is_gone_too(tmp_path: Path) -> None:
    """Its withdrawal named it, and the destruction of its keys names the withdrawal: nothing is left of
    the dossier, and the log still verifies."""
    aged = Aged(tmp_path, withdrawn=True)
    aged.attest()
    dossier = str(aged.erased["dossier"])
    assert dossier in Told.by(aged.export("avant.tar")).whole
    aged.erase()
    assert dossier not in Told.by(aged.export("apres.tar")).whole
    verdict = aged.auditor("verify", "--bundle", str(aged.office.folder / "apres.tar"))
    assert "Verdict : CONFORME" in verdict.out, verdict.out
    aged.office.live.shut()


@given(st.sets(st.integers(0, 40)), st.integers(0, 40), st.integers(0, 40))
def test_ranges(indices: set[int], first: int, last: int) -> None:
    """Ranges say exactly their indices, without touching; ``covered`` is having every index."""
    ranges = ranges_of(sorted(indices))
    assert [i for each in ranges for i in range(each.first, each.last + 1)] == sorted(indices)
    assert all(one.last + 1 < other.first for one, other in pairwise(ranges))
    wanted = IndexRange(first=min(first, last), last=max(first, last))
    assert covered(wanted, ranges) == set(range(wanted.first, wanted.last + 1)).issubset(indices)
