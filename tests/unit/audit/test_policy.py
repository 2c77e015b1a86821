"""Witness policies: the text format, quorums, and what the service demands on top."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import LogFormatError, LogVerificationError
from audit.note import KeyType, Note, NoteSigner
from audit.policy import LogPolicy, LoweredQuorum, VerifiedCheckpoint, WitnessPolicy
from tests.support.log_world import NOON, ORIGIN, LogWorld, signer

LOG = signer(ORIGIN)
WITNESSES = {
    name: signer(f"{name}.example", KeyType.COSIGNATURE_V1, seed)
    for seed, name in enumerate(("broker", "X1", "X2", "X3", "Y1", "Y2", "Y3"), start=20)
}
LINES = {name: f"witness {name} {key.verifier}" for name, key in WITNESSES.items()}
SPEC_EXAMPLE = "\n".join(
    [
        "# the example of the specification, with keys",
        f"log {LOG.verifier} https://log.example/",
        "",
        *list(LINES.values())[1:4],
        "group X-witnesses 2 X1 X2 X3",
        " \t" + LINES["Y1"] + "\thttps://y1.example/ ",
        LINES["Y2"],
        LINES["Y3"],
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def policy(*lines: str) -> LogPolicy:
    return LogPolicy(ORIGIN, (LOG.verifier,), WitnessPolicy.parse("\n".join(lines)))


def note(*names: str, log: NoteSigner = LOG, origin: str = ORIGIN, time: int = 7) -> bytes:
    text = Checkpoint(origin, 1, bytes(32)).to_text()
    cosigned = [WITNESSES[name].cosign(text, time) for name in names]
    return Note(text, (*log.sign(text), *cosigned)).to_bytes()


def test_the_example_of_the_specification_counts_as_it_says() -> None:
    """Two of X and one of Y, for every subset of the six witnesses."""
    parsed = WitnessPolicy.parse(SPEC_EXAMPLE)
    names = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
    for count in range(7):
        for subset in itertools.combinations(names, count):
            x, y = sum(n[0] == "X" for n in subset), sum(n[0] == "Y" for n in subset)
            assert parsed.satisfied_by(frozenset(subset)) == (x >= 2 and y >= 1)
    assert parsed.counted() == names
    assert parsed.witnesses[3].url == "https://y1.example/"
    assert parsed.logs == (LOG.verifier,)


def test_a_name_that_is_no_witness_counts_for_nothing() -> None:
    """Naming a group, or a stranger, as cosigner meets no quorum."""
    parsed = WitnessPolicy.parse(SPEC_EXAMPLE)
    assert not parsed.satisfied_by(frozenset({"X-and-Y", "X-witnesses", "Y-witnesses", "Z"}))


X1, X2 = LINES["X1"], LINES["X2"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [X1],
        [X1, "quorum X2"],
        [X1, "quorum X1", "quorum X1"],
        ["quorum X1", X1],
        [X1, X1.replace("witness X1", "witness X2"), "quorum X1"],
        [X1, X2.replace("witness X2", "witness X1"), "quorum X1"],
        [X1.replace("witness X1", "witness none"), "quorum none"],
        [X1, "group g 2 X1", "quorum g"],
        [X1, "group g 0 X1", "quorum g"],
        [X1, "group g 01 X1", "quorum g"],
        [X1, "group g +1 X1", "quorum g"],
        [X1, "group g ² X1", "quorum g"],
        [X1, "group g any", "quorum g"],
        [X1, "group g any X1 X1", "quorum g"],
        [X1, "group g any g", "quorum g"],
        [X1, "group g any none", "quorum g"],
        [X1, X2, "group g any X1", "group h any X1 X2", "quorum h"],
        [X1, "group X1 any X1", "quorum X1"],
        ["group g any X1", X1, "quorum g"],
        [X1 + " https://a https://b", "quorum X1"],
        [f"log {LOG.verifier}", f"log {LOG.verifier}", "quorum none"],
        [f"log {WITNESSES['X1'].verifier}", "quorum none"],
        [f"witness w {LOG.verifier}", "quorum w"],
        ["witness w garbage", "quorum w"],
        ["trust everyone", "quorum none"],
        ["quorum none\r"],
        ["quorum none"] + ["#"] * 300,
    ],
)
def test_malformed_policies_are_refused(lines: list[str]) -> None:
    """Every rule of the specification about lines, names and keys is enforced."""
    with pytest.raises(LogFormatError):
        WitnessPolicy.parse("\n".join(lines))


@pytest.mark.parametrize(
    ("cosigners", "accepted"),
    [
        (("broker", "X1", "X2"), True),
        (("broker", "X2", "X3"), True),
        (("broker", "X1"), False),
        (("X1", "X2", "X3"), False),
        ((), False),
    ],
)
def test_quorum_and_broker_are_both_needed(cosigners: tuple[str, ...], accepted: bool) -> None:
    """The broker is required whatever the quorum, and never makes up for a missing witness."""
    rules = policy(LINES["broker"], X1, X2, LINES["X3"], "group x 2 X1 X2 X3", "quorum x")
    if accepted:
        verified = rules.verify_checkpoint(note(*cosigners))
        assert dict(verified.cosigned) == dict.fromkeys(cosigners, 7)
    else:
        with pytest.raises(LogVerificationError):
            rules.verify_checkpoint(note(*cosigners))
    assert rules.independent_witnesses == ("X1", "X2", "X3")


def test_with_the_broker_alone_nobody_is_independent() -> None:
    """A quorum of the broker is met by it, and the policy says that no witness is independent."""
    rules = policy(LINES["broker"], X1, "quorum broker")
    assert rules.verify_checkpoint(note("broker")).cosigned == {"broker": 7}
    assert rules.independent_witnesses == ()


def test_every_log_key_must_have_signed() -> None:
    """One signature of two log keys is not enough: a stolen old key alone shows nothing."""
    second = signer(ORIGIN, seed=3)
    rules = LogPolicy(
        ORIGIN,
        (LOG.verifier, second.verifier),
        WitnessPolicy.parse(LINES["broker"] + "\nquorum broker"),
    )
    with pytest.raises(LogVerificationError, match="clé du journal"):
        rules.verify_checkpoint(note("broker"))
    text = Checkpoint(ORIGIN, 1, bytes(32)).to_text()
    both = Note.parse(note("broker")).with_signatures(second.sign(text))
    rules.verify_checkpoint(both.to_bytes())


def test_another_log_is_refused() -> None:
    """A good checkpoint of another origin, or signed under another name, is not ours."""
    rules = policy(LINES["broker"], "quorum broker")
    with pytest.raises(LogVerificationError, match="celui du journal"):
        rules.verify_checkpoint(note("broker", origin="other.example/log"))
    with pytest.raises(LogVerificationError):
        rules.verify_checkpoint(note("broker", log=signer("other.example/log")))


@pytest.mark.parametrize(
    "build",
    [
        lambda: LogPolicy(ORIGIN, (), WitnessPolicy.parse(LINES["broker"] + "\nquorum broker")),
        lambda: policy(X1, "quorum X1"),
        lambda: LogPolicy(
            ORIGIN,
            (LOG.verifier, LOG.verifier),
            WitnessPolicy.parse(LINES["broker"] + "\nquorum broker"),
        ),
        lambda: LogPolicy(
            ORIGIN,
            (signer("other.example/log").verifier,),
            WitnessPolicy.parse(LINES["broker"] + "\nquorum broker"),
        ),
        lambda: policy(
            f"witness broker {signer('w', KeyType.COSIGNATURE_V1, seed=1).verifier}",
            "quorum broker",
        ),
        lambda: policy(f"log {signer(ORIGIN, seed=5).verifier}", LINES["broker"], "quorum broker"),
    ],
)
def test_contradictory_rules_are_refused(build) -> None:
    """No log key, no broker, one key in two places, another's name: such a policy is not taken."""
    with pytest.raises(LogFormatError):
        build()


def test_a_verified_checkpoint_is_made_by_its_verifier_only() -> None:
    """Nobody else can construct the type that means "this was verified"."""
    with pytest.raises(TypeError):
        VerifiedCheckpoint(Checkpoint(ORIGIN, 1, bytes(32)), b"", {}, object())


def test_the_worlds_policy_is_well_formed() -> None:
    """The policy that other tests use names its two independent witnesses."""
    assert LogWorld().policy.independent_witnesses == ("prefecture", "academie")


class TestLoweredQuorum:
    """An emergency: fewer independent witnesses, for a time, and nothing else."""

    RULES = policy(*LINES.values(), "group X 2 X1 X2 X3", "quorum X")
    LOWERED = LoweredQuorum(1, NOON, NOON + timedelta(days=1))
    AT = int(NOON.timestamp())

    def accepts(self, *names: str, time: int = AT, quorum: int = 1) -> bool:
        lowered = replace(self.LOWERED, quorum=quorum)
        try:
            self.RULES.with_lowered([lowered]).verify_checkpoint(note(*names, time=time))
        except LogVerificationError:
            return False
        return True

    def test_counts_within_its_time_alone(self) -> None:
        """By the broker's cosignature: from its beginning until just before its end."""
        end = self.AT + 86_400
        times = (self.AT - 1, self.AT, end - 1, end)
        assert [self.accepts("broker", "X1", time=at) for at in times] == [False, True, True, False]

    def test_counts_what_the_quorum_could_count(self) -> None:
        """Witnesses that stand on no line of the quorum are none, and the broker is never one."""
        assert not self.accepts("broker")
        assert not self.accepts("broker", "Y1", "Y2")
        assert self.accepts("broker", quorum=0)

    def test_the_broker_and_the_log_stay_required(self) -> None:
        """With whatever quorum: without the broker, or without the log's key, nothing counts."""
        assert not self.accepts("X1", "X2", "X3", quorum=0)
        rules = self.RULES.with_lowered([replace(self.LOWERED, quorum=0)])
        other = signer(ORIGIN, seed=99)
        with pytest.raises(LogVerificationError):
            rules.verify_checkpoint(note("broker", "X1", "X2", time=self.AT, log=other))

    def test_the_full_quorum_needs_no_exception(self) -> None:
        """Outside its time the policy's own quorum counts as before."""
        assert self.accepts("broker", "X1", "X3", time=self.AT + 10 * 86_400)


def test_a_verified_checkpoint_vouches_for_no_other() -> None:
    """After one was verified, and verified again: a changed byte, another policy, are looked at."""
    lines = (LINES["broker"], "quorum broker")
    rules, good = policy(*lines), note("broker")
    assert rules.verify_checkpoint(good) is policy(*lines).verify_checkpoint(bytes(good))
    for place in range(len(good)):
        spoiled = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        with pytest.raises((LogFormatError, LogVerificationError)):
            rules.verify_checkpoint(spoiled)
    stricter = policy(LINES["broker"], LINES["X1"], "quorum X1")
    other_log = LogPolicy(ORIGIN, (signer(ORIGIN, seed=77).verifier,), rules.witnesses)
    for each in (stricter, other_log):
        for _ in range(2):
            with pytest.raises(LogVerificationError):
                each.verify_checkpoint(good)


def test_an_exception_lasts_as_long_as_it_is_asked_for() -> None:
    """What an emergency let pass is refused again by the rules without it."""
    rules, good = policy(LINES["broker"], LINES["X1"], "quorum X1"), note("broker")
    lowered = LoweredQuorum(0, NOON.fromtimestamp(0, NOON.tzinfo), NOON)
    assert rules.with_lowered([lowered]).verify_checkpoint(good).cosigned == {"broker": 7}
    with pytest.raises(LogVerificationError):
        rules.verify_checkpoint(good)
    with pytest.raises(LogVerificationError):
        rules.with_lowered([lowered]).with_lowered([]).verify_checkpoint(good)
