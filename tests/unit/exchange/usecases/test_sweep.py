"""Sweeping: what was abandoned goes, what was promised stays, whatever runs beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from crypto.digests import sha256
from exchange.usecases.begin_deposit import begin_deposit
from exchange.usecases.commit_deposit import commit_deposit
from exchange.usecases.errors import ConflictError, NotFoundError, ObjectConflictError
from exchange.usecases.sweep import sweep
from tests.support.memory_commission_deposits import NONCE
from tests.support.memory_commission_registry import days


def test_old_uploads_are_swept_and_deposits_kept(convoked):
    """An upload that nobody finished goes after two days; what is committed stays readable."""
    world, made = convoked.world, convoked.deposit()
    left = world.begun(convoked.depositor)
    sweep(world.service)
    assert world.database.rows.deposits[left.deposit].state == "begun"
    world.clock.advance(days(2.5))
    swept = sweep(world.service)
    assert swept.uploads == 1
    assert world.database.rows.deposits[left.deposit].state == "abandoned"
    assert list(world.objects.uploads()) == []
    assert list(world.objects.names()) == [world.database.rows.deposits[made.deposit].object_name]


def test_a_stray_object_is_swept(convoked):
    """An object that no row names is deleted at once, also while another deposit is under way."""
    world, made = convoked.world, convoked.deposit()
    upload = world.objects.begin()
    world.objects.put_part(upload, 1, NONCE, sha256(NONCE))
    world.objects.commit(upload, len(NONCE), sha256(NONCE))
    world.begun(convoked.depositor)
    assert sweep(world.service).objects == 1
    kept = world.database.rows.deposits[made.deposit].object_name
    assert list(world.objects.names()) == [kept]


def die_after_making_the_object(world, convoked, begun):
    """A commit whose process dies between object and row; what its retry needs."""
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    arguments = (convoked.depositor.caller, made.deposit, made.manifest.envelope, made.envelopes)
    commit = world.objects.commit

    def die(*content):
        commit(*content)
        raise OSError("killed")

    world.objects.commit = die
    with pytest.raises(OSError, match="killed"):
        commit_deposit(world.service, *arguments)
    world.objects.commit = commit
    assert len(list(world.objects.names())) == 1
    return arguments


def test_a_deposit_under_way_is_never_swept(convoked):
    """Between object and row a commit would be in danger from the sweep: its row names the object."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    arguments = die_after_making_the_object(world, convoked, begun)
    assert sweep(world.service).objects == 0
    commit_deposit(world.service, *arguments)
    assert world.database.rows.deposits[begun.deposit].state == "committed"
    assert sweep(world.service).objects == 0


def test_the_object_of_an_abandoned_deposit_is_swept(convoked):
    """Nobody came back after the crash: in two days deposit and object are gone."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    arguments = die_after_making_the_object(world, convoked, begun)
    world.clock.advance(days(2.5))
    assert sweep(world.service).objects == 1
    assert list(world.objects.names()) == []
    with pytest.raises(ConflictError):
        commit_deposit(world.service, *arguments)


def other_content(world, convoked, begun):
    """A manifest for bytes that were never sent; what its commit needs."""
    wrong = replace(begun, payload=begun.payload[:-1] + bytes([begun.payload[-1] ^ 1]))
    made = world.manifest(convoked.depositor, wrong, [convoked.doctor, convoked.mayor])
    return (convoked.depositor.caller, made.deposit, made.manifest.envelope, made.envelopes)


def test_other_content_takes_the_promise_back(convoked):
    """What was not sent cannot be committed, leaves no name behind, and does not hide an orphan."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    arguments = die_after_making_the_object(world, convoked, begun)
    with pytest.raises(ObjectConflictError):
        commit_deposit(world.service, *other_content(world, convoked, begun))
    assert world.database.rows.deposits[begun.deposit].object_name is None
    assert sweep(world.service).objects == 1
    with pytest.raises(ObjectConflictError):  # its parts are gone too: it is sent again
        commit_deposit(world.service, *arguments)
    assert "deposit.committed" not in world.kinds()


def test_a_commit_that_comes_back_during_a_sweep_keeps_its_object(convoked):
    """Rows are read, then the commit returns for its object: the sweep asks again, and leaves it."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    arguments = die_after_making_the_object(world, convoked, begun)
    with pytest.raises(ObjectConflictError):
        commit_deposit(world.service, *other_content(world, convoked, begun))
    long_ago = world.now - days(9)
    world.objects.uploads = lambda: [("stray", long_ago)]
    abort = world.objects.abort

    def come_back(upload):
        world.objects.abort = abort
        commit_deposit(world.service, *arguments)
        abort(upload)

    world.objects.abort = come_back
    assert sweep(world.service).objects == 0
    assert list(world.objects.names()) == [world.database.rows.deposits[begun.deposit].object_name]


def test_two_commits_at_once_are_one(convoked):
    """A retry that overtakes the first attempt makes no second event, and both get the receipt."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    arguments = (convoked.depositor.caller, made.deposit, made.manifest.envelope, made.envelopes)
    commit, receipts = world.objects.commit, []

    def overtaken(*content):
        world.objects.commit = commit
        receipts.append(commit_deposit(world.service, *arguments))
        return commit(*content)

    world.objects.commit = overtaken
    receipts.append(commit_deposit(world.service, *arguments))
    assert receipts[0] == receipts[1]
    assert world.kinds().count("deposit.committed") == 1


def test_a_begun_deposit_is_found_again(convoked):
    """The id reserved for a request leads a retry to the same deposit and key, wherever it stopped."""
    world, deposit = convoked.world, convoked.world.new_id()
    ask = partial(
        begin_deposit,
        world.service,
        convoked.depositor.caller,
        world.sitting_id,
        world.sitting_digest(),
        deposit=deposit,
    )
    publish, world.objects.begin = world.objects.begin, lambda: {}["killed"]
    with pytest.raises(KeyError):  # after the broker made its key, before the row
        ask()
    world.objects.begin = publish
    first, again = ask(), ask()
    assert first.release_key.envelope == again.release_key.envelope
    assert world.kinds().count("deposit.begun") == 1
    with pytest.raises(NotFoundError):
        begin_deposit(
            world.service,
            convoked.other_depositor.caller,
            world.sitting_id,
            world.sitting_digest(),
            deposit=deposit,
        )
