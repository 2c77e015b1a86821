"""Depositors who seal one thing to one member and another, or nothing, to the next.

Their dossier is left out and can be complained of; nothing of it is written, and the other dossiers of
the sitting do not suffer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.age.identities import x25519_recipient_of
from crypto.age.wrap import make_header
from crypto.digests import sha256
from crypto.edge.seal import commitment, envelope_for
from crypto.edge.unseal import unwrap_header
from crypto.encoding import encode_base64
from crypto.statements.exchange import Complaint, Fault, Grant, Kind, Manifest
from exchange.broker import release as broker_release
from exchange.client.complaint import complain, noted
from exchange.client.deposit import Wanted, make_deposit, plan
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.grant import grant
from exchange.client.pack_get import Packed, get_pack
from exchange.client.pack_open import open_pack
from tests.support.client_world import SECRET, Scene, deposited, evil, ready
from tests.support.dishonest_depositor import (
    CLASSIC,
    Dishonest,
    altered,
    classic,
    dead,
    of_another_deposit,
    of_another_recipient,
    of_another_sitting,
    two_stanzas,
)
from tests.support.two_faced import FOR_A, FOR_B, KEY_A, KEY_B, NONCE, PAYLOAD


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One honest dossier of ``nadia``; ``paul`` is the dishonest depositor of another association."""
    return ready(tmp_path)


def taken(scene: Scene, who: str = "claire") -> Packed:
    pack = scene.folder / f"{who}.tar"
    done = get_pack(scene.desk(who), scene.sitting, pack)
    pack.rename(scene.folder / f"{who}-{len(list(scene.folder.iterdir()))}.tar")
    return done


def left_out(scene: Scene, fault: Fault, who: str = "claire") -> Packed:
    """The pack holds the honest dossier alone, opens, and names the other as faulty."""
    pack = scene.folder / "pack.tar"
    done = get_pack(scene.desk(who), scene.sitting, pack)
    assert [each.fault for each in done.faulty] == [fault]
    assert done.refused == ()
    assert len(done.references) == 1
    assert done.references[0] != done.faulty[0].reference
    world, identity = scene.server.world, scene.person(who).identity
    (opened,) = open_pack(pack, scene.folder / "opened", world.trust, identity, world.now).dossiers
    assert (scene.folder / "opened" / opened.folder / "demande.txt").read_bytes() == SECRET
    return done


@pytest.fixture
def dishonest(scene: Scene) -> Dishonest:
    return Dishonest(scene)


# --- one payload, two dossiers -------------------------------------------------------------------


def test_the_payload_has_two_faces() -> None:
    """The attack is real: the same bytes are another text under each key."""
    opened = {
        key.reveal(): decrypt_with(
            make_header(key, x25519_recipient_of(CLASSIC), os.urandom) + PAYLOAD, CLASSIC
        )
        for key in (KEY_A, KEY_B)
    }
    assert FOR_A in opened[KEY_A.reveal()]
    assert FOR_B[:31] in opened[KEY_B.reveal()]


def test_equivocation_at_the_first_opening(scene: Scene, dishonest: Dishonest) -> None:
    """A member given the second key of a two-faced payload refuses it, and can say which key it was."""
    headers = {"claire": ("claire", KEY_B), "martin": ("martin", KEY_A)}
    dishonest.commit({who: dishonest.header_for(*each) for who, each in headers.items()})
    done = left_out(scene, Fault.OTHER_FILE_KEY)
    assert done.faulty[0].found == commitment(KEY_B, NONCE)


def test_equivocation_by_a_late_grant(scene: Scene, dishonest: Dishonest) -> None:
    """A grant cannot give a latecomer another dossier than the first readers have."""
    made = dishonest.commit({"martin": dishonest.header_for("martin", KEY_A)})
    entries, envelopes = dishonest.envelopes({"claire": dishonest.header_for("claire", KEY_B)})
    manifest = scene.server.world.index.find(Manifest, deposit=made.deposit)[0].digest
    signed = dishonest.desk.draft(
        Grant,
        manifest=manifest,
        release_key_sha256=dishonest.release_key.digest,
        envelopes=entries,
        reason="retard",
    )
    dishonest.desk.api.add_grant(made.deposit, signed.envelope, envelopes)
    left_out(scene, Fault.OTHER_FILE_KEY)


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (dead, Fault.OTHER_FILE_KEY),
        (of_another_deposit, Fault.OTHER_FILE_KEY),
        (of_another_sitting, Fault.OTHER_FILE_KEY),
        (of_another_recipient, Fault.NOT_FOR_THIS_KEY),
        (altered, Fault.ALTERED),
    ],
)
def test_headers_that_give_nothing(
    scene: Scene, dishonest: Dishonest, make: Callable[[Dishonest], bytes], fault: Fault
) -> None:
    """A header of another key, deposit, sitting or recipient is refused, and keeps no other dossier back."""
    dishonest.commit({"claire": make(dishonest)})
    dishonest.hand_out(make(dishonest))
    with pytest.raises(NotTrustworthyError, match="échangé"):
        taken(scene)  # not the one that was signed: then it is the server's doing
    scene.server.lies.clear()
    left_out(scene, fault)


@pytest.mark.parametrize("make", [classic, two_stanzas])
def test_headers_of_another_form(
    scene: Scene,
    dishonest: Dishonest,
    make: Callable[[Dishonest], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A classic stanza or a second reader is refused, though it was signed and server, broker and
    depositor are in league.
    """
    header = make(dishonest)
    dishonest.commit({"claire": header})
    honest = broker_release._reseal

    def in_league(desk: Any, opening: Any, envelope: bytes) -> bytes:
        if opening.entry.header_sha256 == sha256(header):
            return encrypt_to(header, opening.reply_key, os.urandom)
        return honest(desk, opening, envelope)

    monkeypatch.setattr(broker_release, "_reseal", in_league)
    left_out(scene, Fault.ALTERED)


def test_an_honest_client_seals_no_such_header(scene: Scene, dishonest: Dishonest) -> None:
    """What a client refuses to open it also refuses to put into an envelope."""
    release = dishonest.release_key.statement.recipient
    for make in (classic, two_stanzas):
        with pytest.raises(Exception, match="en-tête"):
            envelope_for(make(dishonest), release, os.urandom)


# --- contents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"dossier": "aaaaa-aaaaa"},
        {"kind": Kind.RENEWAL},
        {"complement_of": sha256(b"another manifest")},
    ],
)
def test_card_that_contradicts_its_manifest(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What is sealed inside must be what the manifest says outside."""
    scene = deposited(tmp_path)
    folder = scene.folder / "papers" / "nadia"
    desk = evil(scene.desk("nadia"), manifest=changes)
    make_deposit(desk, plan(desk, Wanted(scene.sitting, Kind.ENGAGEMENT, (folder,), any_type=True)))
    scene.agenda()
    scene.declare("claire")
    left_out(scene, Fault.OTHER_CONTENT)


def test_manifest_over_anothers_ciphertext(scene: Scene, dishonest: Dishonest) -> None:
    """An association that signs a manifest over another's ciphertext cannot pass it as its own."""
    (stolen,) = scene.server.world.index.find(Manifest)
    signed = stolen.statement
    dishonest.commit(
        {"claire": of_another_deposit(dishonest)},
        scene.server.uploads[signed.deposit].payload,
        commitment=signed.commitment,
    )
    left_out(scene, Fault.OTHER_CONTENT)


def test_content_that_is_no_container(scene: Scene, dishonest: Dishonest) -> None:
    """A payload that opens and holds no dossier is refused like one that does not open."""
    dishonest.commit({"claire": dishonest.header_for("claire", KEY_A)})
    left_out(scene, Fault.OTHER_CONTENT)


# --- complaints ----------------------------------------------------------------------------------


def test_complaint(scene: Scene, dishonest: Dishonest) -> None:
    """The member signs what was found, once; it names the header that the depositor signed."""
    made = dishonest.commit({"claire": dead(dishonest)})
    done = left_out(scene, Fault.OTHER_FILE_KEY)
    desk = scene.desk("claire")
    (digest,) = complain(desk, made.dossier)
    (recorded,) = scene.server.world.index.find(Complaint)
    assert recorded.digest == digest
    assert recorded.statement.signer == scene.person("claire").certificate
    assert recorded.statement.header_sha256 in {each.header_sha256 for each in made.envelopes}
    assert recorded.statement.found == done.faulty[0].found
    assert noted(desk.profile, made.dossier) == ()
    with pytest.raises(NotPossibleError, match="aucun défaut"):
        complain(desk, made.dossier)


def test_no_complaint_without_a_fault(scene: Scene) -> None:
    """Of a dossier that opened, or of a server that lied, there is nothing to complain of."""
    (reference,) = taken(scene).references
    with pytest.raises(NotPossibleError, match="aucun défaut"):
        complain(scene.desk("claire"), reference)


def test_a_complaint_publishes_no_key(scene: Scene, dishonest: Dishonest) -> None:
    """A header that gives another dossier's key does not make the member publish that key."""
    made = dishonest.commit({"claire": (header := of_another_deposit(dishonest))})
    left_out(scene, Fault.OTHER_FILE_KEY)
    identity = scene.person("claire").identity.age_identity
    key = unwrap_header(header, identity).reveal()
    complain(scene.desk("claire"), made.dossier)
    kept = b"".join(path.read_bytes() for path in scene.folder.rglob("*") if path.is_file())
    sent = b"".join(request.body or b"" for request in scene.server.requests)
    for secret in (key, key.hex().encode(), encode_base64(key).encode()):
        assert secret not in kept
        assert secret not in sent


def test_a_complaint_can_be_put_right(scene: Scene, dishonest: Dishonest) -> None:
    """A depositor who made a mistake seals a new envelope to the member who complained."""
    folder = scene.folder / "people" / "paul" / "filekeys"
    made = dishonest.commit(
        {"claire": dead(dishonest), "martin": dishonest.header_for("martin", KEY_A)}
    )
    folder.mkdir(parents=True, exist_ok=True)
    own = encrypt_to(KEY_A.reveal(), scene.person("paul").identity.recipient, os.urandom)
    (folder / f"{made.deposit}.age").write_bytes(own)
    before = grant(scene.desk("paul"), scene.sitting, (made.dossier,), "retard")
    assert all(
        scene.person("claire").certificate != each.certificate
        for done in before
        for each in done.addressees
    )
    left_out(scene, Fault.OTHER_FILE_KEY)
    complain(scene.desk("claire"), made.dossier)
    (done,) = grant(scene.desk("paul"), scene.sitting, (made.dossier,), "en-tête refait")
    assert [each.certificate for each in done.addressees] == [scene.person("claire").certificate]


def test_a_dead_header_alone_leaves_no_pack(scene: Scene, dishonest: Dishonest) -> None:
    """Where nothing is sound there is no file, and the error says what to do."""
    made = dishonest.commit({"claire": dead(dishonest)})
    out = scene.folder / "packs" / "pack.tar"
    out.parent.mkdir()
    with pytest.raises(NotTrustworthyError, match="dossier complain bbbbb-bbbbb"):
        get_pack(scene.desk("claire"), scene.sitting, out, only=[made.dossier])
    assert list(out.parent.iterdir()) == []
