"""The roster: seats from a preset, mandates by person, approvals. A new version replaces the last."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from crypto.encoding import new_opaque_id
from crypto.errors import MalformedError
from crypto.keys import Entropy
from crypto.statements.registry import (
    Capacity,
    Roster,
    RosterApproval,
    RosterMandate,
    RosterSeat,
)
from exchange.client.desk import Desk
from exchange.usecases.facts import latest_roster
from exchange.usecases.ledger import Accepted

SEAT_KEYS: Final = frozenset({"seat", "kind", "label", "voting", "alternates", "organisation"})


@dataclass(frozen=True)
class RosterParts:
    """What a TOML file says; None where it is silent, and the last version stays."""

    seats: tuple[RosterSeat, ...] | None = None
    mandates: tuple[RosterMandate, ...] | None = None
    approvals: tuple[RosterApproval, ...] | None = None


def parse_roster(data: bytes, entropy: Entropy) -> RosterParts:
    """Read a preset or roster file; raises MalformedError."""
    try:
        loaded = tomllib.loads(data.decode())
        return RosterParts(
            _table(loaded, "seats", _seat),
            _table(loaded, "mandates", lambda row: _mandate(row, entropy)),
            _table(loaded, "approvals", _approval),
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        tomllib.TOMLDecodeError,
        ValidationError,
    ) as error:
        raise MalformedError(
            "Ce fichier de composition n'est pas correct ({detail}) : partez d'un fichier de "
            "« deploy/presets ».",
            detail=type(error).__name__ if isinstance(error, ValidationError) else error,
        ) from error


def _table(loaded: dict[str, Any], name: str, read: Any) -> Any:
    rows = loaded.get(name)
    return None if rows is None else tuple(read(row) for row in rows)


def _seat(row: dict[str, Any]) -> RosterSeat:
    return RosterSeat(**{"organisation": None, **{k: v for k, v in row.items() if k in SEAT_KEYS}})


def _mandate(row: dict[str, Any], entropy: Entropy) -> RosterMandate:
    return RosterMandate(
        mandate=row.get("mandate") or new_opaque_id(entropy),
        seat=row["seat"],
        person=row["person"],
        capacity=Capacity(row["capacity"]),
        from_day=_day(row, "from"),
        to_day=_day(row, "to"),
    )


def _approval(row: dict[str, Any]) -> RosterApproval:
    return RosterApproval(
        organisation=row["organisation"],
        label=row["label"],
        rna=row["rna"],
        from_day=_day(row, "from"),
        to_day=_day(row, "to"),
    )


def _day(row: dict[str, Any], name: str) -> date:
    """``from`` or ``from_day``: people write the one, the statement names the other."""
    value = row.get(name) or row[f"{name}_day"]
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def publish_roster(
    desk: Desk, parts: RosterParts, added: Sequence[RosterMandate] = ()
) -> Accepted[Roster]:
    """Publish the next version: ``parts`` replace, ``added`` mandates are put beside the others."""
    desk.load(Roster)
    last = latest_roster(desk.view.ledger)
    before = last.statement if last else None
    unverified = desk.draft(
        Roster,
        version=before.version + 1 if before else 1,
        previous=last.digest if last else None,
        seats=_or(parts.seats, before.seats if before else ()),
        mandates=(*_or(parts.mandates, before.mandates if before else ()), *added),
        approvals=_or(parts.approvals, before.approvals if before else ()),
    )
    accepted, _none = desk.submit_and_confirm(unverified)
    return accepted


def _or(new: tuple[Any, ...] | None, old: tuple[Any, ...]) -> tuple[Any, ...]:
    return old if new is None else new
