"""What each agenda lists: the bundle's openings, against the commitments that the registrar signed."""

from __future__ import annotations

from crypto.errors import CryptoError
from crypto.statements.agenda import AgendaOpening, OpenedItem, open_item
from crypto.statements.registry import Agenda
from exchange.replay.bundle import Bundle
from exchange.replay.codes import Code
from exchange.replay.findings import Findings
from exchange.replay.history import History, LoggedEvent, Openings
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.bundle_layout import agenda_digests
from exchange.usecases.ledger import Accepted

_CHECK = "contenu d'un ordre du jour"


def openings_of(bundle: Bundle, findings: Findings) -> Openings:
    """Every file of openings, by the agenda that its name and its content agree upon."""
    found: Openings = {}
    for path, digest in agenda_digests(bundle.paths()):
        try:
            shown = AgendaShown.parse(bundle.read(path) or b"")
        except CryptoError as error:
            findings.add(Code.AGENDA_FOREIGN, agenda=digest, reason=error)
            continue
        if shown.agenda != digest:
            findings.add(Code.AGENDA_FOREIGN, agenda=digest, reason="")
            continue
        found[digest] = shown.shown()
    return found


def open_agenda(history: History, event: LoggedEvent, accepted: Accepted[Agenda]) -> None:
    """Open an agenda just accepted: all of it, or details were erased before it."""
    assert history.policy is not None
    origin = history.policy.policy.origin
    opened = [
        item
        for shown in history.openings.get(accepted.digest, ())
        if (item := _opened(history, event, origin, accepted, shown))
    ]
    history.ledger.open_items(accepted.digest, opened)
    left = len(accepted.statement.items) - len(history.ledger.opened(accepted.digest))
    if left:
        version = accepted.statement.version
        history.missing(event, Code.AGENDA_UNOPENED, _CHECK, version=version, count=left)


def _opened(
    history: History,
    event: LoggedEvent,
    origin: str,
    accepted: Accepted[Agenda],
    shown: AgendaOpening,
) -> OpenedItem | None:
    try:
        return open_item(accepted.statement, origin, shown)
    except CryptoError as error:
        history.findings.add(Code.AGENDA_FOREIGN, event.index, agenda=accepted.digest, reason=error)
        return None
