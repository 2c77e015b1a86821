"""Logging in by a signed challenge, enrolling, logging out."""

from __future__ import annotations

from flask import Blueprint, Response

from audit.events import EventType
from crypto.encoding import encode_base64, format_instant
from exchange.usecases.challenge_login import challenge_login
from exchange.usecases.enrol import enrol as enrol_device
from exchange.usecases.login import login as log_in_by_statement
from exchange.web.accounts import log_in, log_out
from exchange.web.answers import json_answer, no_content
from exchange.web.bodies import read_json
from exchange.web.context import service
from exchange.web.forms import (
    MAX_SMALL_BODY,
    MAX_STATEMENT_BODY,
    AcceptedAnswer,
    ChallengeAnswer,
    Empty,
    LoginAnswer,
    StatementForm,
)
from exchange.web.routes import anonymous, answers, records, records_nothing, takes

blueprint = Blueprint("login", __name__, url_prefix="/api/v1")


@blueprint.post("/login/challenge")
@records_nothing("gives a random number and reveals nothing; the login that uses it is an event")
@anonymous("nobody has a login before this")
@takes(Empty, MAX_SMALL_BODY)
@answers(200, ChallengeAnswer)
def challenge() -> Response:
    """A nonce to sign, good once and for a few minutes."""
    read_json(Empty, MAX_SMALL_BODY)
    made = challenge_login(service())
    return json_answer(
        ChallengeAnswer(
            origin=made.origin,
            nonce=encode_base64(made.nonce),
            expires_at=format_instant(made.expires_at),
        )
    )


@blueprint.post("/login")
@records(EventType.LOGIN_ACCEPTED, EventType.LOGIN_REFUSED)
@anonymous("this is how a login begins")
@takes(StatementForm, MAX_STATEMENT_BODY)
@answers(200, LoginAnswer)
def login() -> Response:
    """Log in with a signed ``login`` statement; sets the cookie."""
    form = read_json(StatementForm, MAX_STATEMENT_BODY)
    done = log_in_by_statement(service(), form.statement.encode())
    log_in(done.caller, service().clock())
    return json_answer(
        LoginAnswer(
            person=done.caller.person,
            organisation=done.caller.organisation,
            roles=tuple(sorted(role.value for role in done.caller.roles)),
            certificate=done.caller.certificate,
            receipt=done.receipt.decode(),
        )
    )


@blueprint.post("/logout")
@records_nothing("ends this browser's own login and reveals nothing")
@anonymous("ending a login that is already over is no error")
@takes(Empty, MAX_SMALL_BODY)
@answers(204)
def logout() -> Response:
    """Log out."""
    read_json(Empty, MAX_SMALL_BODY)
    log_out()
    return no_content()


@blueprint.post("/invitations/<invitation>/enrolment")
@records(EventType.STATEMENT_ACCEPTED)
@anonymous("an invited person has no certificate yet; the invitation's id is 128 bits")
@takes(StatementForm, MAX_STATEMENT_BODY)
@answers(201, AcceptedAnswer)
def enrol(invitation: str) -> Response:
    """Present a device's keys under an invitation."""
    form = read_json(StatementForm, MAX_STATEMENT_BODY)
    done = enrol_device(service(), invitation, form.statement.encode())
    return json_answer(AcceptedAnswer(digest=done.digest, receipt=done.receipt.decode()), 201)
