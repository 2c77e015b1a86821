"""Accepting undertakings, declarations, recusals, proxies, opinions and decisions."""

from __future__ import annotations

import pytest

from crypto.digests import sha256
from crypto.statements.exchange import Decision, Declaration, Opinion, Undertaking
from crypto.statements.registry import Role
from exchange.usecases.errors import ConflictError, NotAllowedError, NotFoundError
from tests.support.memory_commission_registry import days
from tests.support.refusals import refused


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
