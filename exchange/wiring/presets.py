"""Rosters as data: the presets that come with the product, and the draft that a registrar edits.

A preset and a draft have one format (TOML): tables ``seats``, and in a draft also ``mandates`` and
``approvals``, with the fields of the roster statement. Nothing here is in force: the registrar
signs the roster, and the préfet's order is what it must say.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, ValidationError

from crypto.errors import ExplainedError
from crypto.statements.fields import MAX_ITEMS, Label
from crypto.statements.model import Strict
from crypto.statements.registry import RosterApproval, RosterMandate, RosterSeat

PRESET_FOLDERS: Final = (
    Path(__file__).parents[1] / "presets",
    Path(__file__).parents[2] / "deploy" / "presets",
)
"""Where presets lie in an installed package, and in a checkout."""

MAX_ROSTER_BYTES: Final = 1_048_576
"""A roster of a thousand seats and mandates fits twice."""

DRAFT_TAIL: Final = """
# --- Mandats : qui occupe quel siège, du premier au dernier jour inclus --------------------------
# « person » est l'identifiant donné par « dossier registrar certify » ; « capacity » : titular ou
# alternate.
#
# [[mandates]]
# mandate = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
# seat = "prefet"
# person = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
# capacity = "titular"
# from_day = 2026-01-01
# to_day = 2028-12-31

# --- Agréments des associations (CASF R121-12-3 : trois ans) -------------------------------------
#
# [[approvals]]
# organisation = "altair"
# label = "Altaïr"
# rna = "W000000000"
# from_day = 2026-01-01
# to_day = 2028-12-31
"""
"""Added to a preset to make the draft that ``init`` leaves for the registrar."""


class PresetError(ExplainedError):
    """A preset or a roster draft cannot be read."""


class RosterDraft(Strict):
    """A roster before it is signed."""

    preset: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    label: Label
    to_check: bool
    """Whether the names were not yet compared with the order in force."""
    seats: Annotated[
        tuple[RosterSeat, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
    ]
    mandates: Annotated[tuple[RosterMandate, ...], Field(strict=False, max_length=MAX_ITEMS)] = ()
    approvals: Annotated[tuple[RosterApproval, ...], Field(strict=False, max_length=MAX_ITEMS)] = ()


@dataclass(frozen=True)
class Preset:
    """A preset's content and its own text, comments included."""

    draft: RosterDraft
    text: str


def preset_names() -> tuple[str, ...]:
    """The presets that come with the product."""
    return tuple(sorted({path.stem for folder in PRESET_FOLDERS for path in folder.glob("*.toml")}))


def load_preset(name: str) -> Preset:
    """One of :func:`preset_names`; raises PresetError."""
    if name not in preset_names():
        raise PresetError(
            "Le modèle « {name} » n'existe pas. Modèles fournis : {known}.",
            name=name,
            known=", ".join(preset_names()),
        )
    found = (folder / f"{name}.toml" for folder in PRESET_FOLDERS)
    text = next(path for path in found if path.is_file()).read_text(encoding="utf-8")
    return Preset(parse_draft(text), text)


def read_draft(path: Path) -> RosterDraft:
    """A draft edited by a registrar; raises PresetError."""
    try:
        return parse_draft(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PresetError("Le fichier « {path} » ne peut pas être lu.", path=path) from error


def parse_draft(text: str) -> RosterDraft:
    """Strictly: no unknown key, every seat named once; raises PresetError."""
    if len(text) > MAX_ROSTER_BYTES:
        raise PresetError("Ce fichier de composition est trop long.")
    try:
        loaded = tomllib.loads(text)
        draft = RosterDraft.model_validate(
            loaded | {"seats": [_with_organisation(seat) for seat in loaded.get("seats", [])]}
        )
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise PresetError(
            "Ce fichier de composition n'est pas du TOML correct : {detail}.", detail=str(error)
        ) from error
    except ValidationError as error:
        raise PresetError(
            "Ce fichier de composition n'est pas conforme, à « {field} » ({detail}).",
            field=".".join(str(step) for step in error.errors()[0]["loc"]),
            detail=error.errors()[0]["msg"],
        ) from error
    _require_unique_seats(draft)
    return draft


def draft_text(preset: Preset) -> str:
    """The file that ``init`` leaves: the preset, and where mandates and approvals go."""
    return preset.text.rstrip("\n") + "\n" + DRAFT_TAIL


def _with_organisation(seat: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null: a seat that names no organisation has none."""
    return {"organisation": None} | seat


def _require_unique_seats(draft: RosterDraft) -> None:
    codes = [seat.seat for seat in draft.seats]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise PresetError("Le siège « {seat} » figure deux fois.", seat=twice[0])
    unknown = sorted({mandate.seat for mandate in draft.mandates} - set(codes))
    if unknown:
        raise PresetError("Un mandat cite le siège « {seat} », qui n'existe pas.", seat=unknown[0])
