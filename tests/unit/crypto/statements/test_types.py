"""Every statement type is read strictly: one spelling, no unknown, nothing missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from crypto.errors import MalformedError
from crypto.statements import STATEMENT_TYPES, Statement, parse, parse_any, seal
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.fields import MAX_INTEGER, MAX_ITEMS, MAX_REASON_CHARS
from crypto.statements.model import MAX_STATEMENT_BYTES, load_strict_json
from crypto.statements.registry import Roster, TrustPolicy
from tests.support.statement_samples import FIELDS, ROOTS, sample, samples

SAMPLES = [pytest.param(each, id=each.TYPE) for each in samples()]


def edited(statement: Statement, **changes: Any) -> bytes:
    return json.dumps({**json.loads(statement.body()), **changes}).encode()


def integers_within(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from integers_within(child, (*path, key))
    elif isinstance(value, list):
        for at, child in enumerate(value):
            yield from integers_within(child, (*path, at))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path


def test_each_type_of_the_design_is_known() -> None:
    """The samples cover exactly the known types, each with a payload type of its own."""
    assert {kind.TYPE for kind in STATEMENT_TYPES.values()} == set(FIELDS)
    assert len(STATEMENT_TYPES) == 33
    for name, kind in STATEMENT_TYPES.items():
        assert name == f"application/vnd.dossier-exchange.{kind.TYPE}.v1+json"


@pytest.mark.parametrize("statement", SAMPLES)
def test_round_trip(statement: Statement) -> None:
    """A statement comes back equal, through its body and through its envelope, to the same bytes."""
    again = type(statement).from_body(statement.body())
    assert again == statement
    assert again.body() == statement.body()
    unverified = seal(statement, [ROOTS[0]])
    assert parse_any(unverified.envelope).statement == statement
    assert parse(type(statement), unverified.envelope).digest == unverified.digest


@pytest.mark.parametrize("statement", SAMPLES)
def test_every_field_is_needed(statement: Statement) -> None:
    """A statement with a field missing is refused, and the error names the field."""
    fields = json.loads(statement.body())
    assert set(FIELDS[statement.TYPE]) | {"commission", "id", "issued_at", "signer"} == set(fields)
    for name in fields:
        rest = {key: value for key, value in fields.items() if key != name}
        with pytest.raises(MalformedError) as caught:
            type(statement).from_body(json.dumps(rest).encode())
        assert name in str(caught.value)


@pytest.mark.parametrize("statement", SAMPLES)
def test_no_field_changes_its_type(statement: Statement) -> None:
    """No field accepts a value of another JSON type: nothing is converted in silence."""
    for name, value in json.loads(statement.body()).items():
        for other in (5, "5", True, [[]], {"a": 1}):
            optional_text = value is None and isinstance(other, str)
            if type(other) is type(value) or optional_text:
                continue
            with pytest.raises(MalformedError):
                type(statement).from_body(edited(statement, **{name: other}))


@pytest.mark.parametrize("statement", SAMPLES)
def test_unknown_fields_are_refused_at_every_depth(statement: Statement) -> None:
    """An unknown key is refused, in the statement and in each of its parts."""
    with pytest.raises(MalformedError):
        type(statement).from_body(edited(statement, extra=None))
    for name, value in json.loads(statement.body()).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            with pytest.raises(MalformedError):
                type(statement).from_body(edited(statement, **{name: [{**value[0], "extra": 1}]}))


@pytest.mark.parametrize("statement", SAMPLES)
def test_integers_stay_integers(statement: Statement) -> None:
    """Wherever an integer stands, no float, string, boolean, negative or huge value does."""
    for path in integers_within(json.loads(statement.body())):
        for other in (1.0, "1", True, -1, MAX_INTEGER + 1):
            fields = json.loads(statement.body())
            holder: Any = fields
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = other
            with pytest.raises(MalformedError):
                type(statement).from_body(json.dumps(fields).encode())


@pytest.mark.parametrize("statement", SAMPLES)
def test_no_type_reads_as_another(statement: Statement) -> None:
    """An envelope of one type is refused where another is due, even with the same fields."""
    envelope = seal(statement, [ROOTS[0]]).envelope
    for kind in STATEMENT_TYPES.values():
        if kind is not type(statement):
            with pytest.raises(MalformedError):
                parse(kind, envelope)


def test_statements_cannot_be_changed() -> None:
    """A parsed statement is frozen."""
    with pytest.raises(ValueError, match="frozen"):
        sample(Withdrawal).reason = "autre"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("commission", "A" * 26),
        ("commission", "a" * 25 + "b"),
        ("issued_at", "2026-03-02T10:30:00+01:00"),
        ("issued_at", "2026-03-02"),
        ("signer", "0" * 63),
        ("signer", "A" * 64),
        ("dossier", "k7qf2m3xta"),
        ("reason", ""),
        ("reason", "x" * (MAX_REASON_CHARS + 1)),
        ("reason", None),
    ],
)
def test_values_have_one_spelling(field: str, value: object) -> None:
    """Each field refuses the spellings that mean the same, or nothing."""
    with pytest.raises(MalformedError):
        Withdrawal.from_body(edited(sample(Withdrawal), **{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "Renewal"),
        ("kind", 0),
        ("audience", []),
        ("audience", ["CDOM"]),
        ("audience", ["cdom\n"]),
        ("audience", [""]),
        ("envelopes", []),
        ("nonce", "bm5ubm5ubm5ubm5ubm5ubg"),
        ("nonce", "bm5ubm5ubm5ubm5ubm5ubh=="),
        ("nonce", "bm4="),
        ("commitment", ""),
        ("length", 10**30),
    ],
)
def test_manifest_values(field: str, value: object) -> None:
    """The manifest's own fields are as strict."""
    with pytest.raises(MalformedError):
        Manifest.from_body(edited(sample(Manifest), **{field: value}))


def test_lists_are_bounded() -> None:
    """A list beyond its limit is refused."""
    body = json.loads(sample(Roster).body())
    with pytest.raises(MalformedError):
        Roster.from_body(edited(sample(Roster), seats=body["seats"] * (MAX_ITEMS + 1)))


def test_days_have_one_spelling() -> None:
    """A mandate's days are written YYYY-MM-DD and exist."""
    mandate = json.loads(sample(Roster).body())["mandates"][0]
    for day in ("20260101", "2026-W01-1", "2026-1-1", "2026-02-30", "2026-01-01T00:00:00Z", 0):
        with pytest.raises(MalformedError):
            Roster.from_body(edited(sample(Roster), mandates=[{**mandate, "from_day": day}]))


def test_weak_keys_never_enter_a_policy() -> None:
    """A trust policy with a small-order key does not parse."""
    weak = "AQ" + "A" * 41 + "="
    for field in ("roots", "broker_keys"):
        with pytest.raises(MalformedError):
            TrustPolicy.from_body(edited(sample(TrustPolicy), **{field: [weak]}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'[{"a":1,"a":2}]',
        b"1.0",
        b"1e3",
        b"-0",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'["\\udc00\\ud800"]',
        b'"a\nb"',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[1,]",
        b"'a'",
        b"[" * 100_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
    ],
)
def test_strict_json(data: bytes) -> None:
    """What two readers might understand differently is refused."""
    with pytest.raises(MalformedError):
        load_strict_json(data, limit=MAX_STATEMENT_BYTES)


def test_strict_json_accepts_the_rest() -> None:
    """Ordinary JSON passes, at the limit of size and of integers too."""
    assert load_strict_json(b' {"a": [1, "\\ud83d\\ude00", null, true]} ', limit=100) == {
        "a": [1, "😀", None, True]
    }
    assert load_strict_json(b"9007199254740991", limit=16) == MAX_INTEGER
    with pytest.raises(MalformedError, match="15 octets"):
        load_strict_json(b"9007199254740991", limit=15)


def test_errors_name_fields_and_never_values() -> None:
    """What a refused statement contained is not repeated: it may be what was never to be sent."""
    with pytest.raises(MalformedError) as caught:
        Withdrawal.from_body(edited(sample(Withdrawal), reason=["Madame Exemple"]))
    assert "reason" in str(caught.value)
    assert "Madame" not in str(caught.value)
