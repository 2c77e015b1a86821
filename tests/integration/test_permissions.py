"""Every role, every route, every state: the table that people read is what the service answers."""

from __future__ import annotations

import re

import pytest

from tests.architecture.test_routes import AGREED
from tests.support.permission_matrix import FILE, ROLES, ROUTES, STATES, YES, Table, page, table_in

WITHOUT_A_DEPOSIT = {
    ("POST", "/login/challenge"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/invitations/{invitation}/enrolment"),
    ("GET", "/log/consistency"),
    ("PUT", "/contact"),
    ("GET", "/contact"),
    ("GET", "/retention"),
}
"""Logging in and out, enrolling, public proofs, one's own address, what a retention
may erase (test_cli_erasure): they know neither deposit nor state."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return table_in(tmp_path_factory.mktemp("permissions"))


def allowed(table: Table, *routes: str) -> set[tuple[str, str]]:
    """Which roles were answered, in which states."""
    return {
        (role, state)
        for (route, role, state), answer in table.items()
        if route.startswith(routes) and answer == YES
    }


def test_the_page_is_what_the_service_answers(table: Table) -> None:
    """docs/permissions.md, cell by cell."""
    assert FILE.read_text(encoding="utf-8") == page(table)
    assert len(table) == len(ROUTES) * len(ROLES) * len(STATES)


def test_no_route_is_left_out() -> None:
    """A route that comes without its rows fails here."""
    tried = {(route.split()[0], re.sub(r" \(.*", "", route).split()[1]) for route in ROUTES}
    assert tried == AGREED - WITHOUT_A_DEPOSIT


def test_who_is_given_a_key(table: Table) -> None:
    """The seated member while the window is open, and the depositor, to grant, until the end."""
    depositor = {("depositor", state) for state in ("planned", "convoked", "open")}
    assert allowed(table, "POST /releases") == {("member", "open"), *depositor}
    assert allowed(table, "GET /deposits/{deposit}/payload") == {("member", "open"), *depositor}


def test_who_has_ended_has_ended(table: Table) -> None:
    """A revoked or expired certificate and a stranger are given what everybody is given, and no more."""
    for role in ("stranger", "revoked", "expired"):
        assert {
            route for (route, who, _), answer in table.items() if who == role and answer == YES
        } == {"GET /trust"}


def test_acts_of_one_role_alone(table: Table) -> None:
    """What the auditor, the registrar and the depositing association alone may do."""
    for route, role in (
        ("GET /disclosures", "auditor"),
        ("GET /broker/record", "auditor"),
        ("POST /statements (attestation)", "auditor"),
        ("POST /statements (hold)", "registrar"),
        ("POST /deposits/{deposit}/envelopes", "depositor"),
        ("POST /deposits/{deposit}/commit", "depositor"),
        ("GET /deposits/{deposit}/releases", "depositor"),
    ):
        assert {who for who, _state in allowed(table, route)} == {role}


def test_the_recused_are_told_nothing_of_a_withdrawal(table: Table) -> None:
    """Their answers are the same before and after it, on every route."""
    for role in ("own seat", "recused"):
        for route in ROUTES:
            assert table[route, role, "withdrawn"] == table[route, role, "open"]
