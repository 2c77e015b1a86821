"""Releases: decided, logged, then opened; retried, refused, failed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.policy import LogPolicy
from audit.receipts import verify_receipt
from crypto.statements import parse_any
from crypto.statements.exchange import Kind, Purpose
from crypto.statements.registry import Role
from exchange.usecases.errors import (
    BrokerUnavailableError,
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    TooManyError,
    UnavailableError,
)
from exchange.usecases.read_payload import read_payload
from exchange.usecases.release import release
from exchange.usecases.service import MAX_REFUSALS
from tests.support.memory_commission import Convened
from tests.support.memory_commission_registry import days


def reasons(answer) -> list[str]:
    return [each.reason for each in answer.refused]


def verified(convoked: Convened, receipt: bytes):
    assert convoked.world.log_policy is not None
    policy: LogPolicy = convoked.world.log_policy
    return verify_receipt(receipt, policy)


def test_a_member_gets_the_header_with_a_receipt(convoked):
    """What is released comes with a receipt of the event that cites all it rests on."""
    made = convoked.ready()
    answer = convoked.world.release(convoked.doctor, made)
    (opened,) = answer.opened
    receipt = verified(convoked, opened.receipt)
    assert receipt.details.type.value == "release.authorised"
    assert receipt.details.facts == {"deposit": made.deposit, "purpose": "read"}
    assert set(receipt.details.cites) == {
        *("access_request", "certificate", "roster", "sitting", "agenda", "manifest"),
        *("undertaking", "declaration"),
    }
    assert opened.header.startswith(b"opened ")


@pytest.fixture
def with_card(convoked):
    """A dossier and its card on the agenda, in the window; the doctor has signed nothing yet."""
    made = convoked.deposit()
    card = convoked.deposit(
        dossier=made.dossier,
        complement_of=made.manifest.digest,
        kind=Kind.CONFLICT_CARD,
    )
    convoked.on_agenda(made, card)
    convoked.open_window()
    return made, card


def test_a_conflict_card_comes_before_the_declaration(convoked, with_card):
    """The card needs the undertaking alone; the dossier waits for the declaration."""
    world, (made, card) = convoked.world, with_card
    assert reasons(world.release(convoked.doctor, card)) == ["undertaking-missing"]
    world.undertake(convoked.doctor)
    answer = world.release(convoked.doctor, made, card)
    assert reasons(answer) == ["declaration-missing"]
    (opened,) = answer.opened
    cites = verified(convoked, opened.receipt).details.cites
    assert cites["manifest"] == card.manifest.digest
    assert "declaration" not in cites
    assert "undertaking" in cites
    assert read_payload(world.service, convoked.doctor.caller, card.deposit)


def test_a_conflict_card_is_never_the_recused_persons(convoked, with_card):
    """Neither the association's own seat nor who stepped aside reads it, before or after."""
    world, (made, card) = convoked.world, with_card
    world.undertake(convoked.altair_member)
    assert reasons(world.release(convoked.altair_member, card)) == ["structurally-recused"]
    world.undertake(convoked.doctor)
    assert world.release(convoked.doctor, card).opened
    world.recuse(convoked.doctor, made)
    assert reasons(world.release(convoked.doctor, card)) == ["recused"]
    with pytest.raises(RefusedError):
        read_payload(world.service, convoked.doctor.caller, card.deposit)


def test_a_withdrawal_ends_the_card_too(convoked, with_card):
    """Nothing of a withdrawn dossier opens, its card included."""
    world, (made, card) = convoked.world, with_card
    world.undertake(convoked.mayor)
    ended = world.withdraw(convoked.depositor, made)
    keys = parse_any(ended.destruction.envelope).statement.release_keys
    assert len(keys) == 2
    assert reasons(world.release(convoked.mayor, card)) == ["withdrawn"]


def test_the_event_is_published_before_the_broker_opens(convoked):
    """When the log cannot be published, nothing is opened; afterwards the same request succeeds."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    convoked.world.witness.up = False
    with pytest.raises(UnavailableError):
        release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert convoked.world.broker.opened == []
    convoked.world.witness.up = True
    answer = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert len(answer.opened) == 1
    assert convoked.world.kinds().count("release.authorised") == 1


def test_a_retry_gets_the_same_index_and_answer(convoked):
    """A repeated request adds no event and opens nothing twice; its receipt is under a newer head."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    ask = lambda: release(convoked.world.service, convoked.doctor.caller, signed.envelope)  # noqa: E731
    first = ask()
    convoked.world.undertake(convoked.mayor)
    second = ask()
    assert first.opened[0].header == second.opened[0].header
    old, new = (verified(convoked, each.opened[0].receipt) for each in (first, second))
    assert old.index == new.index
    assert old.checkpoint.checkpoint.size < new.checkpoint.checkpoint.size
    assert len(convoked.world.broker.opened) == 1


def test_a_retry_much_later_still_finds_its_answer(convoked):
    """The five minutes of freshness hold for a new request, not for one that was answered."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    first = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    convoked.world.clock.advance(timedelta(hours=2))
    again = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert again.opened[0].header == first.opened[0].header


def test_a_broker_that_was_away_answers_the_retry(convoked):
    """A request authorised while the broker was down is opened later, under the same event."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    convoked.world.broker.down = True
    with pytest.raises(BrokerUnavailableError):
        release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    convoked.world.broker.down = False
    answer = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert len(answer.opened) == 1
    assert convoked.world.kinds().count("release.authorised") == 1


def test_a_broker_that_refuses_leaves_an_event(convoked):
    """What the broker refuses after authorisation is logged as failed, and nothing is handed out."""
    made = convoked.ready()
    convoked.world.broker.refuses = "Ce point de contrôle est périmé."
    answer = convoked.world.release(convoked.doctor, made)
    assert answer.opened == ()
    assert reasons(answer) == ["broker-refused"]
    assert convoked.world.kinds()[-1] == "release.failed"
    assert verified(convoked, answer.refused[0].receipt).details.type.value == "release.failed"


@pytest.mark.parametrize(
    ("reason", "prepare"),
    [
        ("before-opening", lambda c, m: c.world.clock.advance(-days(2))),
        ("sitting-closed", lambda c, m: c.world.clock.advance(days(7))),
        ("sitting-closed", lambda c, m: c.world.post(c.world.closing())),
        ("withdrawn", lambda c, m: c.world.withdraw(c.depositor, m)),
        ("recused", lambda c, m: c.world.recuse(c.doctor, m)),
        ("not-on-agenda", lambda c, m: c.world.post(c.world.agenda())),
        ("not-seated", lambda c, m: c.world.post(c.world.revised(seats=()))),
    ],
)
def test_what_happened_since_refuses(convoked, reason, prepare):
    """Each event that ends access refuses the next request, with its reason in a logged event."""
    made = convoked.ready()
    prepare(convoked, made)
    answer = convoked.world.release(convoked.doctor, made)
    assert answer.opened == ()
    assert reasons(answer) == [reason]
    details = verified(convoked, answer.refused[0].receipt).details
    assert details.type.value == "release.refused"
    assert details.facts["reason"] == reason
    assert convoked.world.broker.opened == []


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("recused", lambda c, m: c.world.recuse(c.doctor, m)),
        ("withdrawn", lambda c, m: c.world.withdraw(c.depositor, m)),
        ("sitting-closed", lambda c, m: c.world.post(c.world.closing())),
    ],
)
def test_an_ended_access_gives_no_retry_and_no_payload(convoked, reason, end):
    """An answer that was given once is not given again after recusal, withdrawal or closing."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    end(convoked, made)
    again = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert again.opened == ()
    assert reasons(again) == [reason]
    with pytest.raises(RefusedError) as refusal:
        read_payload(convoked.world.service, convoked.doctor.caller, made.deposit)
    assert refusal.value.reason.value == reason
    assert "payload.read" not in convoked.world.kinds()


def test_without_declaration_or_undertaking_nothing_opens(convoked):
    """Both must be signed first, each by the member in person."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    convoked.open_window()
    assert reasons(convoked.world.release(convoked.doctor, made)) == ["undertaking-missing"]
    convoked.world.undertake(convoked.doctor)
    assert reasons(convoked.world.release(convoked.doctor, made)) == ["declaration-missing"]
    convoked.world.declare(convoked.mayor, made)
    assert reasons(convoked.world.release(convoked.doctor, made)) == ["declaration-missing"]
    convoked.world.declare(convoked.doctor, made)
    assert len(convoked.world.release(convoked.doctor, made).opened) == 1


def test_a_refused_request_is_spent(convoked):
    """A request that was refused is not authorised later, when the cause is gone: sign a new one."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    convoked.world.undertake(convoked.doctor)
    convoked.open_window()
    signed = convoked.world.request(convoked.doctor, made)
    release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    convoked.world.declare(convoked.doctor, made)
    again = release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert again.opened == ()
    assert reasons(again) == ["request-spent"]


def test_a_mixed_request_gets_what_it_may(convoked):
    """One refused deposit does not hold back the others, and each has its own event."""
    made = convoked.ready()
    answer = convoked.world.release(convoked.doctor, made, convoked.world.new_id())
    assert [each.deposit for each in answer.opened] == [made.deposit]
    assert reasons(answer) == ["deposit-unknown"]
    assert convoked.world.kinds()[-2:] == ["release.authorised", "release.refused"]


def test_a_deposit_asked_twice_is_one_release(convoked):
    """A repeated id in a request is one release."""
    made = convoked.ready()
    assert len(convoked.world.release(convoked.doctor, made, made).opened) == 1


def test_the_associations_own_member_is_recused(convoked):
    """The seat of the depositing association gets nothing of its dossiers, window or not."""
    made = convoked.ready()
    convoked.world.undertake(convoked.altair_member)
    answer = convoked.world.release(convoked.altair_member, made)
    assert reasons(answer) == ["structurally-recused"]


def test_a_colleague_prepares_a_grant_before_the_window(convoked):
    """A depositor of the association opens the grant envelope at any time; another's cannot."""
    made = convoked.deposit()
    answer = convoked.world.release(convoked.depositor, made, purpose=Purpose.GRANT)
    assert len(answer.opened) == 1
    details = verified(convoked, answer.opened[0].receipt).details
    assert "agenda" not in details.cites
    stranger = convoked.world.release(convoked.other_depositor, made, purpose=Purpose.GRANT)
    assert reasons(stranger) == ["deposit-unknown"]


def test_a_late_grant_opens_to_the_new_device(convoked):
    """A second device gets its envelope by a grant; the release cites that grant."""
    made = convoked.ready()
    world = convoked.world
    device = world.admit(convoked.doctor.name, "cdom", Role.MEMBER, person=convoked.doctor.person)
    seats = (
        world.seat_taken(convoked.seats[0], convoked.doctor.certificate, device.certificate),
        *(world.seat_taken(each) for each in convoked.seats[1:]),
    )
    world.post(world.revised(seats=seats))
    assert reasons(world.release(device, made)) == ["envelope-missing"]
    world.add_grant(convoked.depositor, made, (device, Purpose.READ))
    answer = world.release(device, made)
    assert answer.opened[0].grant is not None
    assert "grant" in verified(convoked, answer.opened[0].receipt).details.cites


# --- bad requests: each changes nothing -------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (ExpiredError, {"issued_at": -timedelta(minutes=6)}),
        (ExpiredError, {"issued_at": timedelta(minutes=6)}),
        (NotAllowedError, {"commission": "b" * 25 + "a"}),
        (ConflictError, {"sitting_sha256": "0" * 64}),
        (NotFoundError, {"sitting": "b" * 25 + "a"}),
        (InvalidRequestError, {"checkpoint": "rien"}),
    ],
)
def test_a_bad_request_changes_nothing(convoked, error, changes):
    """Stale, foreign, out of chain or without a checkpoint: refused, and nothing is kept."""
    made = convoked.ready()
    if "issued_at" in changes:
        changes = {"issued_at": convoked.world.now + changes["issued_at"]}
    signed = convoked.world.request(convoked.doctor, made, **changes)
    before = convoked.world.database.dump()
    with pytest.raises(error):
        release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    assert convoked.world.database.dump() == before


def test_another_persons_request_is_refused(convoked):
    """A request is answered only on its signer's own login."""
    made = convoked.ready()
    signed = convoked.world.request(convoked.doctor, made)
    before = convoked.world.database.dump()
    with pytest.raises(NotAllowedError):
        release(convoked.world.service, convoked.mayor.caller, signed.envelope)
    assert convoked.world.database.dump() == before


def test_a_request_under_a_forked_history_is_refused(convoked):
    """A reader who saw another history of the same log is told so, and gets nothing."""
    made = convoked.ready()
    note = convoked.world.log.checkpoint().decode()
    lines = note.split("\n")
    lines[2] = "A" * 43 + "="
    signed = convoked.world.request(convoked.doctor, made, checkpoint="\n".join(lines))
    before = convoked.world.database.dump()
    with pytest.raises(InvalidRequestError):
        release(convoked.world.service, convoked.doctor.caller, signed.envelope)
    lines[:2] = [lines[0], str(10**6)]
    longer = convoked.world.request(convoked.doctor, made, checkpoint="\n".join(lines))
    with pytest.raises(InvalidRequestError, match="plus long"):
        release(convoked.world.service, convoked.doctor.caller, longer.envelope)
    assert convoked.world.database.dump() == before


def test_a_revoked_certificate_gets_nothing(convoked):
    """From the revocation on the login is worth nothing."""
    made = convoked.ready()
    convoked.world.revoke(convoked.doctor)
    before = convoked.world.database.dump()
    with pytest.raises(NotAllowedError, match="révoqué"):
        convoked.world.release(convoked.doctor, made)
    assert convoked.world.database.dump() == before


def test_a_swapped_envelope_is_not_found(convoked):
    """An envelope whose bytes were exchanged in the database is not the one that was signed."""
    made = convoked.ready()
    rows = convoked.world.database.rows
    for key in list(rows.sealed):
        rows.sealed[key[0], "0" * 64] = rows.sealed.pop(key)
    answer = convoked.world.release(convoked.doctor, made)
    assert answer.opened == ()
    assert reasons(answer) == ["broker-refused"]


def test_a_flood_of_refused_requests_is_stopped(convoked):
    """After many refusals in a minute the member must wait; another member need not."""
    made = convoked.ready()
    world = convoked.world
    for _ in range(MAX_REFUSALS):
        world.release(convoked.doctor, "a" * 25 + "a")
    with pytest.raises(TooManyError):
        world.release(convoked.doctor, made)
    assert reasons(world.release(convoked.mayor, made)) == ["undertaking-missing"]
    world.clock.advance(timedelta(minutes=2))
    assert len(world.release(convoked.doctor, made).opened) == 1
