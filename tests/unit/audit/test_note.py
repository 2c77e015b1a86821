"""Signed notes: the specification's own vector, key encodings, and what must be refused."""

from __future__ import annotations

import pytest

from audit import note as note_module
from audit.errors import LogFormatError, LogVerificationError
from audit.note import (
    MAX_SIGNATURES,
    JointSigner,
    KeyType,
    Note,
    NoteSigner,
    NoteVerifier,
    cosignature_message,
    parse_signatures,
)
from tests.support.log_world import signer

SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
    "mRKuwHjG1Yu72IneyaQM=\n"
).encode()
GO_PRIVATE_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
).encode()
TEXT = b"dossiers.example/log\n0\nroot\n"


def signed(text: bytes = TEXT, *keys: NoteSigner) -> Note:
    return Note(text, tuple(each for key in keys or (signer("a"),) for each in key.sign(text)))


@pytest.mark.parametrize(("vkey", "note"), [(SPEC_VKEY, SPEC_NOTE), (GO_VKEY, GO_NOTE)])
def test_published_vectors_verify(vkey: str, note: bytes) -> None:
    """The vectors of the specification and of Go's own package verify and come back bit for bit."""
    verifier = NoteVerifier.parse(vkey)
    parsed = Note.parse(note)
    assert parsed.verify([verifier]) == {verifier: 0}
    assert parsed.to_bytes() == note
    assert str(verifier) == vkey


def test_go_private_key_signs_what_go_signed() -> None:
    """A Go-style private key gives Go's own signature, and is written back the same."""
    key = NoteSigner.parse(GO_PRIVATE_KEY)
    text = Note.parse(GO_NOTE).text
    assert Note(text, key.sign(text)).to_bytes() == GO_NOTE
    assert key.reveal() == GO_PRIVATE_KEY
    assert str(key.verifier) == GO_VKEY


def test_a_signer_never_shows_its_seed() -> None:
    """Neither repr nor the message about a damaged key file contains key material."""
    key = signer("a")
    secret = key.reveal().rsplit("+", 1)[1]
    assert secret not in repr(key)
    damaged = key.reveal().replace(key.verifier.key_id.hex(), "00000000")
    for text in (damaged, damaged[:-1], "PRIVATE+KEY+a", "a" + key.reveal()):
        with pytest.raises(LogFormatError) as caught:
            NoteSigner.parse(text)
        assert secret[:20] not in str(caught.value)


def test_the_text_ends_at_the_last_empty_line() -> None:
    """A text may hold empty lines; only the last one parts it from the signatures."""
    text = b"first\n\nsecond\n"
    parsed = Note.parse(signed(text).to_bytes())
    assert parsed.text == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note[:-1],
        lambda note: note.replace(b"\n\n", b"\n"),
        lambda note: note[note.index(b"\n\n") :],
        lambda note: note.replace("—".encode(), b"-"),
        lambda note: note.replace(b"root", b"ro\x00t"),
        lambda note: note.replace(b"root", b"ro\rt"),
        lambda note: note.replace(b"root", b"ro\xfft"),
        lambda note: note + b"\n",
        lambda note: note[:-2] + b" \n",
        lambda note: note.replace("— a ".encode(), "— a+b ".encode()),
        lambda note: note.replace("— a ".encode(), "—  ".encode()),
        lambda note: note.replace("— a ".encode(), "— a\u00a0 ".encode()),
        lambda note: note + "— a AAAA\n".encode(),
        lambda note: note + "— a AAAA====\n".encode(),
        lambda note: note + "— a\n".encode(),
        lambda note: note + "— b AAAAAAE=\n".encode() * MAX_SIGNATURES,
        lambda note: b"x" * 300_000 + note,
    ],
)
def test_malformed_notes_are_refused(spoil) -> None:
    """Every departure from the one form of a note is a format error."""
    with pytest.raises(LogFormatError):
        Note.parse(spoil(signed().to_bytes()))


def test_unknown_keys_are_ignored_and_known_ones_must_hold() -> None:
    """A stranger's line changes nothing; a known key's bad line condemns the note; none is none."""
    known, stranger = signer("a"), signer("b", seed=9)
    both = signed(TEXT, known, stranger)
    assert both.verify([known.verifier]) == {known.verifier: 0}
    spoilt = Note(TEXT + b"more\n", both.signatures)
    with pytest.raises(LogVerificationError):
        spoilt.verify([known.verifier])
    with pytest.raises(LogVerificationError):
        signed(TEXT, stranger).verify([known.verifier])


def test_same_name_other_key_is_a_stranger() -> None:
    """Name and key id must both match: a namesake's line is ignored, not taken for the key's."""
    known, namesake = signer("a"), signer("a", seed=9)
    with pytest.raises(LogVerificationError, match="Aucune clé connue"):
        signed(TEXT, namesake).verify([known.verifier])
    assert signed(TEXT, namesake, known).verify([known.verifier]) == {known.verifier: 0}


def test_a_key_that_signs_twice_is_refused() -> None:
    """Two lines of one known key are refused, because readers differ in which they take."""
    key = signer("a")
    note = Note(TEXT, key.sign(TEXT) * 2)
    with pytest.raises(LogVerificationError, match="deux fois"):
        note.verify([key.verifier])


def test_cosignature_is_over_its_time() -> None:
    """A cosignature verifies with its own time; another time, or none, does not."""
    key = signer("w", KeyType.COSIGNATURE_V1)
    line = key.cosign(TEXT, 1_679_315_147)
    assert Note(TEXT, (line,)).verify([key.verifier]) == {key.verifier: 1_679_315_147}
    assert cosignature_message(TEXT, 12).startswith(b"cosignature/v1\ntime 12\n")
    for time in (0, 1_679_315_148, 2**63):
        forged = key.verifier.key, time.to_bytes(8, "big") + line.payload[8:]
        with pytest.raises(LogVerificationError):
            key.verifier.check(TEXT, forged[1])


def test_kinds_of_keys_do_not_stand_in_for_each_other() -> None:
    """A log key makes no cosignature and a cosigner's key no plain signature, of the same seed."""
    log, witness = signer("x"), signer("x", KeyType.COSIGNATURE_V1)
    assert log.verifier.key_id != witness.verifier.key_id
    with pytest.raises(TypeError):
        log.cosign(TEXT, 1)
    with pytest.raises(TypeError):
        witness.sign(TEXT)
    with pytest.raises(LogVerificationError):
        log.verifier.check(TEXT, witness.cosign(TEXT, 1).payload)
    with pytest.raises(ValueError, match="POSIX"):
        witness.cosign(TEXT, 0)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a",
        "a+530d903a",
        SPEC_VKEY.replace("530d903a", "530D903A"),
        SPEC_VKEY.replace("530d903a", "530d903b"),
        SPEC_VKEY.replace("example.com/foo", "example.com/fop"),
        SPEC_VKEY[:-1],
        SPEC_VKEY + "=",
        SPEC_VKEY.replace("+Aeky", "+Buky"),
        SPEC_VKEY.replace("example.com/foo", "example.com foo"),
        "a+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_malformed_vkeys_are_refused(vkey: str) -> None:
    """A verifier key is accepted in its one spelling, with its own id, or not at all."""
    with pytest.raises(LogFormatError):
        NoteVerifier.parse(vkey)


def test_signatures_are_replaced_by_key() -> None:
    """Adding a newer line of the same key replaces the older, and keeps all others."""
    log, witness = signer("x"), signer("y", KeyType.COSIGNATURE_V1)
    note = Note(TEXT, (*log.sign(TEXT), witness.cosign(TEXT, 1)))
    newer = note.with_signatures([witness.cosign(TEXT, 2)])
    assert newer.verify([log.verifier, witness.verifier]) == {log.verifier: 0, witness.verifier: 2}
    assert len(newer.signatures) == 2


def test_joint_signers_sign_together() -> None:
    """During a change of keys both keys of one name sign; different names do not mix."""
    old, new = signer("x"), signer("x", seed=2)
    note = Note(TEXT, JointSigner(old, new).sign(TEXT))
    assert set(note.verify([old.verifier, new.verifier])) == {old.verifier, new.verifier}
    assert JointSigner(old, new).name == "x"
    with pytest.raises(ValueError, match="one name"):
        JointSigner(old, signer("z"))


@pytest.mark.parametrize(
    "data", [b"", b"\n", "— a AAAAAAE=".encode(), b"- a AAAAAAE=\n", b"\xff\n"]
)
def test_malformed_signature_lines_are_refused(data: bytes) -> None:
    """A witness's answer is one or more whole signature lines."""
    with pytest.raises(LogFormatError):
        parse_signatures(data)


def test_names_may_hold_what_the_specification_allows() -> None:
    """Over all of Unicode: no plus, no space of any kind, no control character."""
    for code in range(0x110000):
        letter = chr(code)
        good = letter != "+" and not letter.isspace() and letter >= " "
        assert good != bool(note_module._NOT_IN_A_NAME.search(f"a{letter}b")), hex(code)


def test_a_key_is_remembered_by_all_of_its_text() -> None:
    """A vkey that was read before does not stand in for one that differs in a letter."""
    vkey = str(signer("a").verifier)
    assert NoteVerifier.parse(vkey) == signer("a").verifier
    for spoiled in (vkey[:-2] + ("A" if vkey[-2] != "A" else "B") + vkey[-1], "x" + vkey):
        for _ in range(2):
            with pytest.raises(LogFormatError):
                NoteVerifier.parse(spoiled)
