"""Who may call what in which state: every role, every route of the API, before the real service.

``python -m tests.support.permission_matrix`` writes docs/permissions.md; a test compares.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crypto.digests import Digest, sha256
from crypto.encoding import encode_base64
from crypto.statements import Statement, Unverified
from crypto.statements.custody import Attestation, Hold, Purge
from crypto.statements.exchange import (
    AccessRequest,
    Declaration,
    Grant,
    Purpose,
    Recusal,
    Undertaking,
)
from crypto.statements.registry import (
    Capacity,
    Certificate,
    Role,
    Roster,
    RosterApproval,
    RosterMandate,
    SeatKind,
    Stage,
)
from exchange.usecases.service import PURGE_DELAY
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_log import START
from tests.support.broker_world_registry import Person, roster_seat
from tests.support.live_service import API, LiveService, get, post, put

FILE: Final = Path(__file__).parents[2] / "docs" / "permissions.md"

SEATS: Final = {"cdom": "claire", "mairie": "rosa", "altair": "odile", "parquet": "remi",
                "dasen": "edgar", "invite": "gaston"}  # fmt: skip
CAST: Final = (
    ("nadia", "altair", Role.DEPOSITOR),
    ("paul", "nid", Role.DEPOSITOR),
    ("claire", "cdom", Role.MEMBER),
    ("odile", "altair", Role.MEMBER),
    ("remi", "parquet", Role.MEMBER),
    ("martin", "mairie", Role.MEMBER),
    ("gaston", "invites", Role.MEMBER),
    ("irene", "prefecture", Role.AUDITOR),
    ("rosa", "mairie", Role.MEMBER),
    ("edgar", "dasen", Role.MEMBER),
)
ROLES: Final = {
    "stranger": "",
    "depositor": "nadia",
    "other association": "paul",
    "member": "claire",
    "own seat": "odile",
    "recused": "remi",
    "not seated": "martin",
    "guest": "gaston",
    "auditor": "irene",
    "registrar": "registrar",
    "revoked": "rosa",
    "expired": "edgar",
}
STATES: Final = ("planned", "convoked", "open", "withdrawn", "closed", "purged")
YES: Final = "yes"


class Commission(LiveService):
    """Twelve roles; one certificate lapses within a day."""

    def certificate(self, person: Person, enrolment: Digest) -> Unverified[Certificate]:
        made = super().certificate(person, enrolment)
        if person.name != "edgar":
            return made
        fields = {name: getattr(made.statement, name) for name in Certificate.model_fields}
        for name in ("commission", "id", "issued_at", "signer"):
            del fields[name]
        return self.by_registrar(Certificate, **{**fields, "not_after": START + timedelta(days=1)})

    def roster(self, version: int = 1, previous: Digest | None = None) -> Unverified[Roster]:
        days = {"from_day": date(2026, 1, 1), "to_day": date(2028, 12, 31), "decree": None}
        return self.by_registrar(
            Roster,
            version=version,
            previous=previous,
            seats=tuple(
                roster_seat(
                    code,
                    {"altair": SeatKind.ASSOCIATION, "invite": SeatKind.GUEST}.get(
                        code, SeatKind.EX_OFFICIO
                    ),
                    "altair" if code == "altair" else None,
                )
                for code in SEATS
            ),
            mandates=tuple(
                RosterMandate(
                    mandate=self.people[who].mandate,
                    seat=code,
                    person=self.people[who].person,
                    capacity=Capacity.TITULAR,
                    **days,  # type: ignore[arg-type]
                )
                for code, who in SEATS.items()
            ),
            approvals=tuple(
                RosterApproval(organisation=code, label=code, rna="W920000000", **days)  # type: ignore[arg-type]
                for code in ("altair", "nid")
            ),
        )

    def found(self) -> None:
        self.publish_trust()
        for name, organisation, role in CAST:
            person = self.enrol(name, organisation, role)
            person.seat = next((code for code, who in SEATS.items() if who == name), "")
            person.mandate = self.new_id()
            self.people[name] = person
        self.post(self.roster())


@dataclass
class Asking:
    """One role before one deposit."""

    live: Commission
    client: FlaskClient
    who: Person | None
    """None: the registrar, or a stranger who tries with the depositor's statements."""
    registrar: bool
    sitting: str
    deposit: Deposit
    committed: int
    """The index of ``deposit.committed``."""

    def sign(self, kind: type[Statement], **fields: Any) -> bytes:
        if self.registrar:
            return self.live.by_registrar(kind, **fields).envelope
        return self.live.by(self.who or self.live.people["nadia"], kind, **fields).envelope

    def statement(self, kind: type[Statement], **fields: Any) -> TestResponse:
        body = {"statement": self.sign(kind, **fields).decode()}
        return post(self.client, f"{API}/statements", body)

    def get(self, path: str) -> TestResponse:
        return get(self.client, f"{API}{path}")

    def of(self, rest: str) -> str:
        return f"/deposits/{self.deposit.deposit}/{rest}"

    def post(self, path: str, body: Any) -> TestResponse:
        return post(self.client, f"{API}{path}", body, key=self.live.new_id())


def _begin(ask: Asking) -> TestResponse:
    seen = ask.live.sittings[ask.sitting].digest
    return ask.post("/deposits", {"sitting": ask.sitting, "sitting_sha256": seen})


def _commit(ask: Asking) -> TestResponse:
    envelopes = [encode_base64(each) for each in ask.deposit.envelopes.values()]
    body = {"manifest": ask.deposit.manifest.envelope.decode(), "envelopes": envelopes}
    return ask.post(ask.of("commit"), body)


def _grant(ask: Asking) -> TestResponse:
    reader = ask.live.people["claire"]
    made = ask.deposit
    entry, _header, envelope = ask.live.envelope(
        made.release_key, made.file_key, reader, Purpose.READ
    )
    grant = ask.sign(
        Grant,
        manifest=made.manifest.digest,
        release_key_sha256=made.release_key.digest,
        envelopes=(entry,),
        reason="essai",
    )
    body = {"grant": grant.decode(), "envelopes": [encode_base64(envelope)]}
    return ask.post(ask.of("envelopes"), body)


def _release(ask: Asking) -> TestResponse:
    purpose = Purpose.GRANT if ask.who and Role.DEPOSITOR in ask.who.roles else Purpose.READ
    who = ask.who or ask.live.people["claire"]
    request = ask.live.request(who, ask.sitting, ask.deposit, purpose=purpose)
    signed = request.signed.envelope
    if ask.registrar:
        statement = request.signed.statement
        names = set(AccessRequest.model_fields) - {"commission", "id", "issued_at", "signer"}
        signed = ask.sign(AccessRequest, **{name: getattr(statement, name) for name in names})
    return ask.post("/releases", {"request": signed.decode()})


def _roster(ask: Asking) -> TestResponse:
    """A next version: the registrar's own is refused as well, for its number, not for its signer."""
    wanted = ask.live.roster(9, Digest("0" * 64)).statement
    names = set(Roster.model_fields) - {"commission", "id", "issued_at", "signer"}
    return ask.statement(Roster, **{name: getattr(wanted, name) for name in names})


ROUTES: Final[dict[str, Callable[[Asking], TestResponse]]] = {
    "GET /trust": lambda ask: ask.get("/trust"),
    "GET /status": lambda ask: ask.get(f"/status?nonce={quote(encode_base64(os.urandom(32)))}"),
    "GET /sittings": lambda ask: ask.get("/sittings"),
    "GET /sittings/{sitting}": lambda ask: ask.get(f"/sittings/{ask.sitting}"),
    "GET /statements": lambda ask: ask.get("/statements?type=manifest"),
    "GET /statements/{digest} (manifest)": lambda ask: ask.get(
        f"/statements/{ask.deposit.manifest.digest}"
    ),
    "GET /receipts/{index} (deposit)": lambda ask: ask.get(f"/receipts/{ask.committed}"),
    "GET /disclosures": lambda ask: ask.get("/disclosures"),
    "GET /broker/record": lambda ask: ask.get("/broker/record"),
    "POST /deposits": _begin,
    "PUT /deposits/{deposit}/parts/{number}": lambda ask: put(
        ask.client, f"{API}{ask.of('parts/1')}", b"x"
    ),
    "POST /deposits/{deposit}/commit (again)": _commit,
    "POST /deposits/{deposit}/envelopes": _grant,
    "POST /deposits/{deposit}/release-key": lambda ask: ask.post(
        ask.of("release-key"), {"sitting_sha256": ask.live.sittings[ask.sitting].digest}
    ),
    "GET /deposits/{deposit}/releases": lambda ask: ask.get(ask.of("releases")),
    "POST /releases": _release,
    "GET /deposits/{deposit}/payload": lambda ask: ask.get(ask.of("payload")),
    "POST /statements (roster)": _roster,
    "POST /statements (hold)": lambda ask: ask.statement(
        Hold,
        dossiers=(ask.deposit.dossier,),
        until=ask.live.now + timedelta(seconds=1),
        reason="essai",
    ),
    "POST /statements (undertaking)": lambda ask: ask.statement(
        Undertaking,
        mandate=ask.who.mandate if ask.who else ask.live.people["claire"].mandate,
        text_sha256=sha256(b"engagement"),
    ),
    "POST /statements (declaration)": lambda ask: ask.statement(
        Declaration, sitting=ask.sitting, dossiers=(ask.deposit.dossier,)
    ),
    "POST /statements (attestation)": lambda ask: ask.statement(
        Attestation,
        ranges=({"first": 0, "last": 0},),
        checkpoint=ask.live.log.checkpoint().decode(),
        verdict="conforme",
    ),
}
"""Every route of the API but logging in and out; those that take statements, by statement."""


def outcome(answer: TestResponse) -> str:
    """``yes``, or the code under which it is refused."""
    if answer.status_code >= 400:
        return str((answer.json or {}).get("code", answer.status_code))
    if answer.json is not None and "releases" in answer.json and "refusals" in answer.json:
        refusals = answer.json["refusals"]
        return str(refusals[0]["reason"]) if refusals else YES
    return YES


Table = dict[tuple[str, str, str], str]
"""By route, role and state."""


@dataclass
class Matrix:
    """The commission walked from state to state, every role asking every route in each."""

    live: Commission
    table: Table = field(default_factory=dict)
    stale: dict[str, FlaskClient] = field(default_factory=dict)

    def walk(self) -> Table:
        live = self.live
        live.found()
        people = live.people
        for name in ("rosa", "edgar"):
            self.stale[name] = live.client(people[name])
        sitting = live.publish_sitting(
            "claire", "rosa", "odile", "remi", "edgar", stage=Stage.PLANNED
        )
        readers = [people[name] for name in ("claire", "rosa", "remi", "edgar")]
        kept, gone = (live.deposit(people["nadia"], sitting, *readers) for _each in range(2))
        live.publish_agenda(sitting, kept, gone)
        live.post(
            live.by(people["remi"], Recusal, sitting=sitting, dossiers=(kept.dossier, gone.dossier))
        )
        live.undertake(people["claire"])
        live.declare(people["claire"], sitting, kept, gone)
        live.revoke(people["rosa"])
        live.advance(days=2)
        self._ask("planned", sitting, kept)
        live.publish_sitting("claire", "odile", "remi", of=sitting)
        self._ask("convoked", sitting, kept)
        live.advance(days=3)
        self._ask("open", sitting, kept)
        live.withdraw(people["nadia"], gone)
        self._ask("withdrawn", sitting, gone)
        live.close(sitting)
        self._ask("closed", sitting, kept)
        live.advance(seconds=PURGE_DELAY.total_seconds())
        live.post(
            live.by_registrar(
                Purge, sitting=sitting, deposits=(kept.deposit,), visa=None, reason="fin"
            )
        )
        self._ask("purged", sitting, kept)
        return self.table

    def _ask(self, state: str, sitting: str, deposit: Deposit) -> None:
        committed = self._committed(deposit)
        for role, name in ROLES.items():
            for route, call in ROUTES.items():
                who = self.live.people.get(name)
                asking = Asking(
                    self.live,
                    self._client(name),
                    who,
                    name == "registrar",
                    sitting,
                    deposit,
                    committed,
                )
                self.table[route, role, state] = outcome(call(asking))

    def _client(self, name: str) -> FlaskClient:
        if name == "":
            return self.live.anonymous()
        if name in self.stale:
            return self.stale[name]
        return self.live.client(self.live.people.get(name))

    def _committed(self, deposit: Deposit) -> int:
        wanted = deposit.manifest.digest.encode()
        store = self.live.wired.service.log_store
        for index in range(2_000):
            found = store.disclosure(index)
            if found and b"deposit.committed" in found.details and wanted in found.details:
                return index
        raise AssertionError("the deposit was not committed")


def table_in(directory: Path) -> Table:
    """The whole table, from a new commission."""
    live = Commission(directory)
    try:
        return Matrix(live).walk()
    finally:
        live.shut()


def page(table: Table) -> str:
    """docs/permissions.md: one table a route, roles down, states across; ``·`` for the usual no."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    yield "# Who may call what, and when"
    yield ""
    yield "Written by `python -m tests.support.permission_matrix` from the real service, and compared by a"
    yield "test: each cell is what a role was answered when it asked about one deposit in one state. `yes`, or"
    yield "the code of the refusal (of a release: its reason). *Own seat*: the member of the depositing"
    yield "association's own seat; *recused*: who stepped aside; *revoked* and *expired* sat at that sitting."
    for route in ROUTES:
        yield ""
        yield f"## `{route}`"
        yield ""
        yield f"| role | {' | '.join(STATES)} |"
        yield f"| --- |{' --- |' * len(STATES)}"
        for role in ROLES:
            cells = (table[route, role, state] for state in STATES)
            yield f"| {role} | {' | '.join(cells)} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(page(table_in(Path(folder))), encoding="utf-8")
