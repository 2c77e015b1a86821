"""DSSE envelopes: what is signed is what is stored, and signatures are counted honestly."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from crypto.encoding import encode_base64
from crypto.errors import BadSignatureError, MalformedError
from crypto.statements import (
    Verified,
    add_signature,
    parse,
    parse_any,
    payload_type_of,
    pre_authentication_encoding,
    seal,
    seal_with,
    verify,
    verify_threshold,
)
from crypto.statements.dsse import MAX_ENVELOPE_BYTES, MAX_SIGNATURES
from crypto.statements.exchange import Declaration, Recusal, Withdrawal
from tests.support.statement_samples import ROOTS, sample

STATEMENT = sample(Withdrawal)
KEYS = [seed.verify_key() for seed in ROOTS]
SEALED = seal(STATEMENT, [ROOTS[0]])


def edited(**changes: Any) -> bytes:
    return json.dumps({**json.loads(SEALED.envelope), **changes}).encode()


def test_encoding_of_the_specification() -> None:
    """The pre-authentication encoding is the one of the DSSE specification's example."""
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_identity_covers_type_and_body_only() -> None:
    """A statement keeps its identity whoever signs it and however its envelope is laid out."""
    expected = hashlib.sha256(
        pre_authentication_encoding(STATEMENT.payload_type(), STATEMENT.body())
    ).hexdigest()
    assert SEALED.digest == expected
    assert seal(STATEMENT, [ROOTS[1]]).digest == expected
    pretty = json.dumps(json.loads(SEALED.envelope), indent=4).encode()
    assert parse(Withdrawal, pretty).digest == expected


def test_a_signature_counts_for_its_key_alone() -> None:
    """The right key verifies, another does not."""
    verified = verify(SEALED, KEYS[0])
    assert verified.statement == STATEMENT
    assert verified.envelope == SEALED.envelope
    assert verified.digest == SEALED.digest
    with pytest.raises(BadSignatureError):
        verify(SEALED, KEYS[1])


def test_any_altered_body_is_refused() -> None:
    """A body that says something else no longer verifies."""
    body = STATEMENT.body().replace(b"Demande", b"demande")
    assert body != STATEMENT.body()
    unverified = parse(Withdrawal, edited(payload=encode_base64(body)))
    with pytest.raises(BadSignatureError):
        verify(unverified, KEYS[0])


def test_a_signature_of_one_type_is_none_of_another() -> None:
    """The same fields signed as a declaration do not verify as a recusal."""
    declaration = seal(sample(Declaration), [ROOTS[0]])
    outer = json.loads(declaration.envelope)
    outer["payloadType"] = Recusal.payload_type()
    as_recusal = parse(Recusal, json.dumps(outer).encode())
    with pytest.raises(BadSignatureError):
        verify(as_recusal, KEYS[0])


def test_the_key_hint_is_ignored() -> None:
    """A ``keyid`` neither helps nor hurts."""
    signature = json.loads(SEALED.envelope)["signatures"][0]["sig"]
    for entry in ({"sig": signature}, {"sig": signature, "keyid": str(KEYS[1])}):
        verify(parse(Withdrawal, edited(signatures=[entry])), KEYS[0])


def test_one_signature_means_one() -> None:
    """A second signature beside the due one is a claim that nobody checks: refused."""
    with pytest.raises(BadSignatureError, match="nombre de signatures"):
        verify(seal(STATEMENT, ROOTS[:2]), KEYS[0])


@pytest.mark.parametrize(
    ("signers", "keys", "threshold", "accepted"),
    [
        ((0,), (0,), 1, True),
        ((0, 1), (0, 1, 2), 2, True),
        ((0, 1, 2), (0, 1), 2, True),
        ((0, 3), (0, 1, 2), 2, False),
        ((0,), (0, 1), 2, False),
        ((0, 0), (0, 1), 2, False),
        ((0,), (0, 0), 2, False),
        ((0, 0), (0, 0), 2, False),
        ((0,), (), 1, False),
        ((0,), (0,), 0, False),
        ((0,), (0,), -1, False),
    ],
)
def test_thresholds(
    signers: tuple[int, ...], keys: tuple[int, ...], threshold: int, accepted: bool
) -> None:
    """Different keys are counted; neither a key nor a signature given twice counts twice."""
    unverified = seal(STATEMENT, [ROOTS[at] for at in signers])
    due = [KEYS[at] for at in keys]
    if accepted:
        assert verify_threshold(unverified, due, threshold=threshold).statement == STATEMENT
    else:
        with pytest.raises(BadSignatureError):
            verify_threshold(unverified, due, threshold=threshold)


def test_signing_in_turn() -> None:
    """Several roots sign one statement one after the other, and its identity stays."""
    both = add_signature(SEALED, ROOTS[1])
    assert both.digest == SEALED.digest
    verify_threshold(both, KEYS[:2], threshold=2)


def test_signing_elsewhere() -> None:
    """A signer that is a function gets the encoding and gives the signature."""
    assert seal_with(STATEMENT, [ROOTS[0].sign]).envelope == SEALED.envelope


def test_nobody_else_makes_a_verified_statement() -> None:
    """Only the verifier can call a statement verified."""
    with pytest.raises(TypeError):
        Verified(STATEMENT, SEALED.envelope, SEALED.digest, object())


def test_narrowing() -> None:
    """A verified statement of unknown type narrows to its own type and to no other."""
    verified = verify(parse_any(SEALED.envelope), KEYS[0])
    assert verified.narrow(Withdrawal).statement == STATEMENT
    with pytest.raises(MalformedError):
        verified.narrow(Recusal)


SIGNATURE = json.loads(SEALED.envelope)["signatures"][0]


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"[]",
        b"null",
        edited(extra=1),
        edited(payloadType=None),
        edited(payload=5),
        edited(payload="e30"),
        edited(payload=json.loads(SEALED.envelope)["payload"] + "\n"),
        edited(signatures=[]),
        edited(signatures={}),
        edited(signatures=[SIGNATURE] * (MAX_SIGNATURES + 1)),
        edited(signatures=["x"]),
        edited(signatures=[{"keyid": ""}]),
        edited(signatures=[{**SIGNATURE, "extra": 1}]),
        edited(signatures=[{**SIGNATURE, "keyid": 5}]),
        edited(signatures=[{"sig": 5}]),
        edited(signatures=[{"sig": "AAAA"}]),
        edited(signatures=[{"sig": SIGNATURE["sig"] + "\n"}]),
        SEALED.envelope.replace(b'"payload":', b'"payload":"","payload":', 1),
        SEALED.envelope + b"{}",
        b" " * (MAX_ENVELOPE_BYTES + 1),
    ],
)
def test_malformed_envelopes_are_refused(envelope: bytes) -> None:
    """What is not exactly an envelope is refused by each way in."""
    with pytest.raises(MalformedError):
        parse(Withdrawal, envelope)
    with pytest.raises(MalformedError):
        parse_any(envelope)


def test_unknown_types_are_refused() -> None:
    """A type of a later version is named as such."""
    envelope = edited(payloadType="application/vnd.dossier-exchange.withdrawal.v2+json")
    assert payload_type_of(envelope).endswith("v2+json")
    with pytest.raises(MalformedError, match="inconnu"):
        parse_any(envelope)
