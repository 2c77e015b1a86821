"""DSSE envelopes (secure-systems-lab/dsse v1.0): parse, identify, verify, seal.

The bytes signed are the bytes stored. A statement's identity is the SHA-256 of its pre-
authentication encoding, so it covers type and body and not the list of signatures. ``keyid`` is a
hint by the specification and is ignored here; who signed is a field *inside* the signed body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from crypto.digests import Digest, sha256
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import BadSignatureError, MalformedError
from crypto.keys import SIGNATURE_BYTES, SigningSeed, VerifyKey
from crypto.statements.model import MAX_STATEMENT_BYTES, Statement, load_strict_json

S = TypeVar("S", bound=Statement)
S_co = TypeVar("S_co", bound=Statement, covariant=True)

MAX_ENVELOPE_BYTES: Final = 2 * MAX_STATEMENT_BYTES
"""Base64 adds a third; the rest is room for 16 signatures."""

MAX_SIGNATURES: Final = 16
"""As many as a trust policy has roots."""

_MADE_BY_VERIFIER: Final = object()


def pre_authentication_encoding(payload_type: str, body: bytes) -> bytes:
    """PAE of the DSSE specification: what is signed, and what a statement's identity hashes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


@dataclass(frozen=True)
class Unverified(Generic[S_co]):
    """A well-formed statement of a known type. Nothing is known of who signed it."""

    statement: S_co
    envelope: bytes
    digest: Digest
    encoding: bytes
    signatures: tuple[bytes, ...]

    @property
    def claimed_signer(self) -> Digest:
        """Whom the body names as signer: a certificate's digest or a key's fingerprint."""
        return self.statement.signer


@dataclass(frozen=True)
class Verified(Generic[S_co]):
    """A statement whose signature was checked against the key given. Only this module makes it."""

    statement: S_co
    envelope: bytes
    digest: Digest
    _maker: object

    def __post_init__(self) -> None:
        if self._maker is not _MADE_BY_VERIFIER:
            raise TypeError("only crypto.statements.verify makes a Verified statement")

    def narrow(self, kind: type[S]) -> Verified[S]:
        """The same statement as one of type ``kind``; raises MalformedError when it is another."""
        if not isinstance(self.statement, kind):
            raise MalformedError(
                "Une déclaration « {due} » était attendue, pas « {got} ».",
                due=kind.TYPE,
                got=self.statement.TYPE,
            )
        return Verified(self.statement, self.envelope, self.digest, self._maker)


def parse(kind: type[S], envelope: bytes) -> Unverified[S]:
    """Parse an envelope that must hold a statement of type ``kind``; raises MalformedError."""
    outer = load_strict_json(envelope, limit=2 * kind.MAX_BYTES)
    payload_type, body, signatures = _outer_fields(outer)
    if payload_type != kind.payload_type():
        raise MalformedError(
            "Une déclaration « {due} » était attendue, pas « {got} ».",
            due=kind.TYPE,
            got=payload_type,
        )
    encoding = pre_authentication_encoding(payload_type, body)
    return Unverified(kind.from_body(body), envelope, sha256(encoding), encoding, signatures)


def payload_type_of(envelope: bytes) -> str:
    """The declared payload type of an envelope; raises MalformedError."""
    return _outer_fields(load_strict_json(envelope, limit=MAX_ENVELOPE_BYTES))[0]


def verify(unverified: Unverified[S], key: VerifyKey) -> Verified[S]:
    """Check the one signature against ``key``; raises BadSignatureError.

    Exactly one signature is expected: a second one would be a claim that nobody checks.
    """
    return verify_threshold(unverified, [key], threshold=1, at_most=1)


def verify_threshold(
    unverified: Unverified[S],
    keys: Sequence[VerifyKey],
    *,
    threshold: int,
    at_most: int = MAX_SIGNATURES,
) -> Verified[S]:
    """Check that at least ``threshold`` different ``keys`` signed; raises BadSignatureError."""
    if threshold < 1 or len(unverified.signatures) > at_most:
        raise BadSignatureError("Le nombre de signatures n'est pas celui attendu.")
    signed = {key for key in keys if _any_valid(unverified, key)}
    if len(signed) < threshold:
        raise BadSignatureError(
            "{got} signature(s) valable(s) sur {due} exigée(s) : cette déclaration est refusée.",
            got=len(signed),
            due=threshold,
        )
    return Verified(unverified.statement, unverified.envelope, unverified.digest, _MADE_BY_VERIFIER)


def seal(statement: S, seeds: Sequence[SigningSeed]) -> Unverified[S]:
    """Sign ``statement`` with each seed, into one envelope."""
    return seal_with(statement, [seed.sign for seed in seeds])


def seal_with(statement: S, signers: Sequence[Callable[[bytes], bytes]]) -> Unverified[S]:
    """Like :func:`seal`, with functions that sign the pre-authentication encoding."""
    body = statement.body()
    encoding = pre_authentication_encoding(statement.payload_type(), body)
    signatures = [sign(encoding) for sign in signers]
    envelope = json.dumps(
        {
            "payloadType": statement.payload_type(),
            "payload": encode_base64(body),
            "signatures": [{"keyid": "", "sig": encode_base64(each)} for each in signatures],
        },
        separators=(",", ":"),
    ).encode()
    return parse(type(statement), envelope)


def add_signature(unverified: Unverified[S], seed: SigningSeed) -> Unverified[S]:
    """The same statement with one more signature (several roots sign one trust policy in turn)."""
    outer = json.loads(unverified.envelope)
    outer["signatures"].append({"keyid": "", "sig": encode_base64(seed.sign(unverified.encoding))})
    return parse(type(unverified.statement), json.dumps(outer, separators=(",", ":")).encode())


def _any_valid(unverified: Unverified[Any], key: VerifyKey) -> bool:
    for signature in unverified.signatures:
        try:
            key.check(unverified.encoding, signature)
        except BadSignatureError:
            continue
        return True
    return False


def _outer_fields(outer: object) -> tuple[str, bytes, tuple[bytes, ...]]:
    malformed = MalformedError("Ce document n'est pas une enveloppe DSSE.")
    if not isinstance(outer, dict) or set(outer) != {"payloadType", "payload", "signatures"}:
        raise malformed
    kind, payload, signatures = outer["payloadType"], outer["payload"], outer["signatures"]
    if (
        not isinstance(kind, str)
        or not isinstance(payload, str)
        or not isinstance(signatures, list)
    ):
        raise malformed
    if not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise malformed
    return kind, decode_base64(payload), tuple(_signature(each) for each in signatures)


def _signature(entry: object) -> bytes:
    if not isinstance(entry, dict) or not {"sig"} <= set(entry) <= {"keyid", "sig"}:
        raise MalformedError("Ce document n'est pas une enveloppe DSSE.")
    if not isinstance(entry["sig"], str) or not isinstance(entry.get("keyid", ""), str):
        raise MalformedError("Ce document n'est pas une enveloppe DSSE.")
    signature = decode_base64(entry["sig"])
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedError("Une signature Ed25519 compte 64 octets.")
    return signature
