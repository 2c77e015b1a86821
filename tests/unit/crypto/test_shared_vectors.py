"""tests/vectors/*.json: what we publish for other implementations is what we ourselves do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from audit.entries import commitment as event_commitment
from audit.entries import leaf_bytes
from audit.errors import LogFormatError, LogVerificationError
from audit.merkle import verify_consistency
from audit.note import NoteVerifier
from audit.policy import LogPolicy, WitnessPolicy
from audit.receipts import disclosed_by, verify_receipt
from crypto.age.decrypt import decrypt_with
from crypto.age.identities import parse_identity
from crypto.age.recipients import format_recipient
from crypto.digests import tagged_sha256
from crypto.edge.conflict_card import ConflictCard
from crypto.edge.container import read_container
from crypto.edge.container_errors import ContainerError, UnsafeContainerError
from crypto.edge.identity import Identity
from crypto.edge.keyfile import decode_seed, export_age, open_seed
from crypto.edge.paths import check_distinct
from crypto.edge.seal import commitment
from crypto.edge.tar import padded_length
from crypto.edge.unseal import check_commitment, open_payload, unwrap_header
from crypto.encoding import parse_instant
from crypto.envelope import check_envelope, check_header
from crypto.errors import (
    BadSignatureError,
    BrokenCiphertextError,
    MalformedError,
    NotForThisKeyError,
    UntrustedError,
)
from crypto.fingerprints import spoken_fingerprint, spoken_trust_fingerprint
from crypto.keys import FileKey, HybridIdentity, MasterSeed, PartySigningSeed, Recipient, VerifyKey
from crypto.statements import parse, parse_any, seal, verify_threshold
from crypto.statements.agenda import AgendaOpening, AgendaPlace, item_commitment, read_item
from crypto.statements.custody import Emergency
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, accept_chain
from exchange.usecases.emergency import log_rules
from tests.support.shared_vectors import catalogue
from tests.support.shared_vectors.encoded import FOLDER, Case, load, unb64, written

ERRORS: dict[str, type[Exception]] = {
    "malformed": MalformedError,
    "signature": BadSignatureError,
    "untrusted": UntrustedError,
    "not-for-this-key": NotForThisKeyError,
    "broken-ciphertext": BrokenCiphertextError,
    "container": ContainerError,
    "unsafe-container": UnsafeContainerError,
    "format": LogFormatError,
    "verification": LogVerificationError,
}
COUNTS = {
    "commitments": {"file_keys": 3, "events": 1, "agenda_items": 3, "agenda_items_refused": 9},
    "containers": {
        "read": 2,
        "refused": 49,
        "conflict_cards": 3,
        "conflict_cards_refused": 12,
        "collisions": 18,
        "padded_lengths": 10,
    },
    "emergencies": {"checkpoints": 18},
    "envelopes": {"opened": 1, "refused": 8},
    "fingerprints": {"devices": 3, "keys": 3, "trusts": 3, "tagged_hashes": 10},
    "headers": {"opened": 1, "refused": 14},
    "identities": {"identities": 3, "keyfiles": 2},
    "receipts": {"policies": 1, "verified": 9, "refused": 24, "consistent": 6},
    "signatures": {"signatures": 7, "keys": 14},
    "statements": {"samples": 55, "refused": 62, "signatures": 17},
    "trust_chains": {"chains": 24, "expiry": 4, "refused_trust": 8},
}


def cases(file: str, group: str) -> Any:
    listed = load(file)[group]
    return pytest.mark.parametrize(
        "case", listed, ids=[str(each.get("name", number)) for number, each in enumerate(listed)]
    )


def refuses(case: Case, judge: Callable[[], object]) -> None:
    with pytest.raises(ERRORS[case["error"]]):
        judge()


def test_all_files_are_there() -> None:
    """No file and no case is lost, and none is there that nobody counts."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(COUNTS)
    found = {name: {group: len(listed) for group, listed in load(name).items()} for name in COUNTS}
    assert found == COUNTS


@pytest.mark.parametrize("name", sorted(catalogue.REPRODUCIBLE))
def test_the_generator_makes_the_same_files(name: str) -> None:
    """What can be made again bit for bit is: no format changes unnoticed."""
    assert written(catalogue.REPRODUCIBLE[name]()) == (FOLDER / f"{name}.json").read_bytes()


@cases("statements", "samples")
def test_samples(case: Case) -> None:
    """Each type is parsed, has its identity, and is written and signed to the same bytes."""
    parsed = parse_any(case["envelope"].encode())
    assert parsed.digest == case["digest"]
    assert parsed.statement.body() == case["body"].encode()
    assert parsed.statement.payload_type() == case["payload_type"]
    seed = PartySigningSeed(bytes.fromhex(case["seed"]))
    assert seal(parsed.statement, [seed]).envelope == case["envelope"].encode()


@cases("statements", "refused")
def test_refused_statements(case: Case) -> None:
    """No statement that is not strict is parsed, whoever signed it."""
    refuses(case, lambda: parse_any(unb64(case["envelope_base64"])))


@cases("statements", "signatures")
def test_whose_signature_counts(case: Case) -> None:
    """A threshold is met by so many different keys, over this type and body."""
    parsed = parse_any(case["envelope"].encode())
    terms = {"threshold": case["threshold"], "at_most": case["at_most"]}
    keys = [VerifyKey.parse(each) for each in case["keys"]]
    if case["verifies"]:
        assert verify_threshold(parsed, keys, **terms).digest == parsed.digest
    else:
        with pytest.raises(BadSignatureError):
            verify_threshold(parsed, keys, **terms)


@cases("signatures", "signatures")
def test_signatures_at_the_borders(case: Case) -> None:
    """Ed25519 by libsodium's rules: reduced, no small order, not cofactored."""
    key = VerifyKey.parse(case["key"])
    if case["verifies"]:
        key.check(unb64(case["message"]), unb64(case["signature"]))
    else:
        with pytest.raises(BadSignatureError):
            key.check(unb64(case["message"]), unb64(case["signature"]))


@cases("signatures", "keys")
def test_acceptable_keys(case: Case) -> None:
    """Keys outside the prime-order group, or written otherwise, are no keys."""
    if case["acceptable"]:
        assert str(VerifyKey.parse(case["key"])) == case["key"]
    else:
        with pytest.raises(MalformedError):
            VerifyKey.parse(case["key"])


@cases("identities", "identities")
def test_identities(case: Case) -> None:
    """A seed gives these keys, this paper and these fingerprints."""
    seed = MasterSeed(bytes.fromhex(case["seed"]))
    made = Identity.from_seed(seed)
    assert decode_seed(case["paper"]) == seed
    assert export_age(seed) == case["age_identity"]
    assert format_recipient(made.recipient) == case["age_recipient"]
    assert str(made.verify_key) == case["verify_key"]
    assert spoken_fingerprint(made.recipient, made.verify_key) == case["spoken_fingerprint"]


@cases("identities", "keyfiles")
def test_keyfiles(case: Case) -> None:
    """A passphrase opens its key file, however its accents are composed."""
    assert open_seed(unb64(case["file"]), case["passphrase"]).reveal().hex() == case["seed"]


def test_fingerprints() -> None:
    """Devices, keys and trust files have the fingerprints that are read out."""
    groups = load("fingerprints")
    for case in groups["devices"]:
        pair = Recipient.parse(case["recipient"]), VerifyKey.parse(case["verify_key"])
        assert spoken_fingerprint(*pair) == case["spoken"]
    for case in groups["keys"]:
        assert VerifyKey.parse(case["key"]).fingerprint == case["fingerprint"]
    for case in groups["trusts"]:
        trust = Trust.parse(case["trust_json"].encode())
        assert (trust.digest, spoken_trust_fingerprint(trust)) == (case["digest"], case["spoken"])
    for case in groups["tagged_hashes"]:
        parts = [bytes.fromhex(part) for part in case["parts"]]
        assert tagged_sha256(case["label"].encode(), parts).hex() == case["sha256"]
    assert len({case["sha256"] for case in groups["tagged_hashes"]}) == 10


def test_commitments() -> None:
    """File keys and events are committed to as published."""
    groups = load("commitments")
    for case in groups["file_keys"]:
        made = commitment(FileKey(bytes.fromhex(case["file_key"])), bytes.fromhex(case["nonce"]))
        assert made.hex() == case["commitment"]
    for case in groups["events"]:
        details = case["details"].encode()
        bound = event_commitment(bytes.fromhex(case["opening"]), case["origin"], details)
        assert bound.hex() == case["commitment"]
        day = date.fromisoformat(json.loads(case["leaf"])["day"])
        assert leaf_bytes(day, bound).decode() == case["leaf"]
    for case in groups["agenda_items"]:
        place = AgendaPlace(case["origin"], case["sitting"], case["version"])
        shown = AgendaOpening(bytes.fromhex(case["opening"]), case["item"].encode())
        assert item_commitment(place, shown).hex() == case["commitment"]
        item = read_item(shown.content)
        assert (item is None) == (case["item"] == "null")
    for case in groups["agenda_items_refused"]:
        with pytest.raises(MalformedError):
            read_item(case["item"].encode())


@cases("headers", "opened")
def test_headers(case: Case) -> None:
    """A kept header opens to the file key that the manifest commits to, and the payload with it."""
    header, payload = unb64(case["header"]), unb64(case["payload"])
    identity = parse_identity(case["age_identity"])
    assert isinstance(identity, HybridIdentity)
    file_key = unwrap_header(header, identity)
    assert file_key == FileKey(bytes.fromhex(case["file_key"]))
    check_commitment(file_key, bytes.fromhex(case["nonce"]), bytes.fromhex(case["commitment"]))
    container = unb64(case["container"])
    opened = open_payload(file_key, io.BytesIO(payload))
    assert b"".join(iter(lambda: opened.read(1 << 20), b"")) == container
    assert decrypt_with(header + payload, identity) == container
    assert len(payload) == case["length"]


@cases("headers", "refused")
def test_refused_headers(case: Case) -> None:
    """A dead, strange or altered header is refused, and the reason told apart."""
    identity = parse_identity(case["age_identity"])
    assert isinstance(identity, HybridIdentity)

    def judge() -> None:
        file_key = unwrap_header(unb64(case["header"]), identity)
        check_commitment(file_key, bytes.fromhex(case["nonce"]), bytes.fromhex(case["commitment"]))

    refuses(case, judge)


@cases("envelopes", "opened")
def test_envelopes(case: Case) -> None:
    """A kept envelope opens to the header that was put in."""
    envelope = unb64(case["envelope"])
    check_envelope(envelope)
    assert decrypt_with(envelope, parse_identity(case["age_identity"])) == unb64(case["header"])


@cases("envelopes", "refused")
def test_refused_envelopes(case: Case) -> None:
    """What is no envelope, for another key or without a header inside, is refused."""

    def judge() -> None:
        envelope = unb64(case["envelope"])
        check_envelope(envelope)
        check_header(decrypt_with(envelope, parse_identity(case["age_identity"])))

    refuses(case, judge)


def unpacked(data: bytes) -> tuple[str, dict[str, bytes]]:
    card, files = read_container(io.BytesIO(data))
    found = {path: stream.read(size) for path, size, stream in files}
    return card.to_json().decode(), found


@cases("containers", "read")
def test_containers(case: Case) -> None:
    """A container gives its card and its files, in order."""
    card, files = unpacked(unb64(case["container"]))
    assert card == case["card"]
    assert list(files.items()) == [(path, unb64(data)) for path, data in case["files"].items()]


@cases("containers", "refused")
def test_refused_containers(case: Case) -> None:
    """What must never be unpacked is refused."""
    refuses(case, lambda: unpacked(unb64(case["container"])))


@cases("containers", "conflict_cards")
def test_conflict_cards(case: Case) -> None:
    """A card reads to its three fields, and is written as published."""
    card = ConflictCard.parse(case["json"].encode())
    assert card == ConflictCard.make(case["initials"], case["year"], case["commune"])
    assert card.to_json().decode() == case["json"]


@cases("containers", "conflict_cards_refused")
def test_conflict_cards_that_are_none(case: Case) -> None:
    """Nobody takes these for a card."""
    with pytest.raises((ContainerError, MalformedError)):
        ConflictCard.parse(case["json"].encode())


@cases("containers", "collisions")
def test_collisions(case: Case) -> None:
    """Names that some file system takes for one are told apart from those that none does."""
    if case["distinct"]:
        check_distinct(case["paths"])
    else:
        with pytest.raises(UnsafeContainerError):
            check_distinct(case["paths"])


def test_padded_lengths() -> None:
    """Contents are padded to these lengths."""
    for case in load("containers")["padded_lengths"]:
        assert padded_length(case["content"]) == case["padded"]


@cases("trust_chains", "chains")
def test_trust_chains(case: Case) -> None:
    """A chain of policies ends in its last version, or is refused."""
    trust = Trust.parse(case["trust_json"].encode())
    chain = [parse(TrustPolicy, each.encode()) for each in case["policies"]]
    if case["error"] is None:
        assert accept_chain(trust, chain).policy.version == case["version"]
    else:
        refuses(case, lambda: accept_chain(trust, chain))


@cases("trust_chains", "expiry")
def test_policy_expiry(case: Case) -> None:
    """A policy counts until the second at which it expires."""
    trust = Trust.parse(case["trust_json"].encode())
    policy = accept_chain(trust, [parse(TrustPolicy, each.encode()) for each in case["policies"]])
    at = parse_instant(case["at"])
    if case["error"] is None:
        policy.require_unexpired(at)
    else:
        refuses(case, lambda: policy.require_unexpired(at))


@cases("trust_chains", "refused_trust")
def test_refused_trust_files(case: Case) -> None:
    """What is not exactly a trust file is refused."""
    refuses(case, lambda: Trust.parse(case["trust_json"].encode()))


def log_policy() -> LogPolicy:
    (case,) = load("receipts")["policies"]
    keys = tuple(NoteVerifier.parse(each) for each in case["log_keys"])
    return LogPolicy(case["origin"], keys, WitnessPolicy.parse(case["witness_policy"]))


@cases("receipts", "verified")
def test_receipts(case: Case) -> None:
    """A receipt shows this event, under a checkpoint that counts."""
    data = case["receipt"].encode()
    verified = verify_receipt(data, log_policy())
    assert (verified.index, verified.details.type) == (case["index"], case["type"])
    assert disclosed_by(data).details.decode() == case["details"]
    assert disclosed_by(data).opening.hex() == case["opening"]


@cases("receipts", "refused")
def test_refused_receipts(case: Case) -> None:
    """A receipt with anything changed is refused."""
    refuses(case, lambda: verify_receipt(unb64(case["receipt"]), log_policy()))


@cases("receipts", "consistent")
def test_consistency(case: Case) -> None:
    """Two checkpoints of one log are consistent by this proof, and by no other."""
    policy = log_policy()
    older, newer = (
        policy.verify_checkpoint(case[which].encode()).checkpoint for which in ("older", "newer")
    )
    proof = [unb64(each) for each in case["proof"]]
    verify_consistency(older.size, newer.size, older.root, newer.root, proof)
    with pytest.raises(LogVerificationError):
        verify_consistency(older.size, newer.size, bytes(32), newer.root, proof)


@cases("emergencies", "checkpoints")
def test_emergencies(case: Case) -> None:
    """A checkpoint with too few witnesses counts as far as a registrar's emergency permits it."""
    trust = Trust.parse(case["trust_json"].encode())
    policy = accept_chain(trust, [parse(TrustPolicy, each.encode()) for each in case["policies"]])
    rules = log_rules(policy, [parse(Emergency, each.encode()) for each in case["emergencies"]])
    if case["error"] is None:
        rules.verify_checkpoint(case["note"].encode())
    else:
        refuses(case, lambda: rules.verify_checkpoint(case["note"].encode()))
