"""One's own address for notices."""

from __future__ import annotations

from flask import Blueprint, Response

from exchange.usecases.contacts import read_contact, remove_contact, set_contact
from exchange.web.accounts import caller
from exchange.web.answers import json_answer, no_content
from exchange.web.bodies import read_json
from exchange.web.context import service
from exchange.web.forms import MAX_SMALL_BODY, ContactAnswer, ContactForm
from exchange.web.routes import answers, records_nothing, takes

blueprint = Blueprint("contact", __name__, url_prefix="/api/v1")

OWN = "one's own address, which stands in no log; it gives access to nothing"


@blueprint.get("/contact")
@records_nothing(OWN)
@answers(200, ContactAnswer)
def contact() -> Response:
    """The caller's address, or null."""
    found = read_contact(service(), caller())
    return json_answer(ContactAnswer(address=found.address if found else None))


@blueprint.put("/contact")
@records_nothing(OWN)
@takes(ContactForm, MAX_SMALL_BODY)
@answers(204)
def put_contact() -> Response:
    """Give an address or another one, or take it back (null)."""
    form = read_json(ContactForm, MAX_SMALL_BODY)
    if form.address is None:
        remove_contact(service(), caller())
    else:
        set_contact(service(), caller(), form.address, form.language)
    return no_content()
