"""Structural verification: a good log passes, and every damage is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit import verify
from audit.checkpoint import Checkpoint
from audit.errors import LogFormatError
from audit.merkle import leaf_hash, root_of
from audit.note import Note
from audit.ports import Disclosure
from audit.tiles import TilePath, encode_bundle, parse_bundle
from audit.verify import Finding, FindingKind, LogReport, verify_log
from tests.support.log_world import ORIGIN, LogWorld, files_of, reader_of

SIZE = 600
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def grown() -> LogWorld:
    world = LogWorld()
    for count in (1, 255, 300, 44):
        world.add(count)
        world.log.integrate()
    return world


def disclosures(world: LogWorld) -> list[Disclosure]:
    return list(world.store.disclosures(0, world.size()))


def verdict(world: LogWorld, files: Files, shown: list[Disclosure] | None = None) -> LogReport:
    return verify_log(
        reader_of(files), world.policy, disclosures(world) if shown is None else shown
    )


def kinds(report: LogReport) -> set[FindingKind]:
    return {finding.kind for finding in report.findings}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 513, 1_023, 70_000])
def test_a_good_log_of_any_size_passes(size: int) -> None:
    """At every edge of the tile geometry a good log has no finding at all."""
    world = LogWorld()
    world.add(size)
    world.log.integrate()
    seen: list[int] = []
    report = verify_log(
        reader_of(files_of(world.log)),
        world.policy,
        iter(disclosures(world)),
        lambda index, details: seen.append(index),
    )
    assert report.ok, report.findings
    assert (report.size, report.disclosed, report.undisclosed) == (size, size, ())
    assert report.independent_witnesses == ("prefecture", "academie")
    assert seen == list(range(size))


def test_every_file_counts(grown: LogWorld) -> None:
    """Whichever file is damaged or missing, the verdict is not good, and the file is named."""
    files = files_of(grown.log)
    for path, data in files.items():
        for changed in (None, data[:-1], data + b"\0", bytes([data[0] ^ 1]) + data[1:]):
            copy = {name: content for name, content in files.items() if name != path}
            if changed is not None:
                copy[path] = changed
            report = verdict(grown, copy)
            assert not report.ok
            assert path in {finding.where for finding in report.findings}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("checkpoint", FindingKind.CHECKPOINT_MISSING),
        ("tile/0/000", FindingKind.TILE_MISSING),
        ("tile/0/002.p/88", FindingKind.TILE_MISSING),
        ("tile/1/000.p/2", FindingKind.TILE_MISSING),
        ("tile/entries/001", FindingKind.BUNDLE_MISSING),
    ],
)
def test_a_missing_file_is_called_missing(grown: LogWorld, path: str, kind: FindingKind) -> None:
    """Absence and damage are told apart."""
    files = files_of(grown.log)
    del files[path]
    assert kinds(verdict(grown, files)) == {kind} | (
        # Entries after a missing bundle cannot be matched with their details.
        {FindingKind.DISCLOSURE_STRAY, FindingKind.INCOMPLETE_REPORT} & kinds(verdict(grown, files))
    )


def test_two_swapped_tiles_are_found(grown: LogWorld) -> None:
    """Tiles in each other's place are both named."""
    files = files_of(grown.log)
    files["tile/0/000"], files["tile/0/001"] = files["tile/0/001"], files["tile/0/000"]
    report = verdict(grown, files)
    assert kinds(report) == {FindingKind.TILE_DIFFERS}
    assert {finding.where for finding in report.findings} == {"tile/0/000", "tile/0/001"}


def with_entry(files: Files, leaf: bytes) -> Files:
    """The log with its first entry replaced in the bundle and, consistently, in the tiles."""
    bundle = list(parse_bundle(files["tile/entries/000"], 256))
    bundle[0] = leaf
    hashes = [leaf_hash(entry) for entry in bundle]
    level_1 = files["tile/1/000.p/2"]
    return files | {
        "tile/entries/000": encode_bundle(bundle),
        "tile/0/000": b"".join(hashes),
        "tile/1/000.p/2": root_of(hashes) + level_1[32:],
    }


def test_a_forged_entry_with_matching_tiles_fails_at_the_root(grown: LogWorld) -> None:
    """Rewriting entry and tiles together leaves the signed root, which does not match."""
    files = files_of(grown.log)
    other = parse_bundle(files["tile/entries/000"], 256)[1]
    report = verdict(grown, with_entry(files, other))
    assert kinds(report) == {FindingKind.ROOT_DIFFERS, FindingKind.DISCLOSURE_FALSE}


def test_an_entry_of_another_form_is_found(grown: LogWorld) -> None:
    """An entry that is no leaf of this service is a finding even where the tree is right."""
    files = with_entry(files_of(grown.log), b"a name in clear")
    assert FindingKind.ENTRY_MALFORMED in kinds(verdict(grown, files))


def test_an_unwitnessed_checkpoint_is_refused_and_the_rest_examined(grown: LogWorld) -> None:
    """Without the quorum there is no verified head, and damage below is still listed."""
    files = files_of(grown.log)
    note = Note.parse(files["checkpoint"])
    own = tuple(each for each in note.signatures if each.name == ORIGIN)
    files["checkpoint"] = Note(note.text, own).to_bytes()
    del files["tile/0/001"]
    report = verdict(grown, files)
    assert report.checkpoint is None
    assert kinds(report) == {FindingKind.CHECKPOINT_REFUSED, FindingKind.TILE_MISSING}


def test_a_checkpoint_that_cannot_be_read_ends_the_matter(grown: LogWorld) -> None:
    """Without any claim of size there is nothing to compare."""
    report = verdict(grown, {"checkpoint": b"garbage"})
    assert kinds(report) == {FindingKind.CHECKPOINT_REFUSED}
    assert not report.ok


def test_an_absurd_size_costs_nothing(grown: LogWorld) -> None:
    """A forged checkpoint of 2⁶² entries is refused at the first missing bundle."""
    text = Checkpoint(ORIGIN, 2**62, bytes(32)).to_text()
    forged = Note(text, grown.log_key.sign(text)).to_bytes()
    report = verdict(grown, files_of(grown.log) | {"checkpoint": forged}, [])
    assert FindingKind.BUNDLE_MISSING in kinds(report)


def test_erased_details_are_listed_as_ranges(grown: LogWorld) -> None:
    """Missing disclosures are no finding here: they are listed, for the caller to explain."""
    shown = [each for each in disclosures(grown) if each.index not in {0, 7, 8, 599}]
    report = verdict(grown, files_of(grown.log), shown)
    assert report.ok
    assert report.undisclosed == ((0, 0), (7, 8), (599, 599))
    assert report.disclosed == SIZE - 4


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda d: [replace(d[0], opening=bytes(32)), *d[1:]], FindingKind.DISCLOSURE_FALSE),
        (lambda d: [replace(d[0], opening=b""), *d[1:]], FindingKind.DISCLOSURE_FALSE),
        (lambda d: [replace(d[0], details=b"{}"), *d[1:]], FindingKind.DISCLOSURE_FALSE),
        (lambda d: [replace(d[1], index=0), *d[1:]], FindingKind.DISCLOSURE_FALSE),
        (lambda d: [d[0], *d], FindingKind.DISCLOSURE_STRAY),
        (lambda d: [*d, replace(d[0], index=SIZE)], FindingKind.DISCLOSURE_STRAY),
        (lambda d: [*d, d[0]], FindingKind.DISCLOSURE_STRAY),
        (lambda d: [replace(d[0], index=-1), *d], FindingKind.DISCLOSURE_STRAY),
    ],
)
def test_false_and_stray_disclosures_are_found(
    grown: LogWorld, change: Callable[[list[Disclosure]], list[Disclosure]], kind: FindingKind
) -> None:
    """Details that the log does not commit to, twice, or of no entry, are findings."""
    report = verdict(grown, files_of(grown.log), change(disclosures(grown)))
    assert kinds(report) == {kind}
    assert len(report.findings) == 1


def test_a_report_stays_short(grown: LogWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is wrong everywhere gives a bounded report that says so."""
    monkeypatch.setattr(verify, "MAX_FINDINGS", 10)
    shown = [replace(each, opening=bytes(32)) for each in disclosures(grown)]
    report = verdict(grown, files_of(grown.log), shown)
    assert len(report.findings) == 11
    assert report.findings[-1].kind is FindingKind.INCOMPLETE_REPORT


def test_a_finding_reads_as_a_sentence() -> None:
    """Findings are templates with their values, like the errors."""
    finding = Finding(FindingKind.TILE_MISSING, "La tuile {where} manque.", "tile/0/000")
    assert str(finding) == "La tuile tile/0/000 manque."
    with pytest.raises(LogFormatError):
        TilePath.parse(finding.message)
