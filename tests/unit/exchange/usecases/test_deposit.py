"""Deposits: begun and committed; and everything that a hostile depositor may try."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.receipts import verify_receipt
from crypto.digests import sha256
from crypto.statements.exchange import Kind
from exchange.usecases.begin_deposit import begin_deposit
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
from exchange.usecases.service import MAX_CARD_BYTES, MAX_OPEN_DEPOSITS
from tests.support.memory_commission_deposits import payload_of
from tests.support.memory_commission_registry import days
from tests.support.refusals import commit_refused


def commit(convoked, made):
    return convoked.world.commit(convoked.depositor, made)


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
    commit_refused(convoked, ExpiredError, older)
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
    commit_refused(convoked, error, replace(made, deposit=begun.deposit))


def test_every_reader_must_get_an_envelope(convoked):
    """A deposit that leaves one sitting member out is refused."""
    begun = convoked.world.begun(convoked.depositor)
    made = convoked.world.manifest(convoked.depositor, begun, [convoked.doctor])
    commit_refused(convoked, InvalidRequestError, made, match="manque une enveloppe")


def test_nobody_else_gets_an_envelope(convoked):
    """Not the recused seat, not an outsider, not another association's depositor."""
    world = convoked.world
    readers = [convoked.doctor, convoked.mayor]
    for extra in (convoked.altair_member, world.people["Perrine Invitée"]):
        begun = world.begun(convoked.depositor)
        commit_refused(
            convoked,
            NotAllowedError,
            world.manifest(convoked.depositor, begun, [*readers, extra]),
        )
    begun = world.begun(convoked.depositor)
    made = world.manifest(
        convoked.depositor, begun, readers, grants=[convoked.depositor, convoked.other_depositor]
    )
    commit_refused(convoked, NotAllowedError, made, match="autre association")


def test_a_revoked_device_gets_no_envelope(convoked):
    """Sealing for a revoked certificate is refused; leaving it out is required."""
    world = convoked.world
    world.revoke(convoked.mayor)
    begun = world.begun(convoked.depositor)
    both = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    commit_refused(convoked, NotAllowedError, both)
    assert commit(convoked, world.manifest(convoked.depositor, begun, [convoked.doctor])).receipt


def test_an_audience_narrows_the_readers(convoked):
    """A piece for the doctor's seat alone is sealed to it alone, and to no other."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    wide = world.manifest(
        convoked.depositor, begun, [convoked.doctor, convoked.mayor], audience=("cdom",)
    )
    commit_refused(convoked, NotAllowedError, wide)
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
        commit_refused(convoked, InvalidRequestError, replace(made, envelopes=envelopes))
    assert commit(convoked, made).receipt


def test_a_recipient_listed_twice_is_refused(convoked):
    """Two envelopes for the same certificate and purpose could differ in what they open."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(
        convoked.depositor, begun, [convoked.doctor, convoked.doctor, convoked.mayor]
    )
    commit_refused(convoked, InvalidRequestError, made, match="deux fois")


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
    commit_refused(convoked, ConflictError, second(), match="déjà déposé")
    commit_refused(convoked, InvalidRequestError, second(**cites, kind=Kind.RENEWAL))
    commit_refused(convoked, InvalidRequestError, second(**cites, pathway=world.new_id()))
    commit_refused(convoked, InvalidRequestError, second(**cites, dossier="aaaaa-aaaaa"))
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

    commit_refused(convoked, InvalidRequestError, card(complement_of=None))
    commit_refused(convoked, InvalidRequestError, card(pathway=world.new_id()))
    commit_refused(
        convoked, InvalidRequestError, card(audience=("cdom", "maires")), match="réserve pas"
    )
    commit_refused(convoked, InvalidRequestError, card(dossier="aaaaa-aaaaa"))
    made = commit(convoked, card())
    begun = world.begun(convoked.depositor, payload_of(2_000))
    commit_refused(convoked, ConflictError, card(), match="n'en a qu'une")
    wrong = card(kind=Kind.ENGAGEMENT, complement_of=made.manifest.digest)
    commit_refused(convoked, InvalidRequestError, wrong, match="cite un dépôt inconnu")
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
    commit_refused(convoked, InvalidRequestError, made, match="fiche de conflit")


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
    commit_refused(convoked, ConflictError, made, match="retiré")


def test_deposits_end_with_their_time(convoked):
    """After deposit_by nothing is committed but in urgency, and from the opening on nothing at all."""
    world = convoked.world
    readers = [convoked.doctor, convoked.mayor]
    begun, late, last = (world.begun(convoked.depositor) for _each in range(3))
    world.clock.advance(days(3))
    commit_refused(convoked, ExpiredError, world.manifest(convoked.depositor, begun, readers))
    urgent = world.manifest(convoked.depositor, last, readers, urgent=True)
    world.commit(convoked.depositor, urgent)
    world.clock.advance(days(2))
    commit_refused(
        convoked, ExpiredError, world.manifest(convoked.depositor, late, readers, urgent=True)
    )
    with pytest.raises(ExpiredError):
        world.begun(convoked.depositor)


def test_deposits_end_with_the_closing(convoked):
    """A closed sitting takes nothing more, and abandons what was under way."""
    world = convoked.world
    begun = world.begun(convoked.depositor)
    made = world.manifest(convoked.depositor, begun, [convoked.doctor, convoked.mayor])
    world.post(world.closing())
    assert world.database.rows.deposits[begun.deposit].state == "abandoned"
    commit_refused(convoked, ConflictError, made)
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
