"""Payloads: read back after a release that was answered, each reading logged once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.usecases.errors import NotFoundError, UnavailableError
from exchange.usecases.read_payload import read_payload
from tests.support.memory_commission import Convened
from tests.support.memory_commission_deposits import Deposited


def payload(convoked: Convened, made: Deposited):
    return read_payload(convoked.world.service, convoked.doctor.caller, made.deposit)


def test_a_payload_is_read_back_bit_for_bit(convoked):
    """After a release the stored bytes come back, whole and by range."""
    made = convoked.ready()
    convoked.world.release(convoked.doctor, made)
    found = payload(convoked, made)
    assert b"".join(found.read()) == made.payload
    assert b"".join(found.read(10, 20)) == made.payload[10:30]
    assert found.length == len(made.payload)


def test_one_event_covers_all_ranges_of_a_release(convoked):
    """payload.read is logged once a release, and before the first byte."""
    made = convoked.ready()
    convoked.world.release(convoked.doctor, made)
    convoked.world.witness.up = False
    with pytest.raises(UnavailableError):
        payload(convoked, made)
    convoked.world.witness.up = True
    payload(convoked, made)
    payload(convoked, made)
    assert convoked.world.kinds().count("payload.read") == 1
    convoked.world.release(convoked.doctor, made)
    payload(convoked, made)
    assert convoked.world.kinds().count("payload.read") == 2


def test_no_payload_without_an_answered_release(convoked):
    """Neither a member who never asked, nor one whom the broker did not answer, gets bytes."""
    made = convoked.ready()
    with pytest.raises(NotFoundError):
        payload(convoked, made)
    convoked.world.broker.refuses = "non"
    convoked.world.release(convoked.doctor, made)
    with pytest.raises(NotFoundError):
        payload(convoked, made)
    mayor = replace(convoked.mayor.caller)
    with pytest.raises(NotFoundError):
        read_payload(convoked.world.service, mayor, made.deposit)
