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

TABLES: Final = {
    "seats": ("seat", "kind", "label", "voting", "alternates", "organisation", "basis"),
    "mandates": (
        "mandate",
        "seat",
        "person",
        "capacity",
        "from",
        "to",
        "from_day",
        "to_day",
        "decree",
    ),
    "approvals": ("organisation", "label", "rna", "from", "to", "from_day", "to_day", "decree"),
}
"""The tables of a roster file and their keys. A key that is none of these is a slip of the pen."""

HEADINGS: Final = frozenset({"preset", "label", "to_check"})
"""What a preset says of itself beside its tables."""


@dataclass(frozen=True)
class RosterParts:
    """What a TOML file says; None where it is silent, and the last version stays."""

    seats: tuple[RosterSeat, ...] | None = None
    mandates: tuple[RosterMandate, ...] | None = None
    approvals: tuple[RosterApproval, ...] | None = None


def parse_roster(data: bytes, entropy: Entropy) -> RosterParts:
    """Read a preset or roster file; raises MalformedError naming the table, its row and the key."""
    loaded = _loaded(data)
    unknown = sorted(set(loaded) - set(TABLES) - HEADINGS)
    if unknown:
        raise MalformedError(
            "« {key} » n'est pas une table d'un fichier de composition : il a {tables}.",
            key=unknown[0],
            tables=", ".join(TABLES),
        )
    return RosterParts(
        _table(loaded, "seats", _seat),
        _table(loaded, "mandates", lambda row: _mandate(row, entropy)),
        _table(loaded, "approvals", _approval),
    )


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise MalformedError(
            "Ce fichier de composition n'est pas en UTF-8 : enregistrez-le de nouveau en UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise MalformedError(
            "Ce fichier de composition n'est pas du TOML ({detail}) : partez d'un fichier de "
            "« deploy/presets ».",
            detail=error,
        ) from error


def _table(loaded: dict[str, Any], name: str, read: Any) -> Any:
    rows = loaded.get(name)
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedError("La table « {name} » s'écrit en lignes [[{name}]].", name=name)
    return tuple(_row(name, number, row, read) for number, row in enumerate(rows, 1))


def _row(name: str, number: int, row: dict[str, Any], read: Any) -> Any:
    unknown = sorted(set(row) - set(TABLES[name]))
    if unknown:
        raise MalformedError(
            "{name}, ligne n° {number} : le champ « {key} » est inconnu. Une ligne a {keys}.",
            name=name,
            number=number,
            key=unknown[0],
            keys=", ".join(TABLES[name]),
        )
    try:
        return read(row)
    except KeyError as error:
        raise MalformedError(
            "{name}, ligne n° {number} : il manque le champ « {key} ».",
            name=name,
            number=number,
            key=error.args[0],
        ) from error
    except ValidationError as error:
        raise MalformedError(
            "{name}, ligne n° {number} : le champ « {key} » n'est pas correct.",
            name=name,
            number=number,
            key=".".join(map(str, error.errors()[0]["loc"])),
        ) from error
    except (ValueError, TypeError) as error:
        raise MalformedError(
            "{name}, ligne n° {number} : une valeur n'est pas correcte ({detail}).",
            name=name,
            number=number,
            detail=error,
        ) from error


def _seat(row: dict[str, Any]) -> RosterSeat:
    return RosterSeat(**{"organisation": None, "basis": None, **row})


def _mandate(row: dict[str, Any], entropy: Entropy) -> RosterMandate:
    return RosterMandate(
        mandate=row.get("mandate") or new_opaque_id(entropy),
        seat=row["seat"],
        person=row["person"],
        capacity=Capacity(row["capacity"]),
        from_day=_day(row, "from"),
        to_day=_day(row, "to"),
        decree=row.get("decree"),
    )


def _approval(row: dict[str, Any]) -> RosterApproval:
    return RosterApproval(
        organisation=row["organisation"],
        label=row["label"],
        rna=row["rna"],
        from_day=_day(row, "from"),
        to_day=_day(row, "to"),
        decree=row.get("decree"),
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
