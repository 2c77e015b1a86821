"""Rosters go through spreadsheets and text files and come back the same; slips are named by line."""

from __future__ import annotations

import os
import re
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
            basis="CASF R121-12-7, 9°",
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
            decree="2026-17",
        ),
    ),
    approvals=(
        RosterApproval(
            organisation="altair",
            label="Altaïr",
            rna="W000000001",
            from_day=date(2026, 1, 1),
            to_day=date(2028, 12, 31),
            decree="2026-17",
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


SEATS = '[[seats]]\nseat = "cdom92"\nkind = "designated"\nlabel = "Ordre"\nvoting = true\nalternates = false\n'
APPROVED = '[[approvals]]\norganisation = "altair"\nlabel = "Altaïr"\nrna = "W922000001"\nfrom = 2026-01-01\nto = 2028-12-31\n'


@pytest.mark.parametrize(
    "data", [SEATS.encode(), ("\ufeff" + SEATS).encode(), SEATS.replace("\n", "\r\n").encode()]
)
def test_what_editors_write_is_read(data: bytes) -> None:
    """A byte-order mark and Windows line ends change nothing."""
    seats = parse_roster(data, os.urandom).seats
    assert seats is not None
    assert (seats[0].seat, seats[0].basis) == ("cdom92", None)


@pytest.mark.parametrize("rna", ["W922000001", "W2A1000001", "W9R1000001"])
def test_numbers_of_associations(rna: str) -> None:
    """Of the mainland, of Corsica, of overseas departments."""
    approvals = parse_roster(APPROVED.replace("W922000001", rna).encode(), os.urandom).approvals
    assert approvals is not None
    assert approvals[0].rna == rna


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SEATS.replace("voting", "votting"), "seats, ligne n° 1 : le champ « votting »"),
        (SEATS.replace("[[seats]]", "[[seets]]"), "« seets » n'est pas une table"),
        (SEATS.replace("[[seats]]", "[seats]"), "s'écrit en lignes"),
        (SEATS.replace('label = "Ordre"\n', ""), "« label » n'est pas correct"),
        (SEATS.replace("designated", "désigné"), "« kind » n'est pas correct"),
        (SEATS + SEATS.replace("voting = true", "voting = 1"), "seats, ligne n° 2"),
        (APPROVED.replace("W922000001", "not-an-rna"), "approvals, ligne n° 1 : le champ « rna »"),
        (APPROVED.replace("W922000001", "W92000001"), "« rna »"),
        (APPROVED.replace("from = 2026-01-01\n", ""), "il manque le champ « from_day »"),
        (APPROVED.replace("2026-01-01", '"janvier"'), "une valeur n'est pas correcte"),
        ("seats = [1]", "s'écrit en lignes"),
        ("[[seats", "n'est pas du TOML"),
    ],
)
def test_slips_in_a_roster_file_are_named(text: str, words: str) -> None:
    """A misspelt key or table, a missing or wrong value: refused, by table, row and key."""
    with pytest.raises(MalformedError, match=re.escape(words)):
        parse_roster(text.encode(), os.urandom)


def test_a_file_in_another_encoding_is_named() -> None:
    """Latin-1 is not guessed at."""
    with pytest.raises(MalformedError, match="UTF-8"):
        parse_roster(APPROVED.encode("latin-1"), os.urandom)
