"""Deposits: begun, sent, committed; and everything that a hostile depositor may try."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from audit.receipts import verify_receipt
from crypto.digests import sha256
from crypto.statements.exchange import Kind, Purpose
from crypto.statements.registry import Role
from exchange.usecases.add_grant import add_grant
from exchange.usecases.begin_deposit import begin_deposit
from exchange.usecases.commit_deposit import commit_deposit
from exchange.usecases.errors import (
    BrokerUnavailableError,
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    ObjectConflictError,
    TooManyError,
)
from exchange.usecases.put_part import put_part
from exchange.usecases.service import MAX_CARD_BYTES, MAX_OPEN_DEPOSITS, PART_BYTES
from exchange.usecases.sweep import sweep
from tests.support.builders import NONCE, days, payload_of


def commit(convoked, made):
    return convoked.world.commit(convoked.depositor, made)


def refused(convoked, error, made, match: str | None = None) -> None:
    """Committing fails with that error and leaves database and log as they were."""
    before = convoked.world.database.dump()
    with pytest.raises(error, match=match):
        commit(convoked, made)
    assert convoked.world.database.dump() == before


def test_a_deposit_is_kept_and_acknowledged(convoked):
    """A committed deposit has its object, its envelopes, its event and a receipt that verifies."""
    made = convoked.deposit()
    world = convoked.world
    record = world.database.rows.deposits[made.deposit]
    assert record.state == "committed"
    assert b"".join(world.objects.read(record.object_name)) == made.payload
    receipt = verify_receipt(made.receipt, world.log_policy)
    assert receipt.details.type.value == "deposit.committed"
    assert receipt.details.cites["manifest"] == made.manifest.digest
    assert receipt.details.facts == {"deposit": made.deposit}
    assert world.broker.index.get(made.manifest.digest) is not None


def test_the_same_commit_again_gives_a_receipt_of_the_same_event(convoked):
    """A lost answer is asked for again without a second event."""
    made = convoked.deposit()
    count = len(convoked.world.kinds())
    again = commit(convoked, made)
    first, second = (
        verify_receipt(each, convoked.world.log_policy) for each in (made.receipt, again.receipt)
    )
    assert first.index == second.index
    assert len(convoked.world.kinds()) == count


def test_a_database_that_dies_at_commit_loses_no_deposit(convoked):
    """The object is there, the row is not: the same commit succeeds afterwards."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])

    def die() -> None:
        raise OSError("disk full")

    world.database.before_commit = die
    with pytest.raises(OSError, match="disk full"):
        commit(convoked, made)
    world.database.before_commit = lambda: None
    assert "deposit.committed" not in world.kinds()
    assert commit(convoked, made).receipt


def test_a_broker_away_at_begin_leaves_nothing(convoked):
    """Without a release key there is no deposit, and no event of one."""
    convoked.world.broker.down = True
    before = convoked.world.database.dump()
    with pytest.raises(BrokerUnavailableError):
        convoked.world.begun(convoked.depositor)
    assert convoked.world.database.dump() == before


def test_a_manifest_signed_hours_ago_is_fine(convoked):
    """A slow line is no offence; a manifest from before the deposit began is."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    readers = [convoked.doctor, convoked.mayor]
    made = world.manifest(convoked.depositor, begun, readers)
    older = world.manifest(
        convoked.depositor, begun, readers, issued_at=world.now - timedelta(hours=1)
    )
    refused(convoked, ExpiredError, older)
    world.clock.advance(timedelta(hours=20))
    assert commit(convoked, made).receipt


BAD_MANIFESTS = {
    "other service": (InvalidRequestError, {"origin": "autre.example/log"}),
    "other commission": (NotAllowedError, {"commission": "b" * 25 + "a"}),
    "other sitting": (InvalidRequestError, {"sitting": "b" * 25 + "a"}),
    "foreign version": (ConflictError, {"sitting_sha256": "0" * 64}),
    "other deposit": (InvalidRequestError, {"deposit": "b" * 25 + "a"}),
    "foreign release key": (InvalidRequestError, {"release_key_sha256": "0" * 64}),
    "unknown complement": (InvalidRequestError, {"complement_of": "0" * 64}),
    "wrong digest": (ObjectConflictError, {"sha256": sha256(b"other")}),
    "wrong length": (ObjectConflictError, {"length": len(payload_of()) + 1}),
    "impossible length": (InvalidRequestError, {"length": 16 + 65_552 + 16}),
    "far too long": (InvalidRequestError, {"length": 2**40}),
    "wrong nonce": (InvalidRequestError, {"nonce": bytes(16)}),
}


@pytest.mark.parametrize(("error", "changes"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_a_bad_manifest_is_refused(convoked, error, changes):
    """A manifest that does not describe this deposit of this sitting changes nothing."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor], **changes)
    refused(convoked, error, replace(made, deposit=begun.deposit))


def test_every_reader_must_get_an_envelope(convoked):
    """A deposit that leaves one sitting member out is refused."""
    begun = convoked.world.begun(convoked.depositor)
    made = convoked.world.manifest(convoked.depositor, begun, [convoked.doctor])
    refused(convoked, InvalidRequestError, made, match="manque une enveloppe")


def test_nobody_else_gets_an_envelope(convoked):
    """Not the recused seat, not an outsider, not another association's depositor."""
    world = convoked.world
    readers = [convoked.doctor, convoked.mayor]
    for extra in (convoked.altair_member, world.people["Perrine Invitée"]):
        begun = world.begun(convoked.depositor)
        refused(
            convoked,
            NotAllowedError,
            world.manifest(convoked.depositor, begun, [*readers, extra]),
        )
    begun = world.begun(convoked.depositor)
    made = world.manifest(
        convoked.depositor, begun, readers, grants=[convoked.depositor, convoked.other_depositor]
    )
    refused(convoked, NotAllowedError, made, match="autre association")


def test_a_revoked_device_gets_no_envelope(convoked):
    """Sealing for a revoked certificate is refused; leaving it out is required."""
    world = convoked.world
    world.revoke(convoked.mayor)
    begun = world.begun(convoked.depositor)
    both = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    refused(convoked, NotAllowedError, both)
    assert commit(convoked, world.manifest(convoked.depositor, begun, [convoked.doctor])).receipt


def test_an_audience_narrows_the_readers(convoked):
    """A piece for the doctor's seat alone is sealed to it alone, and to no other."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    wide = world.manifest(
        convoked.depositor, begun, [convoked.doctor, convoked.mayor], audience=("cdom",)
    )
    refused(convoked, NotAllowedError, wide)
    narrow = world.manifest(convoked.depositor, begun, [convoked.doctor], audience=("cdom",))
    assert commit(convoked, narrow).receipt


def test_envelopes_must_be_exactly_those_signed(convoked):
    """One changed, one missing, one too many, one twice, one of another length: all refused."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    first, *rest = made.envelopes
    changed = bytes([*first[:-1], first[-1] ^ 1])
    for envelopes in (
        (changed, *rest),
        tuple(rest),
        (*made.envelopes, changed),
        (*made.envelopes, first),
        (first + b"x", *rest),
        (b"", *rest),
        (),
    ):
        refused(convoked, InvalidRequestError, replace(made, envelopes=envelopes))
    assert commit(convoked, made).receipt


def test_a_recipient_listed_twice_is_refused(convoked):
    """Two envelopes for the same certificate and purpose could differ in what they open."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(
        convoked.depositor, begun, [convoked.doctor, convoked.doctor, convoked.mayor]
    )
    refused(convoked, InvalidRequestError, made, match="deux fois")


def test_one_dossier_has_one_deposit_and_complements(convoked):
    """A second deposit of a dossier cites the first, of the same pathway and kind."""
    world, first = convoked.world, convoked.deposit()
    readers = [convoked.doctor, convoked.mayor]
    begun = world.begun(convoked.depositor)

    def second(**changes):
        return world.manifest(
            convoked.depositor, begun, readers, **{"dossier": first.dossier, **changes}
        )

    cites = {"complement_of": first.manifest.digest}
    refused(convoked, ConflictError, second(), match="déjà déposé")
    refused(convoked, InvalidRequestError, second(**cites, kind=Kind.RENEWAL))
    refused(convoked, InvalidRequestError, second(**cites, pathway=world.new_id()))
    refused(convoked, InvalidRequestError, second(**cites, dossier="aaaaa-aaaaa"))
    assert commit(convoked, second(**cites)).receipt


def test_one_dossier_has_one_conflict_card(convoked):
    """A card cites its dossier, of the same pathway; small, for every seat, and only once."""
    world, first = convoked.world, convoked.deposit()
    readers = [convoked.doctor, convoked.mayor]
    begun = world.begun(convoked.depositor, payload_of(2_000))

    def card(**changes):
        values = {"dossier": first.dossier, "complement_of": first.manifest.digest}
        return world.manifest(
            convoked.depositor, begun, readers, **{**values, "kind": Kind.CONFLICT_CARD, **changes}
        )

    refused(convoked, InvalidRequestError, card(complement_of=None))
    refused(convoked, InvalidRequestError, card(pathway=world.new_id()))
    refused(convoked, InvalidRequestError, card(audience=("cdom", "maires")), match="réserve pas")
    refused(convoked, InvalidRequestError, card(dossier="aaaaa-aaaaa"))
    made = commit(convoked, card())
    begun = world.begun(convoked.depositor, payload_of(2_000))
    refused(convoked, ConflictError, card(), match="n'en a qu'une")
    wrong = card(kind=Kind.ENGAGEMENT, complement_of=made.manifest.digest)
    refused(convoked, InvalidRequestError, wrong, match="cite un dépôt inconnu")
    assert commit(convoked, card(kind=Kind.ENGAGEMENT)).receipt


def test_a_card_is_no_place_for_a_dossier(convoked):
    """What is longer than a card is refused under its name, which members may read undeclared."""
    world, first = convoked.world, convoked.deposit()
    begun = world.begun(convoked.depositor, payload_of(MAX_CARD_BYTES))
    made = world.manifest(
        convoked.depositor,
        begun,
        [convoked.doctor, convoked.mayor],
        dossier=first.dossier,
        complement_of=first.manifest.digest,
        kind=Kind.CONFLICT_CARD,
    )
    refused(convoked, InvalidRequestError, made, match="fiche de conflit")


def test_a_complement_may_leave_out_who_stepped_aside(convoked):
    """Who recused themselves from a dossier needs no envelope of its complements."""
    world, first = convoked.world, convoked.deposit()
    convoked.on_agenda(first)
    world.recuse(convoked.mayor, first)
    made = world.deposit(
        convoked.depositor,
        [convoked.doctor],
        dossier=first.dossier,
        complement_of=first.manifest.digest,
    )
    assert made.receipt


def test_a_reference_belongs_to_one_association(convoked):
    """Another association cannot add to, nor squat, a dossier's reference."""
    world, first = convoked.world, convoked.deposit()
    begun = world.begun(convoked.other_depositor)
    readers = [convoked.doctor, convoked.mayor, convoked.altair_member]
    for complement in (None, first.manifest.digest):
        made = world.manifest(
            convoked.other_depositor,
            begun,
            readers,
            dossier=first.dossier,
            complement_of=complement,
        )
        with pytest.raises(ConflictError, match="déjà prise"):
            world.commit(convoked.other_depositor, made)


def test_a_withdrawn_reference_is_never_used_again(convoked):
    """After a withdrawal nothing is added to the dossier."""
    world, first = convoked.world, convoked.deposit()
    world.withdraw(convoked.depositor, first)
    begun = world.begun(convoked.depositor)
    made = world.manifest(
        convoked.depositor,
        begun,
        [convoked.doctor, convoked.mayor],
        dossier=first.dossier,
        complement_of=first.manifest.digest,
    )
    refused(convoked, ConflictError, made, match="retiré")


def test_deposits_end_with_their_time(convoked):
    """After deposit_by nothing is committed but in urgency, and from the opening on nothing at all."""
    world = convoked.world
    readers = [convoked.doctor, convoked.mayor]
    begun, late, last = (world.begun(convoked.depositor) for _each in range(3))
    world.clock.advance(days(3))
    refused(convoked, ExpiredError, world.manifest(convoked.depositor, begun, readers))
    urgent = world.manifest(convoked.depositor, last, readers, urgent=True)
    world.commit(convoked.depositor, urgent)
    world.clock.advance(days(2))
    refused(convoked, ExpiredError, world.manifest(convoked.depositor, late, readers, urgent=True))
    with pytest.raises(ExpiredError):
        world.begun(convoked.depositor)


def test_deposits_end_with_the_closing(convoked):
    """A closed sitting takes nothing more, and abandons what was under way."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    world.post(world.closing())
    assert world.database.rows.deposits[begun.deposit].state == "abandoned"
    refused(convoked, ConflictError, made)
    with pytest.raises(ExpiredError):
        world.begun(convoked.depositor)


def test_an_association_without_approval_deposits_nothing(convoked):
    """A lapsed approval stops new deposits (CASF R121-12-3)."""
    world = convoked.world
    latest = world.roster(convoked.seats, version=2, previous=roster_digest(world), approvals=())
    world.post(latest)
    with pytest.raises(NotAllowedError, match="agrément"):
        world.begun(convoked.depositor)


def roster_digest(world):
    (roster,) = (
        each for each in world.database.rows.accepted.values() if each.statement.TYPE == "roster"
    )
    return roster.digest


@pytest.mark.parametrize("who", ["doctor", "auditor"])
def test_only_depositors_deposit(convoked, who):
    """Neither a member nor an auditor begins a deposit."""
    person = getattr(convoked, who)
    with pytest.raises(NotAllowedError):
        convoked.world.begun(person)


def test_an_unknown_sitting_takes_nothing(convoked):
    """A deposit names a sitting that exists, in a version that exists."""
    world = convoked.world
    with pytest.raises(NotFoundError):
        begin_deposit(
            world.service,
            convoked.depositor.caller,
            world.new_id(),
            "0" * 64,
            deposit=world.new_id(),
        )
    with pytest.raises(ConflictError):
        begin_deposit(
            world.service,
            convoked.depositor.caller,
            world.sitting_id,
            "0" * 64,
            deposit=world.new_id(),
        )


def test_unfinished_deposits_are_limited(convoked):
    """One association cannot fill the broker with keys."""
    world = convoked.world
    for _ in range(MAX_OPEN_DEPOSITS):
        begin_deposit(
            world.service,
            convoked.depositor.caller,
            world.sitting_id,
            world.sitting_digest(),
            deposit=world.new_id(),
        )
    with pytest.raises(TooManyError):
        world.begun(convoked.depositor)
    assert world.begun(convoked.other_depositor)


# --- parts --------------------------------------------------------------------------------------


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
    with pytest.raises(InvalidRequestError, match="altérée"):
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
    refused(convoked, NotAllowedError, made)
    assert world.commit(colleague, made).receipt


def test_a_forged_manifest_is_refused(convoked):
    """A signature by another key than the certificate's is no signature."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    forger = replace(convoked.depositor, seed=convoked.other_depositor.seed)
    made = world.manifest(forger, begun, [convoked.doctor, convoked.mayor])
    refused(convoked, NotAllowedError, made)


# --- grants -------------------------------------------------------------------------------------


def test_a_grant_adds_envelopes(convoked):
    """A grant to a new colleague is kept, logged, shown to the broker, and repeats harmlessly."""
    world, made = convoked.world, convoked.deposit()
    colleague = world.admit("Rémi Demo", "altair", Role.DEPOSITOR)
    signed, envelopes = world.grant(convoked.depositor, made, (colleague, Purpose.GRANT))
    arguments = (made.deposit, signed.envelope, envelopes)
    first = add_grant(world.service, convoked.depositor.caller, *arguments)
    again = add_grant(world.service, convoked.depositor.caller, *arguments)
    assert (
        verify_receipt(first, world.log_policy).index
        == verify_receipt(again, world.log_policy).index
    )
    assert world.kinds().count("grant.added") == 1
    assert world.broker.index.get(signed.digest) is not None


def test_grants_reach_only_who_may_read(convoked):
    """Not the recused seat, nobody outside, not the wrong purpose, nothing after the end."""
    world, made = convoked.world, convoked.deposit()
    for to in (
        (convoked.altair_member, Purpose.READ),
        (world.people["Perrine Invitée"], Purpose.READ),
        (convoked.other_depositor, Purpose.GRANT),
        (convoked.doctor, Purpose.GRANT),
        (convoked.depositor, Purpose.READ),
    ):
        before = world.database.dump()
        with pytest.raises(NotAllowedError):
            world.add_grant(convoked.depositor, made, to)
        assert world.database.dump() == before
    with pytest.raises(NotFoundError):
        world.add_grant(convoked.other_depositor, made, (convoked.doctor, Purpose.READ))
    world.withdraw(convoked.depositor, made)
    with pytest.raises(ConflictError):
        world.add_grant(convoked.depositor, made, (convoked.doctor, Purpose.READ))


def test_a_grant_after_the_closing_time_is_refused(convoked):
    """Grants end with the window, closed or not."""
    world, made = convoked.world, convoked.deposit()
    world.clock.advance(days(12))
    with pytest.raises(ExpiredError):
        world.add_grant(convoked.depositor, made, (convoked.doctor, Purpose.READ))


# --- sweeping -----------------------------------------------------------------------------------


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
