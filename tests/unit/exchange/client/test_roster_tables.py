"""Rosters go through spreadsheets and text files and come back the same; slips are named by line."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import pytest

from crypto.digests import Digest
from crypto.errors import MalformedError
from crypto.statements.registry import (
    Capacity,
    Roster,
    RosterApproval,
    RosterMandate,
    RosterSeat,
    SeatKind,
)
from exchange.client.registrar_roster import parse_roster
from exchange.client.roster_tables import mandates_csv, parse_mandates, roster_toml

PERSON = "a" * 26

ROSTER = Roster(
    commission="i" * 26,
    id="m" * 26,
    issued_at=datetime(2026, 11, 25, tzinfo=UTC),
    signer=Digest("0" * 64),
    version=3,
    previous=None,
    seats=(
        RosterSeat(
            seat="cdom92",
            kind=SeatKind.DESIGNATED,
            label='Ordre des médecins « dit "CDOM" »',
            voting=True,
            alternates=False,
            organisation=None,
        ),
    ),
    mandates=(
        RosterMandate(
            mandate="e" * 26,
            seat="cdom92",
            person=PERSON,
            capacity=Capacity.TITULAR,
            from_day=date(2026, 1, 2),
            to_day=date(2028, 12, 31),
        ),
    ),
    approvals=(
        RosterApproval(
            organisation="altair",
            label="Altaïr",
            rna="W000000001",
            from_day=date(2026, 1, 1),
            to_day=date(2028, 12, 31),
        ),
    ),
)


def test_a_roster_comes_back_from_toml() -> None:
    """Seats, mandates with their ids, and approvals survive the way to a file and back."""
    parts = parse_roster(roster_toml(ROSTER), os.urandom)
    assert parts.seats == ROSTER.seats
    assert parts.mandates == ROSTER.mandates
    assert parts.approvals == ROSTER.approvals


def test_mandates_come_back_from_a_spreadsheet() -> None:
    """The CSV that is written is the CSV that is read, byte-order mark and accents included."""
    data = mandates_csv(ROSTER)
    assert data.startswith(b"\xef\xbb\xbfsi\xc3\xa8ge;personne;")
    assert parse_mandates(data, os.urandom) == ROSTER.mandates


@pytest.mark.parametrize(
    "text",
    [
        f"siège;personne;qualité;début;fin\r\ncdom92;{PERSON};titulaire;02/01/2026;31/12/2028\r\n",
        f"\ufeffSIÈGE;Personne;Qualité;Début;Fin\ncdom92; {PERSON} ;Titulaire;02/01/2026;31/12/2028",
        f"seat,person,capacity,from,to\ncdom92,{PERSON},titular,2026-01-02,2028-12-31\n",
        f'personne;siège;fin;début;qualité;mandat\n{PERSON};"cdom92";31/12/2028;2026-01-02;titulaire;\n;;;;;\n',
    ],
)
def test_what_spreadsheets_write_is_read(text: str) -> None:
    """Semicolons or commas, BOM, case, order of columns, either date, empty lines: one mandate."""
    [mandate] = parse_mandates(text.encode(), os.urandom)
    assert (mandate.seat, mandate.person, mandate.capacity) == ("cdom92", PERSON, Capacity.TITULAR)
    assert (mandate.from_day, mandate.to_day) == (date(2026, 1, 2), date(2028, 12, 31))


HEAD = "siège;personne;qualité;début;fin\n"
GOOD = f"cdom92;{PERSON};titulaire;02/01/2026;31/12/2028\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "colonnes"),
        (HEAD.encode(), "aucun mandat"),
        (HEAD.encode("latin-1") + GOOD.encode(), "UTF-8"),
        (b"siege;person\nx;y\n", "colonnes"),
        ((HEAD.strip() + ";remarque\n" + GOOD).encode(), "colonnes"),
        ((HEAD + GOOD + GOOD.replace("titulaire", "président")).encode(), "ligne 3"),
        ((HEAD + GOOD.replace("31/12/2028", "31/02/2028")).encode(), "ligne 2"),
        ((HEAD + GOOD.replace("31/12/2028", "12/31/2028")).encode(), "ligne 2"),
        ((HEAD + GOOD.replace(PERSON, "Jérôme Chimère")).encode(), "ligne 2"),
        ((HEAD + GOOD.strip() + ";de trop;encore\n").encode(), "ligne 2"),
        ((HEAD + GOOD.replace("cdom92", "CDOM 92")).encode(), "ligne 2"),
        (bytes(2_000_000), "trop long"),
    ],
)
def test_slips_are_named(data: bytes, words: str) -> None:
    """Wrong encoding, header, quality, date, person or seat: refused in plain words, by line."""
    with pytest.raises(MalformedError, match=words):
        parse_mandates(data, os.urandom)
