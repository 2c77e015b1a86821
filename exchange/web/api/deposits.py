"""Depositing: begin, send parts, commit, add envelopes."""

from __future__ import annotations

from flask import Blueprint, Response

from audit.events import EventType
from crypto.encoding import decode_base64
from exchange.usecases.add_grant import add_grant
from exchange.usecases.begin_deposit import begin_deposit
from exchange.usecases.commit_deposit import commit_deposit
from exchange.usecases.put_part import put_part
from exchange.usecases.read_releases import read_releases
from exchange.usecases.renew_release_key import renew_release_key
from exchange.usecases.service import PART_BYTES
from exchange.web.accounts import caller
from exchange.web.answers import json_answer, no_content
from exchange.web.bodies import read_digested_octets, read_json
from exchange.web.context import service
from exchange.web.forms import (
    MAX_ENVELOPES_BODY,
    MAX_SMALL_BODY,
    AttestedAnswer,
    BeginDepositForm,
    CommitDepositForm,
    DepositAnswer,
    GrantForm,
    ReceiptAnswer,
    ReceiptsAnswer,
    ReleaseKeyForm,
)
from exchange.web.idempotency import reserved_id
from exchange.web.routes import answers, records, records_nothing, takes, takes_octets

blueprint = Blueprint("deposits", __name__, url_prefix="/api/v1/deposits")


@blueprint.post("")
@records(EventType.DEPOSIT_BEGUN)
@takes(BeginDepositForm, MAX_SMALL_BODY, key_required=True)
@answers(201, DepositAnswer)
def begin() -> Response:
    """Begin a deposit: its id and the release key that its envelopes are sealed to."""
    form = read_json(BeginDepositForm, MAX_SMALL_BODY)
    begun = begin_deposit(
        service(), caller(), form.sitting, form.sitting_sha256, deposit=reserved_id()
    )
    return json_answer(
        DepositAnswer(
            deposit=begun.deposit,
            release_key=AttestedAnswer.of(begun.release_key),
            part_bytes=service().limits.part_bytes,
        ),
        201,
    )


@blueprint.put("/<deposit>/parts/<int:number>")
@records_nothing("ciphertext coming in, unreadable until its commit, which is an event")
@takes_octets(PART_BYTES)
@answers(204)
def part(deposit: str, number: int) -> Response:
    """One part of the payload, with its digest (RFC 9530). The same part again is fine."""
    asking = caller()
    data, digest = read_digested_octets(service().limits.part_bytes)
    put_part(service(), asking, deposit, number, data, digest)
    return no_content()


@blueprint.post("/<deposit>/commit")
@records(EventType.DEPOSIT_COMMITTED)
@takes(CommitDepositForm, MAX_ENVELOPES_BODY)
@answers(201, ReceiptAnswer)
def commit(deposit: str) -> Response:
    """Commit a deposit by its manifest and envelopes. The same manifest again is fine."""
    asking = caller()
    form = read_json(CommitDepositForm, MAX_ENVELOPES_BODY)
    envelopes = [decode_base64(each) for each in form.envelopes]
    receipt = commit_deposit(service(), asking, deposit, form.manifest.encode(), envelopes)
    return json_answer(ReceiptAnswer(receipt=receipt.decode()), 201)


@blueprint.post("/<deposit>/release-key")
@records(EventType.DEPOSIT_REKEYED)
@takes(ReleaseKeyForm, MAX_SMALL_BODY)
@answers(200, AttestedAnswer)
def release_key(deposit: str) -> Response:
    """The deposit's release key by the broker in charge, made anew if the former broker was lost."""
    asking = caller()
    form = read_json(ReleaseKeyForm, MAX_SMALL_BODY)
    attested = renew_release_key(service(), asking, deposit, form.sitting_sha256)
    return json_answer(AttestedAnswer.of(attested))


@blueprint.get("/<deposit>/releases")
@records(EventType.ROSTER_READ)
@answers(200, ReceiptsAnswer)
def releases_of(deposit: str) -> Response:
    """To whom a deposit of one's own association was released: the receipts of those events."""
    found = read_releases(service(), caller(), deposit)
    return json_answer(ReceiptsAnswer(receipts=tuple(each.decode() for each in found)))


@blueprint.post("/<deposit>/envelopes")
@records(EventType.GRANT_ADDED)
@takes(GrantForm, MAX_ENVELOPES_BODY)
@answers(201, ReceiptAnswer)
def grant(deposit: str) -> Response:
    """Add envelopes by a grant. The same grant again is fine."""
    asking = caller()
    form = read_json(GrantForm, MAX_ENVELOPES_BODY)
    envelopes = [decode_base64(each) for each in form.envelopes]
    receipt = add_grant(service(), asking, deposit, form.grant.encode(), envelopes)
    return json_answer(ReceiptAnswer(receipt=receipt.decode()), 201)
