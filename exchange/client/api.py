"""The server's routes, as functions: JSON in and out, nothing believed yet."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from crypto.digests import Digest
from crypto.encoding import encode_base64
from crypto.statements.agenda import AgendaOpening
from exchange.client.connection import Connection, Query
from exchange.client.errors import TransportError
from exchange.usecases.agenda_wire import AgendaShown, OpeningSent
from exchange.usecases.ports import Attested

T = TypeVar("T")
API = "/api/v1"


def field(answer: Any, name: str, kind: Callable[[Any], T]) -> T:
    """``answer[name]`` read by ``kind``; raises TransportError when it is not there or not so."""
    try:
        return kind(answer[name])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise TransportError(
            "La réponse du service n'a pas la forme attendue (champ « {field} ») : le service et cette "
            "commande n'ont peut-être pas la même version.",
            field=name,
        ) from error


def text(value: Any) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise TypeError("expected a string")
    return value


def utf8(value: Any) -> bytes:
    """The bytes of a JSON string."""
    return text(value).encode()


def octets(value: Any) -> bytes:
    """The bytes of a base64 string."""
    return base64.b64decode(text(value), validate=True)


def attested(value: Any) -> Attested:
    """``{"envelope", "receipt"}``."""
    return Attested(utf8(value["envelope"]), utf8(value["receipt"]))


def optional(kind: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """``kind`` or null."""
    return lambda value: None if value is None else kind(value)


def many(kind: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A JSON array of ``kind``."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise TypeError("expected an array")
        return tuple(kind(each) for each in value)

    return read


class Api:
    """One method a route."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # -- anonymous ------------------------------------------------------------------------

    def trust(self) -> Any:
        """``{"trust", "policies", "emergencies", "recoveries"}``."""
        return self._connection.get(f"{API}/trust")

    def consistency(self, older: int, newer: int) -> Sequence[bytes]:
        """The RFC 6962 proof between two sizes of the log."""
        query = (("from", str(older)), ("to", str(newer)))
        lines = self._connection.get_bytes(f"{API}/log/consistency", query).split()
        try:
            return tuple(base64.b64decode(line, validate=True) for line in lines)
        except binascii.Error as error:
            raise TransportError("La preuve de cohérence du journal est illisible.") from error

    def checkpoint(self) -> bytes:
        """The published checkpoint note."""
        return self._connection.get_bytes("/log/checkpoint")

    def challenge(self) -> Any:
        """``{"origin", "nonce", "expires_at"}``."""
        return self._connection.post(f"{API}/login/challenge", {})

    def login(self, statement: bytes) -> Any:
        """``{"person", "organisation", "roles", "certificate", "receipt"}``; keeps the cookie."""
        return self._connection.post(f"{API}/login", {"statement": statement.decode()})

    def enrol(self, invitation: str, statement: bytes) -> Any:
        """``{"digest", "receipt"}``."""
        path = f"{API}/invitations/{invitation}/enrolment"
        return self._connection.post(path, {"statement": statement.decode()})

    # -- statements -----------------------------------------------------------------------

    def post_statement(self, statement: bytes, openings: Sequence[AgendaOpening] = ()) -> Any:
        """``{"digest", "receipt", "destruction"}``; an agenda goes with its openings."""
        body: dict[str, Any] = {"statement": statement.decode()}
        if openings:
            body["openings"] = [OpeningSent.of(each).model_dump(mode="json") for each in openings]
        return self._connection.post(f"{API}/statements", body)

    def statement(self, digest: Digest) -> Attested:
        """One statement by its digest."""
        return field({"x": self._connection.get(f"{API}/statements/{digest}")}, "x", attested)

    def statements(self, kind: str, **references: str) -> tuple[Attested, ...]:
        """All statements of a type that this login may read."""
        query = (("type", kind), *references.items())
        answer = self._connection.get(f"{API}/statements", query)
        return field(answer, "statements", many(attested))

    def status(self, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
        """The broker's status, through the server."""
        query: list[tuple[str, str]] = [("nonce", encode_base64(nonce))]
        if sitting is not None:
            query.append(("sitting", sitting))
        query.extend(("statement", digest) for digest in includes)
        return field(self._connection.get(f"{API}/status", query), "status", utf8)

    def sittings(self) -> tuple[Attested, ...]:
        """The latest version of each sitting."""
        return field(self._connection.get(f"{API}/sittings"), "sittings", many(attested))

    def sitting(self, sitting: str) -> tuple[tuple[Attested, ...], AgendaShown | None]:
        """Every registry statement that this login needs for one sitting, and what its agenda lists
        for this login.
        """
        answer = self._connection.get(f"{API}/sittings/{sitting}")
        return field(answer, "statements", many(attested)), field(
            answer, "agenda", optional(AgendaShown.model_validate)
        )

    # -- deposits and releases ------------------------------------------------------------

    def begin_deposit(self, sitting: str, sitting_sha256: Digest, key: str) -> Any:
        """``{"deposit", "release_key", "part_bytes"}``."""
        body = {"sitting": sitting, "sitting_sha256": sitting_sha256}
        return self._connection.post(f"{API}/deposits", body, key=key)

    def put_part(self, deposit: str, number: int, data: bytes) -> None:
        """One part of the payload, with its RFC 9530 digest."""
        digest = encode_base64(hashlib.sha256(data).digest())
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
        }
        self._connection.put(f"{API}/deposits/{deposit}/parts/{number}", data, headers)

    def commit_deposit(
        self, deposit: str, manifest: bytes, envelopes: Sequence[bytes], key: str
    ) -> bytes:
        """The receipt of ``deposit.committed``."""
        body = {"manifest": manifest.decode(), "envelopes": [encode_base64(e) for e in envelopes]}
        answer = self._connection.post(f"{API}/deposits/{deposit}/commit", body, key=key)
        return field(answer, "receipt", utf8)

    def erasable(self, dossier: str | None) -> Any:
        """``{"ranges", "unattested"}``: what a retention may erase now, of one dossier or of all."""
        query = (("dossier", dossier),) if dossier is not None else ()
        return self._connection.get(f"{API}/retention", query)

    def renew_release_key(self, deposit: str, sitting_sha256: Digest) -> Attested:
        """The deposit's release key by the broker that is in charge now."""
        body = {"sitting_sha256": sitting_sha256}
        answer = self._connection.post(f"{API}/deposits/{deposit}/release-key", body)
        return field({"x": answer}, "x", attested)

    def contact(self) -> str | None:
        """One's own address for notices."""
        return field(self._connection.get(f"{API}/contact"), "address", optional(text))

    def set_contact(self, address: str | None, language: str) -> None:
        """Give it, or take it back (None)."""
        body = json.dumps({"address": address, "language": language}).encode()
        headers = {"Content-Type": "application/json"}
        self._connection.put(f"{API}/contact", body, headers)

    def releases_of(self, deposit: str) -> tuple[bytes, ...]:
        """The receipts of the releases of a deposit of one's own association."""
        answer = self._connection.get(f"{API}/deposits/{deposit}/releases")
        return field(answer, "receipts", many(utf8))

    def add_grant(self, deposit: str, grant: bytes, envelopes: Sequence[bytes]) -> bytes:
        """The receipt of ``grant.added``."""
        body = {"grant": grant.decode(), "envelopes": [encode_base64(e) for e in envelopes]}
        answer = self._connection.post(f"{API}/deposits/{deposit}/envelopes", body)
        return field(answer, "receipt", utf8)

    def release(self, request: bytes, key: str) -> Any:
        """``{"releases", "refusals"}``."""
        return self._connection.post(f"{API}/releases", {"request": request.decode()}, key=key)

    def payload(self, deposit: str, first: int) -> Iterator[bytes]:
        """The sealed payload from byte ``first`` on."""
        return self._connection.stream(f"{API}/deposits/{deposit}/payload", first=first)

    # -- the auditor's --------------------------------------------------------------------

    def disclosures(self) -> Iterator[bytes]:
        """Disclosures as NDJSON."""
        return self._connection.stream(f"{API}/disclosures")

    def broker_record(self) -> tuple[bytes, bytes]:
        """The broker's own record: entries and signed checkpoint."""
        answer = self._connection.get(f"{API}/broker/record")
        return field(answer, "entries", utf8), field(answer, "checkpoint", utf8)

    def tile(self, path: str) -> bytes:
        """A file of the log, ``tile/0/000`` or ``tile/entries/000.p/7``."""
        return self._connection.get_bytes(f"/log/{path}")

    def get(self, path: str, query: Query = ()) -> Any:
        """Any other JSON route."""
        return self._connection.get(f"{API}{path}", query)
