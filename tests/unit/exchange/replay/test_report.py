"""Reading bundles, erased ranges, and the report that a civil servant gets."""

from __future__ import annotations

import io
import json
import string
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LogFormatError
from audit.ports import Disclosure
from crypto.keys import PartySigningSeed
from crypto.statements import seal
from crypto.statements.custody import Attestation, IndexRange, Retention
from exchange.domain.refusals import RefusalReason
from exchange.replay import reasons
from exchange.replay.bundle_directory import BundleDirectory
from exchange.replay.bundle_tar import BundleTar
from exchange.replay.codes import Code, Severity
from exchange.replay.errors import BundleError
from exchange.replay.findings import MAX_FINDINGS, Findings
from exchange.replay.render import render_text, to_json
from exchange.replay.report import Verdict
from exchange.replay.retention import erasures_of
from exchange.replay.sentences import SENTENCES
from exchange.usecases.bundle_layout import (
    decode_disclosure,
    disclosure_indices,
    disclosure_path,
    encode_disclosure,
)
from tests.support.broker_world import Scene, open_scene
from tests.support.broker_world_log import START
from tests.support.bundles import MemoryBundle, export, verify

SEED = PartySigningSeed(bytes(32))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


# --- the report ---------------------------------------------------------------------------------


def test_every_code_has_its_sentence() -> None:
    """No finding is without gravity and words."""
    assert set(SENTENCES) == set(Code)


def test_sentences_are_whole() -> None:
    """Each sentence is a template that ends as a sentence does."""
    for severity, sentence in SENTENCES.values():
        assert severity in Severity
        assert sentence.rstrip().endswith((".", "}"))
        assert all(name is None or name for _, name, _, _ in string.Formatter().parse(sentence))


def test_verdict_comes_first(scene: Scene) -> None:
    """The first line is the verdict, in words."""
    text = render_text(verify(scene.world))
    assert text.startswith("Verdict : CONFORME")
    assert "Aucun témoin indépendant" in text
    assert "Export signé par : Irène Caron" in text


def test_unlawful_release_is_told_in_full(scene: Scene) -> None:
    """The report names person, rule and dossier, and the table marks the release."""
    world = scene.world
    world.recuse(scene.member, scene.sitting, scene.deposit)
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.authorise(request, scene.deposit)
    text = render_text(verify(world))
    assert text.startswith("Verdict : CONSTATS")
    assert (
        "remis à Claire Vasseur, alors que les règles l'interdisaient : cette personne s'" in text
    )
    assert (
        f"dossier {scene.deposit.dossier} (altair) à Claire Vasseur, siège cdom — INTERDITE" in text
    )


def test_broken_bundle_is_called_so(scene: Scene) -> None:
    """Evidence that does not hold is not given as a finding among others."""
    bundle = export(scene.world)
    bundle.files["log/checkpoint"] = b"x"
    report = verify(scene.world, bundle)
    assert report.verdict is Verdict.BROKEN
    assert render_text(report).startswith("Verdict : NON PROBANT")


def test_nothing_but_garbage(scene: Scene) -> None:
    """An empty bundle is broken, and is reported without an error."""
    report = verify(scene.world, MemoryBundle({}))
    assert report.verdict is Verdict.BROKEN
    assert render_text(report)
    assert json.loads(to_json(report))["findings"][0]["code"] == "trust.refused"


def test_json_holds_all_that_the_text_says(scene: Scene) -> None:
    """The machine-readable report has stable codes, counts and the release table."""
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    loaded = json.loads(to_json(verify(scene.world)))
    assert loaded["verdict"] == "ok"
    assert loaded["counts"]["release.authorised"] == 1
    assert loaded["opened"] == 1
    (row,) = loaded["sittings"][0]["releases"]
    assert (row["seat"], row["opened"], row["refusal"]) == ("cdom", True, None)


def test_findings_are_sorted_and_bounded() -> None:
    """The gravest come first; beyond the bound one line says that there is more."""
    findings = Findings()
    findings.add(Code.NO_INDEPENDENT_WITNESS)
    for index in range(MAX_FINDINGS + 10):
        findings.add(Code.RELEASE_TWICE, index, deposit="x")
    findings.add(Code.LOG, where="x", reason="y")
    listed = findings.all()
    assert len(listed) == MAX_FINDINGS + 1
    assert [each.code for each in listed].count(Code.TOO_MANY) == 1
    assert listed[-1].code is Code.NO_INDEPENDENT_WITNESS


# --- bundles ------------------------------------------------------------------------------------


def test_disclosure_round_trip() -> None:
    """A disclosure's file reads back the same, and nothing else reads."""
    disclosure = Disclosure(7, b"details", bytes(32))
    assert decode_disclosure(7, encode_disclosure(disclosure)) == disclosure
    for data in (b"", b"{}", b'{"details":"","opening":"?"}', b'{"details":"","opening":"","x":1}'):
        with pytest.raises(LogFormatError):
            decode_disclosure(7, data)


def test_disclosures_are_in_log_order() -> None:
    """Ten comes after nine; names that are no index are no disclosures."""
    paths = [disclosure_path(10), disclosure_path(9), "disclosures/01.json", "disclosures/x.json"]
    assert [index for index, _ in disclosure_indices(paths)] == [9, 10]


def test_directory_follows_no_link(tmp_path: Path) -> None:
    """A link in a bundle is listed, so that it is an extra file, and never read."""
    root, secret = tmp_path / "bundle", tmp_path / "secret"
    (root / "log").mkdir(parents=True)
    secret.write_bytes(b"x")
    (root / "log" / "checkpoint").symlink_to(secret)
    (root / "statements").symlink_to(tmp_path)
    bundle = BundleDirectory(root)
    assert set(bundle.paths()) == {"log/checkpoint", "statements"}
    for path in ("log/checkpoint", "statements/secret", "../secret", str(secret), "log"):
        assert bundle.read(path) is None


def test_missing_bundle(tmp_path: Path) -> None:
    """A path that is no bundle is an error that says what to give."""
    with pytest.raises(BundleError):
        BundleDirectory(tmp_path / "nothing")
    with pytest.raises(BundleError):
        BundleTar(tmp_path / "nothing.tar")
    (tmp_path / "text").write_bytes(b"not a tar file at all" * 100)
    with pytest.raises(BundleError):
        BundleTar(tmp_path / "text")


def test_tar_of_regular_files_only(tmp_path: Path) -> None:
    """A tar with a link, or with one name twice, is refused."""
    linked, twice = tmp_path / "linked.tar", tmp_path / "twice.tar"
    with tarfile.open(linked, "w") as tar:
        link = tarfile.TarInfo("log/checkpoint")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with tarfile.open(twice, "w") as tar:
        for data in (b"a", b"b"):
            info = tarfile.TarInfo("log/checkpoint")
            info.size = 1
            tar.addfile(info, io.BytesIO(data))
    for path in (linked, twice):
        with pytest.raises(BundleError, match="log/checkpoint"):
            BundleTar(path)


# --- erased ranges ------------------------------------------------------------------------------


def statement(kind, ranges, **values):
    fields = {
        "commission": "a" * 26,
        "id": "a" * 26,
        "issued_at": START,
        "signer": "0" * 64,
        "ranges": tuple(IndexRange(first=first, last=last) for first, last in ranges),
    }
    return seal(kind.model_validate({**fields, **values}), [SEED])


def erasures(undisclosed, rules, attestations):
    """``rules`` and ``attestations``: (place in the log, ranges)."""
    signed = [(place, statement(Retention, each, rule="12 mois")) for place, each in rules]
    signed += [
        (place, statement(Attestation, each, checkpoint="x", verdict="x"))
        for place, each in attestations
    ]
    return erasures_of(
        undisclosed,
        {each.digest: each for _, each in signed},
        {each.digest: place for place, each in signed},
    )


def test_partly_covered_range_is_cut() -> None:
    """Of a range that a rule covers in part, only that part is erased by rule."""
    found = erasures([(0, 9)], [(50, [(0, 3), (6, 7)])], [(40, [(0, 9)])])
    assert found.lawful == ((0, 3), (6, 7))
    assert found.withheld == ((4, 5), (8, 9))
    assert found.count == 6


def test_attestation_must_come_first() -> None:
    """An attestation logged after the rule attests nothing."""
    found = erasures([(0, 3)], [(50, [(0, 3)])], [(60, [(0, 3)])])
    assert found.unattested == ((0, 3),)


def test_rule_reaches_back_only() -> None:
    """A rule does not cover its own entry or what follows."""
    found = erasures([(38, 52)], [(50, [(0, 90)])], [(40, [(0, 90)])])
    assert found.lawful == ((38, 39),)
    assert found.unattested == ((40, 49),)
    assert found.withheld == ((50, 52),)


@given(
    st.sets(st.integers(0, 30)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4),
)
def test_each_missing_entry_is_told_once(missing: set[int], pairs: list[tuple[int, int]]) -> None:
    """Whatever is missing is erased by rule or withheld, entry by entry, never both or neither."""
    ranges = [(min(pair), max(pair)) for pair in pairs]
    covered = {index for first, last in ranges for index in range(first, last + 1)}
    rules = [(100, ranges)] if ranges else []
    undisclosed = [(index, index) for index in sorted(missing)]
    found = erasures(undisclosed, rules, [])
    listed = {
        index
        for first, last in (*found.unattested, *found.withheld)
        for index in range(first, last + 1)
    }
    assert listed == missing
    assert found.count == len(missing & covered)


def test_every_reason_is_said_of_a_third_person() -> None:
    """Each rule has words for the auditor, none of which speaks to whoever asked; the unknown stays."""
    assert set(reasons.SENTENCES) == set(RefusalReason)
    assert not [
        words
        for words in reasons.SENTENCES.values()
        if {"vous", "votre"} & set(words.lower().split())
    ]
    assert reasons.reason_of("not-seated") == reasons.SENTENCES[RefusalReason.NOT_SEATED]
    assert reasons.reason_of("of-another-version") == "of-another-version"
