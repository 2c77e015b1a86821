"""The address to which a person wants to be written: given by themself, and taken back by themself."""

from __future__ import annotations

import re
from typing import Final

from exchange.usecases.errors import InvalidRequestError, NotAllowedError
from exchange.usecases.ports import Contact
from exchange.usecases.record import present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
)
"""What HTML calls a valid e-mail address, with a dot in its domain: no spaces, no control characters."""

MAX_ADDRESS_CHARS: Final = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""


def set_contact(service: Service, caller: Caller, address: str, language: str) -> None:
    """Keep the caller's address; it stands in no statement and in no log."""
    if len(address) > MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(address):
        raise InvalidRequestError("Cette adresse électronique n'est pas correcte.")
    person = _person(caller)
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        work.contacts.put(Contact(person, address, "en" if language == "en" else "fr"))
        work.commit()


def read_contact(service: Service, caller: Caller) -> Contact | None:
    """The caller's own address."""
    with service.readings() as work:
        require_caller(service, work, caller, present(service))
        return work.contacts.get(_person(caller))


def remove_contact(service: Service, caller: Caller) -> None:
    """Forget it. Idempotent."""
    person = _person(caller)
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        work.contacts.remove(person)
        work.commit()


def _person(caller: Caller) -> str:
    if caller.person is None:
        raise NotAllowedError("Une adresse est celle d'une personne certifiée, pas du secrétariat.")
    return caller.person
