"""Mandates as a spreadsheet writes and reads them, and the whole roster as TOML.

French spreadsheets save CSV with semicolons, a byte-order mark and dates as 31/12/2027; English ones
with commas and 2027-12-31. All of these are read; what is written is the French form.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from crypto.encoding import new_opaque_id
from crypto.errors import CryptoError, MalformedError
from crypto.keys import Entropy
from crypto.statements.registry import Capacity, Roster, RosterMandate

MAX_CSV_BYTES: Final = 1_048_576
"""A commission has some fifty mandates; a mebibyte is a mistaken file."""

COLUMNS: Final = ("siège", "personne", "qualité", "début", "fin", "arrêté", "mandat")
"""The header, in the order written. ``arrêté`` may be left out or empty, ``mandat`` for a new mandate."""

OPTIONAL: Final = frozenset({"arrêté", "mandat"})

_ENGLISH: Final = dict(
    zip(("seat", "person", "capacity", "from", "to", "decree", "mandate"), COLUMNS, strict=True)
)
_CAPACITIES: Final = {
    "titulaire": Capacity.TITULAR,
    "titular": Capacity.TITULAR,
    "suppléant": Capacity.ALTERNATE,
    "suppléante": Capacity.ALTERNATE,
    "alternate": Capacity.ALTERNATE,
}
_DATES: Final = ("%Y-%m-%d", "%d/%m/%Y")


def parse_mandates(data: bytes, entropy: Entropy) -> tuple[RosterMandate, ...]:
    """Read a CSV of mandates; raises MalformedError naming the line."""
    if len(data) > MAX_CSV_BYTES:
        raise MalformedError("Ce tableau est trop long pour être une liste de mandats.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedError(
            "Ce tableau n'est pas en UTF-8 : enregistrez-le de nouveau comme « CSV UTF-8 »."
        ) from error
    first = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    try:
        names = [_column(name) for name in rows.fieldnames or ()]
        _check_header(names)
        rows.fieldnames = names
        found = tuple(_mandate(row, rows.line_num, entropy) for row in rows if _is_filled(row))
    except csv.Error as error:
        raise MalformedError(
            "La ligne {line} du tableau n'est pas lisible.", line=rows.line_num
        ) from error
    if not found:
        raise MalformedError("Ce tableau ne contient aucun mandat.")
    return found


def mandates_csv(roster: Roster) -> bytes:
    """The mandates as a French spreadsheet opens them by a double click."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in roster.mandates:
        quality = "titulaire" if each.capacity is Capacity.TITULAR else "suppléant"
        days = (f"{each.from_day:%d/%m/%Y}", f"{each.to_day:%d/%m/%Y}")
        writer.writerow((each.seat, each.person, quality, *days, each.decree or "", each.mandate))
    return text.getvalue().encode("utf-8-sig")


def roster_toml(roster: Roster) -> bytes:
    """The whole roster in the form that ``registrar seat --roster`` reads."""
    parts = [f"# Composition n° {roster.version}\n"]
    for name, rows in (
        ("seats", roster.seats),
        ("mandates", roster.mandates),
        ("approvals", roster.approvals),
    ):
        for row in rows:
            values = row.model_dump(mode="json")
            lines = [
                f"{key} = {_value(value)}" for key, value in values.items() if value is not None
            ]
            parts.append("\n".join([f"[[{name}]]", *lines, ""]))
    return "\n".join(parts).encode()


def _column(name: str) -> str:
    known = name.strip().casefold()
    return _ENGLISH.get(known, known)


def _is_filled(row: dict[str, str | None]) -> bool:
    """Spreadsheets like to add empty lines at the end."""
    return any(value.strip() for value in row.values() if isinstance(value, str))


def _check_header(names: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in names and name not in OPTIONAL]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len(set(names)) != len(names):
        raise MalformedError(
            "La première ligne du tableau doit nommer les colonnes {columns}.",
            columns=", ".join(COLUMNS),
        )


def _mandate(row: dict[str, str | None], line: int, entropy: Entropy) -> RosterMandate:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    capacity = _CAPACITIES.get(cells["qualité"].casefold())
    try:
        if capacity is None or None in row:  # more cells than columns
            raise ValueError("quality or extra cells")
        return RosterMandate(
            mandate=cells["mandat"] or new_opaque_id(entropy),
            seat=cells["siège"],
            person=cells["personne"],
            capacity=capacity,
            from_day=_day(cells["début"]),
            to_day=_day(cells["fin"]),
            decree=cells["arrêté"] or None,
        )
    except (ValueError, ValidationError, CryptoError) as error:
        raise MalformedError(
            "La ligne {line} du tableau n'est pas un mandat correct : siège et personne par leur code, "
            "« titulaire » ou « suppléant », dates comme 31/12/2027.",
            line=line,
        ) from error


def _day(text: str) -> date:
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    raise ValueError("no date")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)  # JSON's escapes are a subset of TOML's
