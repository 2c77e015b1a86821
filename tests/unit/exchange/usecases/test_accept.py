"""Accepting statements: chains, rules, signers, repetition; each refusal leaves no trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.note import KeyType
from audit.receipts import verify_receipt
from crypto.digests import sha256
from crypto.errors import UntrustedError
from crypto.keys import PartySigningSeed, Recipient
from crypto.statements import STATEMENT_TYPES
from crypto.statements.agenda import AgendaOpening
from crypto.statements.custody import (
    Attestation,
    BundleIndex,
    Destruction,
    Emergency,
    Hold,
    Recovery,
    ReleaseKey,
)
from crypto.statements.exchange import (
    Complaint,
    Decision,
    Declaration,
    Grant,
    Manifest,
    Opinion,
    Purpose,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import (
    Capacity,
    Closing,
    Enrolment,
    RegistrarKey,
    Revocation,
    Role,
    Roster,
    Sitting,
    Stage,
    TrustPolicy,
)
from exchange.usecases.accept_statement import accept_statement
from exchange.usecases.acceptance import CHECKS
from exchange.usecases.authority import AUTHORITY, certified, verify_statement
from exchange.usecases.enrol import MAX_DEVICES, enrol
from exchange.usecases.errors import (
    BrokerUnavailableError,
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
    UseCaseError,
)
from exchange.usecases.recovery import recover
from exchange.usecases.signatures import trusted_policy
from exchange.usecases.visibility import may_know
from tests.support.builders import ORIGIN, Commission, SeatOf, days
from tests.support.log_world import signer


def refused(world, error, signed, caller=None, match: str | None = None) -> None:
    """The statement is refused with that error; database and log stay as they were."""
    before = world.database.dump()
    with pytest.raises(error, match=match):
        world.post(signed, caller)
    assert world.database.dump() == before


# --- every statement ----------------------------------------------------------------------------


def test_every_type_has_an_authority():
    """No type is without a rule on who signs it, and none that has one is unknown."""
    assert set(AUTHORITY) == set(STATEMENT_TYPES.values())


def test_every_type_is_accepted_here_or_by_its_own_verb():
    """What this verb does not take is exactly what others record in another way."""
    elsewhere = {kind.TYPE for kind in STATEMENT_TYPES.values() if kind not in CHECKS}
    assert elsewhere == {
        *("enrolment", "manifest", "grant", "access-request", "login"),
        *("release-key", "status", "destruction", "recovery"),
    }


def test_an_accepted_statement_is_logged_and_acknowledged(convoked, world):
    """The receipt proves the event, and the broker has taken note before the answer leaves."""
    signed = world.by(
        convoked.doctor, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    done = world.post(signed, convoked.doctor.caller)
    details = verify_receipt(done.receipt, world.log_policy).details
    assert (details.type.value, details.cites["statement"]) == ("statement.accepted", signed.digest)
    assert details.facts == {"type": "undertaking"}
    assert world.broker.index.get(signed.digest) is not None
    assert done.destruction is None


def test_the_same_statement_again_gives_the_first_receipt(convoked, world):
    """A repetition adds no event, however late it comes."""
    signed = world.revised()
    first = world.post(signed)
    count = len(world.kinds())
    world.clock.advance(timedelta(hours=3))
    again = world.post(signed)
    receipts = [verify_receipt(each.receipt, world.log_policy) for each in (first, again)]
    assert receipts[0].index == receipts[1].index
    assert len(world.kinds()) == count


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_statement_far_from_the_clock_is_refused(world, minutes):
    """Five minutes either way, no more."""
    signed = world.revised(issued_at=world.now + timedelta(minutes=minutes))
    refused(world, ExpiredError, signed)


def test_another_commissions_statement_is_refused(world):
    """A statement of another commission means nothing here, well signed or not."""
    refused(world, NotAllowedError, world.revised(commission="b" * 25 + "a"), match="commission")


def test_nobody_posts_without_a_login(world):
    """Only the first trust policy comes from nobody."""
    before = world.database.dump()
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, world.revised().envelope)
    assert world.database.dump() == before


def test_a_login_does_not_carry_anothers_statement(convoked, world):
    """A member cannot post what the registrar signed, nor the registrar what a member signed."""
    refused(world, NotAllowedError, world.revised(), convoked.doctor.caller)
    declared = world.by(
        convoked.doctor, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    refused(world, NotAllowedError, declared)


def test_a_receipt_is_not_given_to_whoever_holds_the_envelope(convoked, world):
    """Repeating someone's statement without their login discloses no event."""
    signed = world.revised()
    world.post(signed)
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, signed.envelope)
    with pytest.raises(NotAllowedError):
        world.post(signed, convoked.doctor.caller)


def test_a_forged_signature_is_refused(convoked, world):
    """A statement in a person's name by another key is refused."""
    forger = replace(convoked.doctor, seed=convoked.mayor.seed)
    signed = world.by(
        forger, Undertaking, mandate=convoked.doctor.mandate, text_sha256=sha256(b"x")
    )
    refused(world, NotAllowedError, signed, convoked.doctor.caller)


def test_garbage_is_refused(world):
    """Bytes that are no statement are an invalid request."""
    for garbage in (b"", b"{}", b"\xff", b"[" * 10_000):
        with pytest.raises(InvalidRequestError):
            accept_statement(world.service, world.registrar, garbage)


def test_an_envelope_with_a_second_signature_is_refused(convoked, world):
    """A second signature would be a claim that nobody checks."""
    fingerprint = world.registrar_seed.verify_key().fingerprint
    twice = world.sign(
        Closing,
        fingerprint,
        [world.registrar_seed, convoked.doctor.seed],
        sitting=world.sitting_id,
        sitting_sha256=world.sitting_digest(),
    )
    refused(world, NotAllowedError, twice)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.DEPOSITOR, Role.AUDITOR])
def test_roles_limit_what_a_certificate_signs(convoked, world, role):
    """Each person's act needs its role; a registrar's act no certificate can do."""
    who = {
        Role.MEMBER: convoked.doctor,
        Role.DEPOSITOR: convoked.depositor,
        Role.AUDITOR: convoked.auditor,
    }[role]
    acts = {
        Role.MEMBER: world.by(
            who, Declaration, sitting=world.sitting_id, dossiers=("aaaaa-aaaaa",)
        ),
        Role.DEPOSITOR: world.by(who, Withdrawal, dossier="aaaaa-aaaaa", reason="x"),
        Role.AUDITOR: world.by(who, BundleIndex, checkpoint="x", files=()),
        Role.DECIDER: world.by(who, Decision, dossier="aaaaa-aaaaa", payload_sha256=sha256(b"x")),
        None: world.by(
            who, Closing, sitting=world.sitting_id, sitting_sha256=world.sitting_digest()
        ),
    }
    for needed, signed in acts.items():
        if needed is not role:
            refused(world, NotAllowedError, signed, who.caller)


def test_an_expired_certificate_signs_nothing(world):
    """From not_after on, the certificate's statements and logins are refused."""
    brief = world.admit("Basile Fictif", "ddcs", Role.AUDITOR, not_after=world.now + days(1))
    world.clock.advance(days(1))
    signed = world.by(brief, BundleIndex, checkpoint="x", files=())
    refused(world, NotAllowedError, signed, brief.caller)


def test_a_registrar_key_past_its_term_signs_nothing(world):
    """The registrar's key ends with its date in the trust policy."""
    world.clock.advance(days(360))
    refused(world, NotAllowedError, world.revised())


def test_a_broker_away_delays_and_loses_nothing(world):
    """The statement is recorded; its author hears that it has no effect yet, and repeats it."""
    signed = world.revised()
    world.broker.down = True
    with pytest.raises(BrokerUnavailableError):
        world.post(signed)
    world.broker.down = False
    assert world.post(signed).receipt
    assert world.broker.index.get(signed.digest) is not None


def test_nothing_is_acknowledged_that_is_not_published(world):
    """Without a quorum of witnesses the broker is shown nothing."""
    signed = world.revised()
    world.witness.up = False
    with pytest.raises(UnavailableError):
        world.post(signed)
    assert world.broker.index.get(signed.digest) is None
    world.witness.up = True
    assert world.post(signed).receipt


# --- trust policies -----------------------------------------------------------------------------


def test_the_first_policy_needs_no_login_and_is_entry_0():
    """It begins the log; a repetition without login gets the same entry."""
    world = Commission()
    signed = world.trust_policy()
    first = accept_statement(world.service, None, signed.envelope)
    again = accept_statement(world.service, None, signed.envelope)
    assert first.receipt == again.receipt
    assert world.kinds() == ["statement.accepted"]


def test_before_the_first_policy_nothing_is_accepted():
    """Without a trust policy no key counts."""
    world = Commission()
    refused(world, NotAllowedError, world.invitation(world.new_id(), "N", "cdom", Role.MEMBER))


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (NotAllowedError, {"version": 2}),
        (NotAllowedError, {"commission": "b" * 25 + "a"}),
        (NotAllowedError, {"threshold": 3}),
        (InvalidRequestError, {"origin": "autre.example/log"}),
        (InvalidRequestError, {"witness_policy": "quorum none\n"}),
        (ExpiredError, {"issued_at": -days(31)}),
        (ExpiredError, {"issued_at": timedelta(minutes=6)}),
        (ExpiredError, {"expires_at": timedelta()}),
    ],
)
def test_a_bad_first_policy_is_refused(error, changes):
    """Wrong version, commission, threshold, origin, witnesses or dates: nothing begins."""
    world = Commission()
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    with pytest.raises(error):
        accept_statement(world.service, None, world.trust_policy(**changes).envelope)
    assert world.kinds() == []


def test_a_policy_signed_by_too_few_roots_is_refused():
    """The threshold of the pinned roots must sign, each once."""
    world = Commission()
    one = world.trust_policy(seeds=[world.roots[0]])
    same = world.trust_policy(seeds=[world.roots[0], world.roots[0]])
    stranger = world.trust_policy(seeds=[world.roots[0], PartySigningSeed.generate(world.entropy)])
    for signed in (one, same, stranger):
        with pytest.raises(NotAllowedError):
            accept_statement(world.service, None, signed.envelope)
    assert world.kinds() == []


def test_a_registrar_key_is_certified_for_a_year_at_most():
    """A longer term is refused."""
    world = Commission()
    keys = (RegistrarKey(key=world.registrar_seed.verify_key(), not_after=world.now + days(367)),)
    with pytest.raises(InvalidRequestError, match="douze mois"):
        accept_statement(world.service, None, world.trust_policy(registrar_keys=keys).envelope)


def test_the_next_policy_follows_and_the_old_one_never_returns(convoked, world):
    """Version 2 is carried by any login; version 1, another 2 and 4 are refused, login or not."""
    second = world.trust_policy(2)
    world.post(second, convoked.doctor.caller)
    for signed in (world.trust_policy(1), world.trust_policy(2), world.trust_policy(4)):
        refused(world, NotAllowedError, signed)
        with pytest.raises(NotAllowedError):
            accept_statement(world.service, None, signed.envelope)


def test_the_next_policy_needs_the_roots_and_no_login(convoked, world):
    """When the broker is lost nobody can log in: the roots' threshold alone carries a policy."""
    second = world.trust_policy(2)
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, world.trust_policy(2, world.roots[:1]).envelope)
    accept_statement(world.service, None, second.envelope)
    assert world.service.broker.index.get(second.digest) is not None


def test_a_new_broker_is_shown_everything_again(convoked, world):
    """A policy that names another broker makes the service show it all statements, oldest first."""
    made = convoked.deposit()
    former = world.broker
    world.replace_broker()
    assert world.broker.index.get(made.manifest.digest) is None
    accept_statement(world.service, None, world.trust_policy(2).envelope)
    for kind in (TrustPolicy, Sitting, Manifest, ReleaseKey):
        shown = [each.digest for each in world.broker.index.find(kind)]
        known = [each.digest for each in former.index.find(kind)]
        assert shown[: len(known)] == known
    assert len(world.broker.index.find(TrustPolicy)) == 2


def test_an_expired_policy_lets_only_access_end(convoked, world):
    """When the policy has lapsed nothing new is accepted; a withdrawal and a recusal still are."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    year = world.now + days(359)
    keys = (RegistrarKey(key=world.registrar_seed.verify_key(), not_after=year),)
    world.post(world.trust_policy(2, expires_at=world.now + days(1), registrar_keys=keys))
    world.clock.advance(days(2))
    refused(world, NotAllowedError, world.revised(), match="expiré")
    world.recuse(convoked.doctor, made)
    world.withdraw(convoked.depositor, made)


# --- people -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (ExpiredError, {"expires_at": timedelta()}),
        (InvalidRequestError, {"trust_sha256": "0" * 64}),
    ],
)
def test_a_bad_invitation_is_refused(world, error, changes):
    """Expired, or for another trust file."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    signed = world.invitation(world.new_id(), "N", "cdom", Role.MEMBER, **changes)
    refused(world, error, signed)


def test_an_invitation_id_and_a_person_are_used_once(convoked, world):
    """A reused id is refused, and so is a person's id in another organisation."""
    first = world.invitation(world.new_id(), "N", "cdom", Role.MEMBER)
    world.post(first)
    again = world.invitation(world.new_id(), "M", "cdom", Role.MEMBER, id=first.statement.id)
    refused(world, ConflictError, again)
    moved = world.invitation(convoked.doctor.person, "N", "altair", Role.DEPOSITOR)
    refused(world, ConflictError, moved)


def enrolled(world, **changes):
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    enrolment = world.enrolment(invitation, *world.new_device())
    enrol(world.service, invitation.statement.id, enrolment.envelope)
    return invitation, world.certificate(invitation, enrolment, **changes)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (InvalidRequestError, {"person": "b" * 25 + "a"}),
        (InvalidRequestError, {"name": "Autre Nom"}),
        (InvalidRequestError, {"organisation": "altair"}),
        (InvalidRequestError, {"roles": (Role.MEMBER, Role.AUDITOR)}),
        (NotFoundError, {"enrolment": "0" * 64}),
        (ExpiredError, {"not_after": timedelta()}),
        (InvalidRequestError, {"not_after": days(1100)}),
        (ExpiredError, {"not_before": days(701)}),
    ],
)
def test_a_certificate_says_exactly_what_was_enrolled(world, error, changes):
    """Another person, name, organisation or role, or a bad term: refused."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    _, signed = enrolled(world, **changes)
    refused(world, error, signed)


def test_a_certificate_carries_the_enrolled_keys(world):
    """A registrar who certifies a key of its own under an enrolment is refused."""
    seed, recipient = world.new_device()
    for changes in ({"recipient": recipient}, {"signing_key": seed.verify_key()}):
        _, signed = enrolled(world, **changes)
        refused(world, InvalidRequestError, signed)


def test_a_key_is_certified_for_one_person(convoked, world):
    """An enrolment that presents another person's keys cannot be certified."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    enrolment = world.enrolment(invitation, convoked.doctor.seed, convoked.doctor.recipient)
    enrol(world.service, invitation.statement.id, enrolment.envelope)
    refused(world, ConflictError, world.certificate(invitation, enrolment))


def test_a_revoked_key_is_never_certified_again(world):
    """A renewal after a revocation needs a new key; before it, the same one serves."""
    invitation, signed = enrolled(world)
    world.post(signed)
    enrolment = world.index().get(signed.statement.enrolment)
    world.post(world.certificate(invitation, enrolment, not_after=world.now + days(800)))
    world.post(world.by_registrar(Revocation, certificate=signed.digest, reason="perte"))
    again = world.certificate(invitation, enrolment, not_after=world.now + days(801))
    refused(world, ConflictError, again)


def test_people_revoke_themselves_and_nobody_else(convoked, world):
    """One's own certificate, once; another person's never; the registrar anybody's."""
    values = {"certificate": convoked.mayor.certificate, "reason": "vengeance"}
    theirs = world.by(convoked.doctor, Revocation, **values)
    refused(world, NotAllowedError, theirs, convoked.doctor.caller)
    world.revoke(convoked.doctor, convoked.doctor.caller)
    with pytest.raises(UseCaseError):
        world.revoke(convoked.doctor)
    unknown = world.by_registrar(Revocation, certificate="0" * 64, reason="?")
    refused(world, NotFoundError, unknown)
    world.revoke(convoked.mayor)


def test_a_second_device_revokes_the_first(convoked, world):
    """Whoever loses a laptop revokes it from the desk."""
    desk = world.admit("Jérôme Chimère", "cdom", Role.MEMBER, person=convoked.doctor.person)
    signed = world.by(
        desk, Revocation, certificate=convoked.doctor.certificate, reason="portable perdu"
    )
    world.post(signed, desk.caller)
    assert world.broker.index.find(Revocation, certificate=convoked.doctor.certificate)


def test_enrolment_is_bound_to_its_invitation(world):
    """Wrong id, expired invitation, foreign signer, too many devices: refused."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    wanted = invitation.statement.id
    seed, recipient = world.new_device()
    good = world.enrolment(invitation, seed, recipient)
    with pytest.raises(NotFoundError):
        enrol(world.service, world.new_id(), good.envelope)
    other = PartySigningSeed.generate(world.entropy)
    values = {name: getattr(good.statement, name) for name in ("invitation", "device", "recipient")}
    forged = world.sign(
        type(good.statement),
        other.verify_key().fingerprint,
        [other],
        **values,
        signing_key=seed.verify_key(),
    )
    with pytest.raises(NotAllowedError):
        enrol(world.service, wanted, forged.envelope)
    for _ in range(MAX_DEVICES):
        enrol(world.service, wanted, world.enrolment(invitation, *world.new_device()).envelope)
    with pytest.raises(ConflictError):
        enrol(world.service, wanted, good.envelope)
    world.clock.advance(days(7))
    late = world.enrolment(invitation, *world.new_device())
    with pytest.raises(ExpiredError):
        enrol(world.service, wanted, late.envelope)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_small_order_recipients_are_refused_at_enrolment(world, point):
    """A recipient key to which everybody could open is refused, and nothing is recorded."""
    invitation = world.invitation(world.new_id(), "Nora Essai", "cdom", Role.MEMBER)
    world.post(invitation)
    seed, recipient = world.new_device()
    before = len(world.index().find(Enrolment))
    for bad in (Recipient(recipient.raw[:1184] + point), Recipient(b"\xff" * 1216)):
        signed = world.enrolment(invitation, seed, bad)
        with pytest.raises(InvalidRequestError):
            enrol(world.service, invitation.statement.id, signed.envelope)
    assert len(world.index().find(Enrolment)) == before


# --- rosters, sittings, agendas, closings ---------------------------------------------------------


def latest_roster(world) -> Roster:
    return max(world.index().find(Roster), key=lambda each: each.statement.version)


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"version": 3}, {"previous": "0" * 64}, {"previous": None}]
)
def test_chains_have_no_gap_and_no_branch(convoked, world, changes):
    """A roster, sitting or agenda that does not follow the latest version is refused."""
    known = latest_roster(world)
    roster = world.roster(convoked.seats, **{"version": 2, "previous": known.digest, **changes})
    refused(world, ConflictError, roster)
    refused(world, ConflictError, world.revised(**changes))
    convoked.on_agenda()
    refused(world, ConflictError, world.agenda(**changes))


def test_an_unlawful_roster_is_refused(convoked, world):
    """The domain's rules on rosters hold for statements."""
    twice = [*convoked.seats, SeatOf("cdom", convoked.seats[0].kind, convoked.mayor)]
    refused(
        world,
        InvalidRequestError,
        world.roster(twice, version=2, previous=latest_roster(world).digest),
    )


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (NotFoundError, {"roster": "0" * 64}),
        (InvalidRequestError, {"zone": "Mars/Olympus"}),
        (InvalidRequestError, {"stage": Stage.PLANNED}),
        (InvalidRequestError, {"closes_at": -days(1)}),
        (InvalidRequestError, {"closes_at": days(5.5), "opens_at": days(6)}),
        (InvalidRequestError, {"closes_at": days(4), "opens_at": days(3)}),
    ],
)
def test_an_unlawful_sitting_is_refused(world, error, changes):
    """Unknown roster, unknown zone, a convocation taken back, dates in disorder, too short notice."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    refused(world, error, world.revised(**changes))


def test_urgency_frees_from_the_notice(world):
    """The same short notice with a reason of urgency is accepted (CRPA R133-8)."""
    world.post(
        world.revised(
            opens_at=world.now + days(3), closes_at=world.now + days(4), urgency="danger immédiat"
        )
    )


def test_guests_and_strangers_do_not_sit(convoked, world):
    """A guest's seat, a person without mandate, a wrong capacity, another's device: refused."""
    guest = world.people["Perrine Invitée"]
    doctor = convoked.seats[0]
    rest = tuple(world.seat_taken(each) for each in convoked.seats[1:])
    for seat in (
        world.seat_taken(replace(doctor, seat="invite", person=guest)),
        world.seat_taken(replace(doctor, person=guest)),
        world.seat_taken(replace(doctor, capacity=Capacity.ALTERNATE)),
        world.seat_taken(doctor, guest.certificate),
        world.seat_taken(doctor, convoked.mayor.certificate),
        world.seat_taken(doctor, doctor.person.certificate, doctor.person.certificate),
        world.seat_taken(replace(doctor, person=convoked.mayor)),
    ):
        refused(world, InvalidRequestError, world.revised(seats=(seat, *rest)))
    for digest in ("0" * 64, convoked.depositor.certificate):
        with pytest.raises((ConflictError, InvalidRequestError)):
            world.post(world.revised(seats=(world.seat_taken(doctor, digest), *rest)))


def test_a_revoked_device_is_not_seated(convoked, world):
    """After a revocation the next version must leave the device out."""
    world.revoke(convoked.doctor)
    refused(world, ConflictError, world.revised())


def test_a_closing_time_already_passed_never_moves(world):
    """Once closes_at has passed no version moves it; before, a postponement is accepted."""
    world.post(world.revised(closes_at=world.now + days(20)))
    world.clock.advance(days(20))
    refused(world, InvalidRequestError, world.revised(closes_at=world.now + days(10)))


def test_an_agenda_lists_what_was_deposited_here(convoked, world):
    """An unknown manifest, another dossier, another association, or a withdrawn dossier: refused."""
    made, other = convoked.deposit(), convoked.deposit()
    (line,) = world.items(made)
    for changed in (
        {"manifests": ("0" * 64,)},
        {"manifests": (other.manifest.digest,)},
        {"association": "amicale"},
        {"dossier": other.dossier},
    ):
        items = (line.model_copy(update=changed),)
        refused(world, NotFoundError, world.agenda(items=items))
    refused(world, NotFoundError, world.agenda(sitting=world.new_id(), items=()))
    world.withdraw(convoked.depositor, other)
    refused(world, ConflictError, world.agenda(made, other))
    twice = (line, line.model_copy(update={"rank": 1}))
    refused(world, InvalidRequestError, world.agenda(items=twice))
    convoked.on_agenda(made)


@pytest.mark.parametrize(
    "change",
    [
        lambda shown: shown[1:],
        lambda shown: (*shown, shown[0]),
        lambda shown: (shown[0], *shown[:-1]),
        lambda shown: (*shown[:-1], AgendaOpening(bytes(32), shown[-1].content)),
        lambda shown: (*shown[:-1], AgendaOpening(shown[-1].opening, b"nonsense")),
        lambda shown: (*shown[:-1], AgendaOpening(b"short", shown[-1].content)),
        lambda _shown: (),
    ],
)
def test_an_agenda_comes_with_its_openings(convoked, world, change):
    """One missing, one twice, one changed, or none at all: the agenda is refused and leaves nothing."""
    signed = world.agenda(convoked.deposit())
    world.openings[signed.digest] = change(world.openings[signed.digest])
    refused(world, InvalidRequestError, signed)


def test_openings_come_with_agendas_alone(convoked, world):
    """What a sitting is posted with beside itself is refused."""
    agenda, sitting = world.agenda(), world.revised()
    world.openings[sitting.digest] = world.openings[agenda.digest]
    refused(world, InvalidRequestError, sitting)


def test_openings_are_of_one_version(convoked, world):
    """The next version's commitments share nothing with those before, and their openings do not fit."""
    made = convoked.deposit()
    first = world.agenda(made)
    world.post(first)
    second = world.agenda(made)
    assert not set(first.statement.items) & set(second.statement.items)
    world.openings[second.digest] = world.openings[first.digest]
    refused(world, InvalidRequestError, second)


def test_a_sitting_closes_once(convoked, world):
    """A second closing, a new version or agenda after it, and an unknown sitting are refused."""
    unknown = world.by_registrar(
        Closing, sitting=world.new_id(), sitting_sha256=world.sitting_digest()
    )
    refused(world, NotFoundError, unknown)
    foreign = world.by_registrar(Closing, sitting=world.sitting_id, sitting_sha256="0" * 64)
    refused(world, NotFoundError, foreign)
    world.post(world.closing())
    refused(world, ConflictError, world.closing())
    refused(world, InvalidRequestError, world.revised())
    refused(world, ConflictError, world.agenda())


# --- declarations -------------------------------------------------------------------------------


def test_undertakings_are_for_ones_own_mandate(convoked, world):
    """Another's mandate, or one that does not exist, is not undertaken."""
    for mandate in (convoked.mayor.mandate, world.new_id()):
        signed = world.by(convoked.doctor, Undertaking, mandate=mandate, text_sha256=sha256(b"x"))
        refused(world, NotFoundError, signed, convoked.doctor.caller)


def test_members_declare_on_the_agenda_of_their_sitting(convoked, world):
    """Off the agenda, of another sitting, or by someone who does not sit: refused."""
    made = convoked.deposit()

    def declaration(member, **changes):
        values = {"sitting": world.sitting_id, "dossiers": (made.dossier,), **changes}
        return world.by(member, Declaration, **values)

    doctor = convoked.doctor.caller
    refused(world, NotFoundError, declaration(convoked.doctor), doctor)
    convoked.on_agenda(made)
    refused(world, NotFoundError, declaration(convoked.doctor, sitting=world.new_id()), doctor)
    guest = world.people["Perrine Invitée"]
    refused(world, NotFoundError, declaration(guest), guest.caller)
    world.post(declaration(convoked.doctor), doctor)


def test_the_recused_cannot_declare_and_learn_nothing(convoked, world):
    """The association's own member gets the answer that an unknown dossier gets."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    member = convoked.altair_member

    def attempt(dossier):
        signed = world.by(member, Declaration, sitting=world.sitting_id, dossiers=(dossier,))
        with pytest.raises(NotFoundError) as refusal:
            world.post(signed, member.caller)
        return str(refusal.value).replace(dossier, "…")

    assert attempt(made.dossier) == attempt("aaaaa-aaaaa")


def test_a_recusal_is_not_taken_back(convoked, world):
    """After stepping aside one cannot declare; after declaring one can still step aside."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    world.declare(convoked.doctor, made)
    world.recuse(convoked.doctor, made)
    with pytest.raises(ConflictError, match="ne se reprend pas"):
        world.declare(convoked.doctor, made)


@pytest.mark.parametrize("after", ["nothing", "left the agenda", "withdrawn"])
def test_what_the_recused_sign_later_gets_one_answer(convoked, world, after):
    """Signing again about a dossier one stepped aside from does not tell what became of it."""
    made, other = convoked.deposit(), convoked.deposit()
    convoked.on_agenda(made, other)
    world.recuse(convoked.doctor, made)
    if after == "left the agenda":
        convoked.on_agenda(other)
    if after == "withdrawn":
        world.withdraw(convoked.depositor, made)
    for act in (world.declare, world.recuse):
        with pytest.raises(ConflictError, match="ne se reprend pas"):
            act(convoked.doctor, made)
    opinion = {"dossier": made.dossier, "payload_sha256": sha256(b"avis")}
    signed = world.by(convoked.doctor, Opinion, **opinion)
    refused(world, NotAllowedError, signed, convoked.doctor.caller)


def test_declarations_end_with_the_window(convoked, world):
    """Nothing is declared after the closing time."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    world.clock.advance(days(12))
    with pytest.raises(ConflictError):
        world.declare(convoked.doctor, made)


def test_opinions_are_by_those_who_sit(convoked, world):
    """A member who sits writes an opinion; the recused and the unknown dossier are refused."""
    made = convoked.deposit()
    convoked.on_agenda(made)

    def opinion(member, dossier=None):
        values = {"dossier": dossier or made.dossier, "payload_sha256": sha256(b"avis")}
        return world.by(member, Opinion, **values)

    refused(world, NotFoundError, opinion(convoked.doctor, "aaaaa-aaaaa"), convoked.doctor.caller)
    refused(world, NotFoundError, opinion(convoked.altair_member), convoked.altair_member.caller)
    world.recuse(convoked.mayor, made)
    refused(world, NotAllowedError, opinion(convoked.mayor), convoked.mayor.caller)
    world.post(opinion(convoked.doctor), convoked.doctor.caller)


def test_decisions_are_on_dossiers_that_exist(convoked, world):
    """The préfet's delegate decides on what was deposited."""
    made = convoked.deposit()
    delegate = world.admit("Aurore Exemple", "prefecture", Role.DECIDER)
    values = {"payload_sha256": sha256(b"decision")}
    unknown = world.by(delegate, Decision, dossier="aaaaa-aaaaa", **values)
    refused(world, NotFoundError, unknown, delegate.caller)
    world.post(world.by(delegate, Decision, dossier=made.dossier, **values), delegate.caller)


# --- custody ------------------------------------------------------------------------------------


def test_the_broker_answers_for_itself(world):
    """A destruction posted by a person is refused: it comes from the broker alone."""
    signed = world.by_registrar(Destruction, release_keys=(), cause="expiry", because=None)
    refused(world, InvalidRequestError, signed)


def test_holds_have_a_term(convoked, world):
    """A hold is on dossiers that exist, until a day to come."""
    made = convoked.deposit()

    def hold(**changes):
        values = {"dossiers": (made.dossier,), "until": world.now + days(100), "reason": "recours"}
        return world.by_registrar(Hold, **{**values, **changes})

    refused(world, NotFoundError, hold(dossiers=("aaaaa-aaaaa",)))
    refused(world, ConflictError, hold(until=None))
    refused(world, ExpiredError, hold(until=world.now))
    refused(world, ExpiredError, hold(until=world.now + days(4000)))
    world.post(hold())
    world.post(hold(until=None))
    refused(world, ConflictError, hold(until=None))


def test_an_emergency_is_short_and_lowers_something(world):
    """It has not expired, lasts a week at most, and asks for fewer witnesses than there are; it needs
    no login, because while witnesses are missing nobody can log in.
    """

    def emergency(**changes):
        values = {"quorum": 0, "reason": "panne", "expires_at": world.now + days(1), **changes}
        return world.by_registrar(Emergency, **values)

    refused(world, InvalidRequestError, emergency())  # the broker alone is no witness to spare
    tribunal = signer("tribunal.example", KeyType.COSIGNATURE_V1, 77)
    lines = (
        f"witness broker {world.cosigner.verifier}",
        f"witness tribunal {tribunal.verifier}",
        "quorum tribunal\n",
    )
    world.post(world.trust_policy(2, witness_policy="\n".join(lines)))
    refused(world, ExpiredError, emergency(expires_at=world.now))
    refused(world, InvalidRequestError, emergency(expires_at=world.now + days(8)))
    refused(world, InvalidRequestError, emergency(quorum=1))
    accepted = accept_statement(world.service, None, emergency().envelope)
    with pytest.raises(NotAllowedError):
        accept_statement(
            world.service,
            None,
            world.by_registrar(Hold, dossiers=("aaaaa-aaaaa",), until=None, reason="x").envelope,
        )
    assert world.index().get(accepted.digest) is not None


def test_complaints_are_about_ones_own_header(convoked, world):
    """Only the device that a header was signed for complains of it, once; its association may know."""
    made = convoked.deposit()
    caller = convoked.doctor.caller

    def complaint(person, **changes):
        entry = made.manifest.statement.envelopes[0]
        values = {"manifest": made.manifest.digest, "header_sha256": entry.header_sha256}
        return world.by(
            person, Complaint, **{**values, "fault": "altered", "found": None, **changes}
        )

    refused(world, NotAllowedError, complaint(convoked.altair_member), caller)
    stranger = convoked.altair_member
    refused(world, NotFoundError, complaint(stranger), stranger.caller)
    refused(world, NotFoundError, complaint(convoked.doctor, header_sha256=sha256(b"")), caller)
    refused(world, NotFoundError, complaint(convoked.doctor, manifest=sha256(b"")), caller)
    signed = complaint(convoked.doctor)
    world.post(signed, caller)
    refused(world, ConflictError, complaint(convoked.doctor, fault="other-content"), caller)
    known = {
        person.name: may_know(world.index(), person.caller, signed.statement)
        for person in (
            convoked.doctor,
            convoked.mayor,
            convoked.depositor,
            convoked.other_depositor,
        )
    }
    assert list(known.values()) == [True, False, True, False]


def test_complaints_of_a_late_grant(convoked, world):
    """A header of a grant can be dead as well."""
    made = convoked.deposit()
    world.add_grant(convoked.depositor, made, (convoked.mayor, Purpose.READ))
    entry = world.index().find(Grant)[0].statement.envelopes[0]
    values = {"manifest": made.manifest.digest, "header_sha256": entry.header_sha256}
    signed = world.by(convoked.mayor, Complaint, **values, fault="not-for-this-key", found=None)
    world.post(signed, convoked.mayor.caller)


def test_auditors_attest_what_is_in_the_log(convoked, world):
    """A range beyond the log, or beyond the cited checkpoint, is refused."""
    note = world.log.checkpoint().decode()
    convoked.deposit()

    def attestation(last):
        ranges = ({"first": 0, "last": last},)
        return world.by(
            convoked.auditor, Attestation, ranges=ranges, checkpoint=note, verdict="conforme"
        )

    caller = convoked.auditor.caller
    size = len(world.kinds())
    refused(world, InvalidRequestError, attestation(size), caller)
    refused(world, InvalidRequestError, attestation(size - 1), caller)
    world.post(attestation(3), caller)


def test_a_recovery_needs_the_threshold_of_the_roots(world):
    """No registrar and no single root; over HTTP not at all, and of no other log."""
    note = world.log.checkpoint().decode()
    root = world.roots[0].verify_key().fingerprint
    values = {"checkpoint": note, "reason": "base restaurée"}
    by_roots = world.sign(Recovery, root, world.roots[:2], **values)
    refused(world, InvalidRequestError, by_roots)
    for signed in (
        world.by_registrar(Recovery, **values),
        world.sign(Recovery, root, world.roots[:1], **values),
    ):
        with pytest.raises(NotAllowedError):
            recover(world.service, signed.envelope)
    elsewhere = {**values, "checkpoint": note.replace(ORIGIN, "autre.example/log")}
    with pytest.raises(InvalidRequestError):
        recover(world.service, world.sign(Recovery, root, world.roots[:2], **elsewhere).envelope)
    assert recover(world.service, by_roots.envelope) == (by_roots.digest, True)
    assert recover(world.service, by_roots.envelope) == (by_roots.digest, True)
    assert world.kinds()[-1] == "statement.accepted"


def test_a_bundle_index_names_each_path_once(convoked, world):
    """The same path twice would let one of two contents go unsigned."""
    file = {"path": "log/checkpoint", "sha256": "0" * 64, "length": 1}
    signed = world.by(convoked.auditor, BundleIndex, checkpoint="x", files=(file, file))
    refused(world, InvalidRequestError, signed, convoked.auditor.caller)


# --- what others verify with --------------------------------------------------------------------


def test_the_shared_verifier_agrees(convoked, world):
    """Broker, clients and replay verify with the function that the service verifies with."""
    signed = world.revised()
    with world.database.transactions() as work:
        policy = trusted_policy(world.trust, work.statements)
    assert verify_statement(policy, world.index(), signed, world.now).digest == signed.digest
    assert verify_statement(policy, world.index(), signed, world.now + days(359)).digest
    with pytest.raises(UntrustedError):
        verify_statement(policy, world.index(), signed, world.now + days(360))
    with pytest.raises(UntrustedError):
        verify_statement(None, world.index(), signed, world.now)
    held = certified(world.index(), convoked.doctor.certificate, world.now)
    assert held.statement.person == convoked.doctor.person
