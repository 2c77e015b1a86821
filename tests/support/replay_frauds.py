"""What a hostile history does, and what the auditor's report must then name."""

from __future__ import annotations

from typing import Any

from audit.events import EventType
from crypto.digests import Digest
from exchange.replay.codes import Code, Severity
from exchange.replay.findings import Finding
from exchange.replay.report import Report, Verdict
from exchange.usecases import facts
from exchange.usecases.bundle_layout import agenda_path
from tests.support.broker_world import Scene
from tests.support.bundles import Files

NOTHING = "0" * 64


def found(report: Report, code: Code) -> Finding:
    """The one finding of that code, which must decide the verdict."""
    matching = [each for each in report.findings if each.code is code]
    assert matching, [str(each) for each in report.findings]
    breaking = matching[0].severity is Severity.BREAKING
    assert report.verdict is (Verdict.BROKEN if breaking else Verdict.FINDINGS)
    assert str(matching[0])
    return matching[0]


def codes(report: Report) -> set[Code]:
    return {each.code for each in report.findings}


def authorise(scene: Scene, who: Any = None, deposit: Any = None, **changes: Any) -> int:
    """A release that a hostile server authorises, whatever the policy says."""
    world = scene.world
    request = world.request(who or scene.member, scene.sitting, deposit or scene.deposit)
    return world.authorise(request, deposit or scene.deposit, **changes)


def read(scene: Scene, request: Digest) -> None:
    cites = {
        "access_request": request,
        "certificate": scene.member.certificate,
        "manifest": scene.deposit.manifest.digest,
    }
    scene.world.log_event(EventType.PAYLOAD_READ, cites, {"deposit": scene.deposit.deposit})


def openings_file(scene: Scene, files: Files) -> str:
    """Where the bundle says what the agenda in force lists."""
    agenda = facts.latest_agenda(scene.world.index, scene.sitting)
    assert agenda is not None
    assert agenda_path(agenda.digest) in files
    return agenda_path(agenda.digest)
