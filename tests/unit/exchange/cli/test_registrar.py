"""The registrar's commands: who is certified, who is revoked, which policy is trusted."""

from __future__ import annotations

import json
import os

from crypto.edge.identity import Identity
from crypto.keys import MasterSeed, VerifyKey
from crypto.statements import parse, seal
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, accept_first
from tests.support.office import Office


def test_wrong_fingerprint_certifies_nobody(office: Office) -> None:
    """A fingerprint that nobody presented certifies nothing, and says why."""
    file = office.folder / "x.json"
    words = ("--name", "X", "--organisation", "cdom", "--role", "member", "--out", str(file))
    office.run("secretariat", "registrar", "invite", *words)
    office.run("x", "enrol", str(file), "--yes", "--work-factor", "10")
    wrong = " ".join(["0000"] * 8)
    outcome = office.run("secretariat", "registrar", "certify", "--fingerprint", wrong)
    assert outcome.status == 1
    outcome = office.run("x", "sittings")
    assert outcome.status == 1


def test_wrong_trust_fingerprint_pins_nothing(office: Office) -> None:
    """An invitation whose fingerprint differs leaves no trace in the profile."""
    file = office.folder / "x.json"
    words = ("--name", "X", "--organisation", "cdom", "--role", "member", "--out", str(file))
    office.run("secretariat", "registrar", "invite", *words)
    outcome = office.run("x", "enrol", str(file), "--fingerprint", " ".join(["0000"] * 8))
    assert outcome.status == 1
    assert not (office.folder / "x" / "trust.json").exists()
    assert office.run("x", "enrol", str(file)).status == 1
    assert not (office.folder / "x" / "trust.json").exists()


def test_revocation(office: Office) -> None:
    """A revoked person can no longer log in."""
    person = office.join("claire", "cdom", "member")
    done = office.run("secretariat", "registrar", "revoke", person, "--reason", "perdu", "--json")
    assert len(done.data()["revoked"]) == 1
    assert done.data()["reach"] == []
    people = office.run("secretariat", "registrar", "people", "--json").data()
    assert [each["usable"] for each in people["certified"]] == [False]


def test_trust_in_turns(office: Office) -> None:
    """Two root keys sign one policy in turn, each on its own machine, without a server."""
    keys = []
    for name in ("un", "deux"):
        path = office.folder / f"{name}.age"
        made = office.run("x", "key", "new", "--root", "--out", str(path), "--work-factor", "10",
                          "--json").data()  # fmt: skip
        keys.append((path, made))
    world = office.server.world
    trust = Trust(
        commission=world.trust.commission,
        root_keys=tuple(VerifyKey.parse(made["key"]) for _path, made in keys),
        threshold=2,
    )
    anchor = office.folder / "two.json"
    anchor.write_bytes(trust.to_json())
    draft = office.folder / "draft.json"
    policy = world.trust_policy().statement
    draft.write_text(
        json.dumps(
            {
                "origin": policy.origin,
                "log_keys": list(policy.log_keys),
                "broker_keys": [str(key) for key in policy.broker_keys],
                "witness_policy": policy.witness_policy,
            }
        )
    )
    first, second = office.folder / "first.json", office.folder / "second.json"
    one = office.run(
        *("x", "registrar", "trust", "--trust", str(anchor), "--policy-draft", str(draft)),
        *("--root-key", str(keys[0][0]), "--out", str(first), "--json"),
    ).data()
    two = office.run(
        *("x", "registrar", "trust", "--trust", str(anchor), "--signed", str(first)),
        *("--root-key", str(keys[1][0]), "--out", str(second), "--json"),
    ).data()
    assert (one["signatures"], two["signatures"]) == (1, 2)
    assert one["policy"] == two["policy"]
    assert accept_first(trust, parse(TrustPolicy, second.read_bytes())).policy.version == 1


def test_next_trust_policy(office: Office) -> None:
    """A registrar publishes the root's next policy; one by another root is refused here already."""
    world = office.server.world
    trust = ("--trust", str(office.folder / "trust.json"))
    path = office.folder / "next.json"
    path.write_bytes(world.trust_policy(2).envelope)
    outcome = office.run(
        "secretariat", "registrar", "trust", *trust, "--signed", str(path), "--json"
    )
    assert outcome.data()["version"] == 2
    forged = seal(
        world.trust_policy(3).statement, [Identity(MasterSeed.generate(os.urandom))._signing_seed]
    )
    path.write_bytes(forged.envelope)
    posts = len(world.index.find(TrustPolicy))
    outcome = office.run("secretariat", "registrar", "trust", *trust, "--signed", str(path))
    assert outcome.status == 1
    assert len(world.index.find(TrustPolicy)) == posts == 2
