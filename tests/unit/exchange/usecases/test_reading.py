"""Reading: each role sees its own, what is read is logged first, and absent means not yours."""

from __future__ import annotations

import pytest

from audit.receipts import verify_receipt
from crypto.statements import parse_any
from crypto.statements.exchange import Purpose
from crypto.statements.registry import Role
from exchange.usecases.errors import (
    BrokerUnavailableError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from exchange.usecases.facts import revoked_digest
from exchange.usecases.list_sittings import list_sittings
from exchange.usecases.read_disclosures import read_broker_record, read_disclosures
from exchange.usecases.read_receipt import read_receipt
from exchange.usecases.read_sitting import read_sitting
from exchange.usecases.read_statements import read_statement, read_statements
from exchange.usecases.read_status import read_status
from exchange.usecases.service import Caller
from exchange.usecases.trust_policies import trust_policies


def types(reading) -> set[str]:
    return {parse_any(each.envelope).statement.TYPE for each in reading.statements}


def digests(reading) -> set[str]:
    return {parse_any(each.envelope).digest for each in reading.statements}


def seen(convoked, who) -> set[str]:
    caller = who if isinstance(who, Caller) else who.caller
    return digests(read_sitting(convoked.world.service, caller, convoked.world.sitting_id))


@pytest.fixture
def deposited(convoked):
    """Two deposits of altair and one of amicale, on the agenda."""
    world = convoked.world
    first, second = convoked.deposit(), convoked.deposit()
    everyone = [convoked.doctor, convoked.mayor, convoked.altair_member]
    third = world.deposit(convoked.other_depositor, everyone)
    convoked.on_agenda(first, second, third)
    return first, second, third


def test_every_statement_comes_with_its_receipt(convoked, deposited):
    """Whoever reads the registry can verify every event; the reading itself is an event too."""
    world = convoked.world
    reading = read_sitting(world.service, convoked.doctor.caller, world.sitting_id)
    for each in reading.statements:
        details = verify_receipt(each.receipt, world.log_policy).details
        assert parse_any(each.envelope).digest in details.cites.values()
    own = verify_receipt(reading.receipt, world.log_policy).details
    assert own.type.value == "roster.read"
    assert own.cites == {"certificate": convoked.doctor.certificate}


def test_statements_come_in_the_order_of_the_log(convoked, deposited):
    """A client verifies each statement by those before it."""
    world = convoked.world
    reading = read_sitting(world.service, world.registrar, world.sitting_id)
    places = [verify_receipt(each.receipt, world.log_policy).index for each in reading.statements]
    assert places == sorted(places)


def test_nothing_leaves_before_the_reading_is_published(convoked, deposited):
    """No roster, sitting or statement without its event in a witnessed checkpoint."""
    world = convoked.world
    world.undertake(convoked.doctor)
    world.witness.up = False
    for read in (
        lambda: read_sitting(world.service, convoked.doctor.caller, world.sitting_id),
        lambda: list_sittings(world.service, convoked.doctor.caller),
        lambda: read_statements(world.service, convoked.doctor.caller, "roster", {}),
        lambda: read_disclosures(world.service, convoked.auditor.caller),
    ):
        with pytest.raises(UnavailableError):
            read()


def test_depositors_see_their_own_deposits(convoked, deposited):
    """The manifests of one's own association, and of no other."""
    first, second, third = (each.manifest.digest for each in deposited)
    assert {first, second} <= seen(convoked, convoked.depositor)
    assert third not in seen(convoked, convoked.depositor)
    assert seen(convoked, convoked.other_depositor) & {first, second, third} == {third}


def test_members_see_what_they_are_not_recused_from(convoked, deposited):
    """Structurally recused from altair's; personally from one; both lose exactly those."""
    first, second, third = (each.manifest.digest for each in deposited)
    everything = {first, second, third}
    assert seen(convoked, convoked.doctor) & everything == everything
    assert seen(convoked, convoked.altair_member) & everything == {third}
    convoked.world.recuse(convoked.doctor, deposited[0])
    assert seen(convoked, convoked.doctor) & everything == {second, third}


def test_members_see_no_deposit_off_the_agenda(convoked):
    """Before it is on the agenda, a deposit is its association's and the secretariat's alone."""
    made = convoked.deposit()
    assert made.manifest.digest not in seen(convoked, convoked.doctor)
    assert made.manifest.digest in seen(convoked, convoked.world.registrar)
    assert made.manifest.digest in seen(convoked, convoked.auditor)


def test_a_recused_member_sees_nothing_added_later(convoked, deposited):
    """Grants, complements and withdrawals of a dossier one stepped aside from stay unseen."""
    world, (first, *_) = convoked.world, deposited
    world.recuse(convoked.mayor, first)
    colleague = world.admit("Rémi Demo", "altair", Role.DEPOSITOR)
    world.add_grant(convoked.depositor, first, (colleague, Purpose.GRANT))
    before = seen(convoked, convoked.mayor)
    world.withdraw(convoked.depositor, first)
    assert seen(convoked, convoked.mayor) == before


def test_the_recused_are_shown_no_destruction(convoked, deposited):
    """How many keys ended, and that some did, is for those who may know every deposit in it."""
    world, (first, _second, _third) = convoked.world, deposited
    world.recuse(convoked.mayor, first)
    ended = [world.withdraw(convoked.depositor, first), world.post(world.closing())]
    made = {parse_any(each.destruction.envelope).digest for each in ended}

    def destructions(who):
        listed = read_statements(world.service, who.caller, "destruction", {})
        return digests(listed) & made, seen(convoked, who) & made

    withdrawn = {parse_any(ended[0].destruction.envelope).digest}
    assert destructions(convoked.mayor) == (set(), set())
    assert destructions(convoked.altair_member) == (set(), set())
    assert destructions(convoked.other_depositor) == (set(), set())
    assert destructions(convoked.depositor) == (withdrawn, withdrawn)
    assert destructions(convoked.doctor) == (made, made)
    assert destructions(convoked.auditor) == (made, made)


def test_a_member_who_does_not_sit_sees_no_sitting(convoked):
    """A guest, and a member of no seat, get the answer of a sitting that does not exist."""
    world = convoked.world
    guest = world.people["Perrine Invitée"].caller
    with pytest.raises(NotFoundError) as theirs:
        read_sitting(world.service, guest, world.sitting_id)
    with pytest.raises(NotFoundError) as nobodys:
        read_sitting(world.service, guest, world.new_id())
    assert str(theirs.value) == str(nobodys.value)
    assert list_sittings(world.service, guest).statements == ()
    assert len(list_sittings(world.service, convoked.doctor.caller).statements) == 1


def test_a_member_who_no_longer_sits_sees_no_more_deposits(convoked, deposited):
    """After a substitution the person replaced knows no deposit any more."""
    world = convoked.world
    world.post(world.revised(seats=tuple(world.seat_taken(s) for s in convoked.seats[1:])))
    manifests = {each.manifest.digest for each in deposited}
    assert not seen(convoked, convoked.doctor) & manifests


def test_list_sittings_gives_the_version_in_force(convoked):
    """One statement a sitting, the latest."""
    world = convoked.world
    world.post(world.revised())
    (only,) = list_sittings(world.service, convoked.depositor.caller).statements
    assert parse_any(only.envelope).digest == world.sitting_digest()


def test_others_declarations_are_not_shown(convoked, deposited):
    """A member sees their own undertakings and declarations; secretariat and auditor see all."""
    world = convoked.world
    mine = {
        world.undertake(convoked.doctor).digest,
        world.declare(convoked.doctor, *deposited).digest,
    }
    assert mine <= seen(convoked, convoked.doctor)
    assert not mine & seen(convoked, convoked.mayor)
    assert not mine & seen(convoked, convoked.depositor)
    assert mine <= seen(convoked, world.registrar)
    assert mine <= seen(convoked, convoked.auditor)


def test_finding_by_type_follows_the_same_rules(convoked, deposited):
    """No list shows what the sitting hides; a single statement is not found instead."""
    world, service = convoked.world, convoked.world.service
    first, _, third = (each.manifest.digest for each in deposited)
    shown = read_statements(service, convoked.depositor.caller, "manifest", {})
    assert third not in digests(shown)
    assert first in digests(shown)
    with pytest.raises(NotFoundError) as hidden:
        read_statement(service, convoked.depositor.caller, third)
    with pytest.raises(NotFoundError) as absent:
        read_statement(service, convoked.depositor.caller, "0" * 64)
    assert str(hidden.value) == str(absent.value)
    declaration = world.declare(convoked.mayor, deposited[0]).digest
    for who in (convoked.doctor, convoked.depositor, convoked.altair_member):
        assert declaration not in digests(
            read_statements(service, who.caller, "declaration", {"sitting": world.sitting_id})
        )
    assert digests(read_statement(service, convoked.mayor.caller, declaration)) == {declaration}


def test_a_member_of_an_association_is_not_its_depositor(convoked, deposited):
    """What an association's own member declares is not shown to its case workers."""
    world = convoked.world
    declared = world.declare(convoked.altair_member, deposited[2]).digest
    shown = read_statements(world.service, convoked.depositor.caller, "declaration", {})
    assert declared not in digests(shown)


def test_finding_refuses_unknown_types_and_fields(convoked):
    """A typing error is not answered by an empty list."""
    for kind, wanted in (("roaster", {}), ("roster", {"colour": "red"})):
        with pytest.raises(InvalidRequestError):
            read_statements(convoked.world.service, convoked.doctor.caller, kind, wanted)


def test_a_login_that_ended_reads_nothing(convoked):
    """A revoked certificate and no login at all: every reading is refused and leaves no event."""
    world = convoked.world
    world.revoke(convoked.doctor)
    before = world.database.dump()
    for caller in (convoked.doctor.caller, Caller()):
        for read in (
            lambda who: read_sitting(world.service, who, world.sitting_id),
            lambda who: list_sittings(world.service, who),
            lambda who: read_statements(world.service, who, "roster", {}),
            lambda who: read_statement(world.service, who, "0" * 64),
            lambda who: read_disclosures(world.service, who),
            lambda who: read_receipt(world.service, who, 0),
            lambda who: read_broker_record(world.service, who),
            lambda who: read_status(world.service, who, nonce=bytes(32), sitting=None, includes=()),
        ):
            with pytest.raises(NotAllowedError):
                read(caller)
    assert world.database.dump() == before


def test_trust_policies_are_for_anyone(world):
    """Every version with its receipt, oldest first."""
    world.post(world.trust_policy(2))
    versions = [
        parse_any(each.envelope).statement.version for each in trust_policies(world.service)
    ]
    assert versions == [1, 2]


def test_only_auditors_read_disclosures(convoked):
    """Neither a member, a depositor, nor the secretariat reads what others did."""
    world = convoked.world
    for caller in (convoked.doctor.caller, convoked.depositor.caller, world.registrar):
        with pytest.raises(NotAllowedError):
            read_disclosures(world.service, caller)


def test_disclosures_reach_to_their_own_event(convoked, deposited):
    """Every entry below the checkpoint opens, the last one being this very reading."""
    world = convoked.world
    found = read_disclosures(world.service, convoked.auditor.caller)
    entries = list(found.entries())
    assert len(entries) == found.size == len(world.kinds())
    assert all(disclosure is not None for _, _, disclosure in entries)
    assert b"disclosure.read" in entries[-1][2].details
    kept = {parse_any(envelope).digest for _, envelope in found.statements}
    assert {each.manifest.digest for each in deposited} <= kept


def test_receipts_are_for_whoever_acted(convoked, deposited):
    """The actor and an auditor get a receipt again; anybody else learns not even that it exists."""
    world = convoked.world
    index = len(world.kinds())
    world.undertake(convoked.doctor)
    made = convoked.deposit()
    place = verify_receipt(made.receipt, world.log_policy).index
    assert read_receipt(world.service, convoked.depositor.caller, place)
    assert read_receipt(world.service, convoked.auditor.caller, place)
    for who, wanted in (
        (convoked.doctor, place),
        (convoked.other_depositor, place),
        (convoked.depositor, index),
        (convoked.depositor, 10**6),
    ):
        with pytest.raises(NotFoundError):
            read_receipt(world.service, who.caller, wanted)


def test_a_status_follows_what_was_accepted(convoked):
    """Before it answers, the broker is shown everything accepted so far."""
    world = convoked.world
    world.broker.down = True
    with pytest.raises(BrokerUnavailableError):
        world.revoke(convoked.mayor)
    world.broker.down = False
    envelope = read_status(
        world.service,
        convoked.doctor.caller,
        nonce=bytes(32),
        sitting=world.sitting_id,
        includes=[world.sitting_digest()],
    )
    status = parse_any(envelope).statement
    assert status.sitting == world.sitting_digest()
    assert status.includes == (world.sitting_digest(),)
    assert status.revoked == revoked_digest(world.index())
    assert "status" not in {each.facts.get("type") for each in world.events()}
