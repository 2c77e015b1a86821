"""Statements: accepting, listing, reading; trust, status, sittings, receipts, disclosures."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Blueprint, Response, request, stream_with_context

from audit.events import EventType
from crypto.digests import parse_digest
from crypto.encoding import decode_base64, encode_base64, parse_opaque_id
from exchange.usecases.accept_statement import accept_statement
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.errors import ExpiredError
from exchange.usecases.list_sittings import list_sittings
from exchange.usecases.read_disclosures import Disclosures, read_broker_record, read_disclosures
from exchange.usecases.read_receipt import read_receipt
from exchange.usecases.read_sitting import read_sitting
from exchange.usecases.read_statements import read_statement, read_statements
from exchange.usecases.read_status import read_status
from exchange.usecases.trust_policies import emergencies, recoveries, trust_policies
from exchange.web.accounts import caller, optional_caller
from exchange.web.answers import json_answer, text_answer
from exchange.web.bodies import read_json
from exchange.web.context import service
from exchange.web.errors import MalformedRequestError
from exchange.web.forms import (
    MAX_STATEMENT_AND_OPENINGS_BODY,
    AcceptForm,
    AttestedAnswer,
    BrokerRecordAnswer,
    SittingAnswer,
    SittingsAnswer,
    StatementAnswer,
    StatementsAnswer,
    StatusAnswer,
    TrustAnswer,
    TrustContent,
)
from exchange.web.routes import (
    NDJSON,
    TEXT,
    anonymous,
    answers,
    login_optional,
    query,
    records,
    records_nothing,
    takes,
)

blueprint = Blueprint("statements", __name__, url_prefix="/api/v1")


@blueprint.post("/statements")
@records(
    EventType.STATEMENT_ACCEPTED,
    EventType.KEY_DESTROYED,
    EventType.PURGE_DONE,
    EventType.RETENTION_APPLIED,
)
@login_optional(
    "trust policies bear the threshold of the roots; without a broker nobody can log in"
)
@takes(AcceptForm, MAX_STATEMENT_AND_OPENINGS_BODY)
@answers(201, StatementAnswer)
def accept() -> Response:
    """Accept one signed statement. The same statement again changes nothing."""
    form = read_json(AcceptForm, MAX_STATEMENT_AND_OPENINGS_BODY)
    openings = [each.shown() for each in form.openings]
    done = accept_statement(service(), optional_caller(), form.statement.encode(), openings)
    ended = AttestedAnswer.of(done.destruction) if done.destruction else None
    return json_answer(
        StatementAnswer(digest=done.digest, receipt=done.receipt.decode(), destruction=ended), 201
    )


@blueprint.get("/statements")
@records(EventType.ROSTER_READ)
@query("type", "the statement type, such as roster", required=True)
@answers(200, StatementsAnswer)
def find() -> Response:
    """Statements of a type that match every other parameter (a reference and its value)."""
    wanted = {name: value for name, value in request.args.items() if name != "type"}
    if any(len(values) != 1 for _name, values in request.args.lists()):
        raise MalformedRequestError("Un critère de recherche ne se donne qu'une fois.")
    found = read_statements(service(), caller(), request.args.get("type", ""), wanted)
    return json_answer(
        StatementsAnswer(
            statements=tuple(AttestedAnswer.of(each) for each in found.statements),
            receipt=found.receipt.decode(),
        )
    )


@blueprint.get("/statements/<digest>")
@records(EventType.ROSTER_READ)
@answers(200, AttestedAnswer)
def fetch(digest: str) -> Response:
    """One statement by its identity."""
    found = read_statement(service(), caller(), parse_digest(digest))
    if not found.statements:
        raise ExpiredError("Le détail de cette déclaration a été effacé.")
    return json_answer(AttestedAnswer.of(found.statements[0]))


@blueprint.get("/trust")
@records_nothing("names keys and no person; clients check it before anything else")
@anonymous("a client needs it before it can log in")
@answers(200, TrustAnswer)
def trust() -> Response:
    """The trust that this service pins, and every trust policy."""
    pinned = service().trust
    content = TrustContent(
        commission=pinned.commission,
        root_keys=tuple(str(key) for key in pinned.root_keys),
        threshold=pinned.threshold,
    )
    policies = tuple(AttestedAnswer.of(each) for each in trust_policies(service()))
    lowered = tuple(AttestedAnswer.of(each) for each in emergencies(service()))
    recovered = tuple(AttestedAnswer.of(each) for each in recoveries(service()))
    return json_answer(
        TrustAnswer(trust=content, policies=policies, emergencies=lowered, recoveries=recovered)
    )


@blueprint.get("/status")
@records_nothing("statuses are not logged: they say what the broker knows, and reveal no statement")
@query("nonce", "32 random bytes in base64", required=True)
@query("sitting", "whose versions the status is to name")
@query("statement", "digest that the status is to echo; may repeat")
@answers(200, StatusAnswer)
def status() -> Response:
    """The broker's signed status over a fresh nonce."""
    sitting = request.args.get("sitting")
    signed = read_status(
        service(),
        caller(),
        nonce=decode_base64(request.args.get("nonce", "")),
        sitting=parse_opaque_id(sitting) if sitting else None,
        includes=[parse_digest(each) for each in request.args.getlist("statement")],
    )
    return json_answer(StatusAnswer(status=signed.decode()))


@blueprint.get("/sittings")
@records(EventType.ROSTER_READ)
@answers(200, SittingsAnswer)
def sittings() -> Response:
    """The sittings that concern the caller, the latest version of each."""
    found = list_sittings(service(), caller())
    return json_answer(
        SittingsAnswer(sittings=tuple(AttestedAnswer.of(each) for each in found.statements))
    )


@blueprint.get("/sittings/<sitting>")
@records(EventType.ROSTER_READ)
@answers(200, SittingAnswer)
def sitting(sitting: str) -> Response:
    """Everything of a sitting that the caller needs and may see."""
    found = read_sitting(service(), caller(), parse_opaque_id(sitting))
    return json_answer(
        SittingAnswer(
            statements=tuple(AttestedAnswer.of(each) for each in found.statements),
            receipt=found.receipt.decode(),
            agenda=AgendaShown.of(found.agenda, found.openings) if found.agenda else None,
        )
    )


@blueprint.get("/receipts/<int:index>")
@records_nothing("proves an event to whoever acted, who has its details already, or to an auditor")
@answers(200, media_type=TEXT)
def receipt(index: int) -> Response:
    """The receipt of an event under the newest checkpoint (C2SP tlog-proof)."""
    return text_answer(read_receipt(service(), caller(), index))


@blueprint.get("/disclosures")
@records(EventType.DISCLOSURE_READ)
@answers(200, media_type=NDJSON)
def disclosures() -> Response:
    """For auditors: checkpoint, every entry with its disclosure, every statement; one a line."""
    found = read_disclosures(service(), caller())
    return Response(stream_with_context(_lines(found)), content_type=NDJSON)


def _lines(found: Disclosures) -> Iterator[bytes]:
    yield _line({"checkpoint": found.checkpoint.decode()})
    for index, leaf, disclosure in found.entries():
        line: dict[str, object] = {"index": index, "leaf": encode_base64(leaf)}
        if disclosure is not None:
            line["details"] = encode_base64(disclosure.details)
            line["opening"] = encode_base64(disclosure.opening)
        yield _line(line)
    for index, envelope in found.statements:
        yield _line({"statement": envelope.decode(), "index": index})
    for agenda in found.agendas:
        yield agenda.to_bytes() + b"\n"
    yield _line({"end": True})


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@blueprint.get("/broker/record")
@records_nothing("digests of what the log holds already; the export that reads it is an event")
@answers(200, BrokerRecordAnswer)
def broker_record() -> Response:
    """For auditors: the broker's own record and its signed checkpoint."""
    entries, checkpoint = read_broker_record(service(), caller())
    return json_answer(BrokerRecordAnswer(entries=entries.decode(), checkpoint=checkpoint.decode()))
