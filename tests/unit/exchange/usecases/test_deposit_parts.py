"""The parts of a deposit, and manifests that are not the sender's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.digests import sha256
from crypto.statements.registry import Role
from exchange.usecases.errors import (
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    ObjectConflictError,
    TooManyError,
)
from exchange.usecases.put_part import put_part
from exchange.usecases.service import PART_BYTES
from tests.support.refusals import commit_refused


def test_parts_are_checked(convoked):
    """Altered, empty, oversized or misnumbered parts are refused; the same part again is fine."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    caller = convoked.depositor.caller

    def put(number, data, digest=None):
        put_part(world.service, caller, begun.deposit, number, data, digest or sha256(data))

    put(1, begun.payload)
    with pytest.raises(ObjectConflictError):
        put(1, b"another content")
    with pytest.raises(ObjectConflictError, match="annoncée"):
        put(2, b"content", sha256(b"other"))
    with pytest.raises(InvalidRequestError):
        put(2, b"")
    with pytest.raises(InvalidRequestError):
        put(2, bytes(PART_BYTES + 1))
    for number in (0, -1, 33):
        with pytest.raises(TooManyError):
            put(number, b"content")


def test_another_associations_deposit_does_not_exist(convoked):
    """A depositor of another association cannot send to it, commit it, or tell that it exists."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    stranger = convoked.other_depositor
    with pytest.raises(NotFoundError) as theirs:
        put_part(world.service, stranger.caller, begun.deposit, 1, b"x", sha256(b"x"))
    with pytest.raises(NotFoundError) as nobodys:
        put_part(world.service, stranger.caller, world.new_id(), 1, b"x", sha256(b"x"))
    assert str(theirs.value) == str(nobodys.value)
    made = world.manifest(stranger, begun, [convoked.doctor])
    with pytest.raises(NotFoundError):
        world.commit(stranger, made)


def test_a_colleagues_manifest_needs_the_colleagues_login(convoked):
    """A manifest is committed by who signed it."""
    world = convoked.world
    colleague = world.admit("Rémi Demo", "altair", Role.DEPOSITOR)
    begun = world.begun(convoked.depositor)
    made = world.manifest(colleague, begun, [convoked.doctor, convoked.mayor])
    commit_refused(convoked, NotAllowedError, made)
    assert world.commit(colleague, made).receipt


def test_a_forged_manifest_is_refused(convoked):
    """A signature by another key than the certificate's is no signature."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    forger = replace(convoked.depositor, seed=convoked.other_depositor.seed)
    made = world.manifest(forger, begun, [convoked.doctor, convoked.mayor])
    commit_refused(convoked, NotAllowedError, made)
