"""What the files of a deposit gave away: told before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.cli.words import warn
from exchange.locale import translate as _

if TYPE_CHECKING:
    from exchange.client.deposit import Plan
    from exchange.client.scrubbing.finding import Finding


def tell_findings(made: Plan) -> None:
    """One line a file: what was taken out of the copy to send, or what stays in it and why."""
    for each in made.papers.findings:
        what = _told(each)
        if each.kept is not None:
            _tell_kept(each, what)
        elif _is_stripped(made):
            warn("{path} : retiré de la copie à envoyer : {what}.", path=each.path, what=what)
        else:
            warn("{path} : laissé à votre demande : {what}.", path=each.path, what=what)


def _tell_kept(each: Finding, what: str) -> None:
    from exchange.client.scrubbing.finding import SENTENCES

    assert each.kept is not None
    reason = _(SENTENCES[each.kept])
    if what:
        warn("{path} : laissé, car {reason} : {what}.", path=each.path, reason=reason, what=what)
    else:
        warn("{path} : n'a pas pu être examiné, car {reason}.", path=each.path, reason=reason)


def findings_document(made: Plan) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "path": each.path,
            "traces": sorted(trace.value for trace in each.traces),
            "stripped": each.kept is None and _is_stripped(made),
            "kept": each.kept.value if each.kept else None,
        }
        for each in made.papers.findings
    ]


def _is_stripped(made: Plan) -> bool:
    from exchange.client.pieces import Metadata

    return made.wanted.metadata is Metadata.STRIP


def _told(finding: Finding) -> str:
    from exchange.client.scrubbing.finding import LABELS

    return ", ".join(_(LABELS[trace]) for trace in LABELS if trace in finding.traces)
