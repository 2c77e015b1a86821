"""The npm package age-encryption (typage) reads and writes our files, post-quantum ones too."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from crypto.age import armor
from crypto.age.decrypt import decrypt_stream, decrypt_with
from crypto.age.encrypt import encrypt_stream, encrypt_to, encrypt_with_passphrase
from crypto.age.identities import (
    Passphrase,
    format_identity,
    parse_identity,
    recipient_of,
    x25519_recipient_of,
)
from crypto.age.layout import CHUNK_BYTES
from crypto.age.recipients import AnyRecipient, format_recipient, parse_recipient
from crypto.edge.identity import Identity
from crypto.edge.keyfile import encode_seed, export_age, open_seed, seal_seed
from crypto.edge.seal import envelope_for, header_for, seal_payload
from crypto.edge.unseal import unwrap_header
from crypto.envelope import HEADER_BYTES, check_header
from crypto.errors import CryptoError
from crypto.keys import FileKey, HybridIdentity, MasterSeed

HERE = Path(__file__).parent / "age_js"
MISSING = not (HERE / "node_modules").is_dir() or shutil.which("node") is None
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(MISSING, reason="needs node, and `npm ci` run in tests/integration/age_js"),
]
LENGTHS = (0, 1, CHUNK_BYTES, 17 * CHUNK_BYTES + 3)


def age_js(verb: str, *arguments: str, data: bytes = b"") -> bytes:
    """What the other implementation answers; fails the test when it fails."""
    done = subprocess.run(
        ["node", "age.mjs", verb, *arguments],
        cwd=HERE,
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def refused_by_age_js(verb: str, *arguments: str, data: bytes) -> str:
    """Why the other implementation refuses; fails the test when it does not."""
    done = subprocess.run(
        ["node", "age.mjs", verb, *arguments],
        cwd=HERE,
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr.decode()


@pytest.fixture(scope="module", params=["hybrid", "classic"])
def theirs(request: pytest.FixtureRequest) -> dict[str, str]:
    """A key pair that the other implementation made."""
    pair: dict[str, str] = json.loads(age_js("keygen", request.param))
    return pair


def our_recipient(identity_text: str) -> AnyRecipient:
    identity = parse_identity(identity_text)
    if isinstance(identity, HybridIdentity):
        return recipient_of(identity)
    return x25519_recipient_of(identity)


def test_keys_agree(theirs: dict[str, str]) -> None:
    """From their identity we derive their recipient, letter for letter."""
    recipient = our_recipient(theirs["identity"])
    assert format_recipient(recipient) == theirs["recipient"]
    assert parse_recipient(theirs["recipient"]) == recipient
    assert format_identity(parse_identity(theirs["identity"])) == theirs["identity"]


@pytest.mark.parametrize("length", LENGTHS)
def test_they_open_ours(theirs: dict[str, str], length: int) -> None:
    """What we write, small or streamed, they open."""
    text = os.urandom(length)
    recipient = parse_recipient(theirs["recipient"])
    whole = encrypt_to(text, recipient, os.urandom)
    assert age_js("decrypt", theirs["identity"], data=whole) == text
    streamed = io.BytesIO()
    encrypt_stream(io.BytesIO(text), streamed, [recipient, recipient], os.urandom)
    assert age_js("decrypt", theirs["identity"], data=streamed.getvalue()) == text


@pytest.mark.parametrize("length", LENGTHS)
def test_we_open_theirs(theirs: dict[str, str], length: int) -> None:
    """What they write, armored or not, we open."""
    text = os.urandom(length)
    identity = parse_identity(theirs["identity"])
    file = age_js("encrypt", theirs["recipient"], theirs["recipient"], data=text)
    assert decrypt_with(file, identity) == text
    sink = io.BytesIO()
    decrypt_stream(io.BytesIO(age_js("armor", data=file)), [identity], sink)
    assert sink.getvalue() == text


@pytest.fixture(scope="module")
def member() -> Identity:
    """A device of ours."""
    return Identity.from_seed(MasterSeed(b"m" * 32))


def test_detached_headers(member: Identity) -> None:
    """They open header ‖ payload, and read our detached header to the same file key."""
    text, sink = os.urandom(200_000), io.BytesIO()
    sealed = seal_payload(io.BytesIO(text), sink, entropy=os.urandom)
    header = header_for(sealed.file_key, member.recipient, os.urandom)
    exported = export_age(MasterSeed(b"m" * 32))
    assert age_js("decrypt", exported, data=header + sink.getvalue()) == text
    assert FileKey(age_js("file-key", exported, data=header)) == sealed.file_key


def test_envelopes(member: Identity) -> None:
    """They open an envelope to the header that was put in."""
    release = HybridIdentity(b"r" * 32)
    header = header_for(FileKey(b"k" * 16), member.recipient, os.urandom)
    envelope = envelope_for(header, recipient_of(release), os.urandom)
    assert age_js("decrypt", format_identity(release), data=envelope) == header


def test_their_header_is_one_of_ours(member: Identity) -> None:
    """The header of a file that they wrote passes our check of detached headers and opens."""
    recipient = format_recipient(member.recipient)
    file = age_js("encrypt", recipient, data=b"texte")
    header = file[:HEADER_BYTES]
    check_header(header)
    file_key = unwrap_header(header, member.age_identity)
    assert file_key == FileKey(age_js("file-key", export_age(MasterSeed(b"m" * 32)), data=header))


def test_they_refuse_what_we_refuse(member: Identity) -> None:
    """An altered header, a cut payload and another's header are refused on both sides."""
    exported = export_age(MasterSeed(b"m" * 32))
    file = encrypt_to(bytes(70_000), member.recipient, os.urandom)
    altered = bytearray(file)
    altered[HEADER_BYTES - 10] ^= 1
    stranger = encrypt_to(b"x", recipient_of(HybridIdentity(b"s" * 32)), os.urandom)
    for bad in (bytes(altered), file[: HEADER_BYTES + 16 + 65_552], stranger):
        assert refused_by_age_js("decrypt", exported, data=bad)
        with pytest.raises(CryptoError):
            decrypt_with(bad, member.age_identity)


def test_passphrases() -> None:
    """Files under a passphrase go both ways, and they open our key file."""
    ours = encrypt_with_passphrase(b"texte", Passphrase("mot de passé"), os.urandom, log_n=10)
    assert age_js("unlock", "mot de passé", data=ours) == b"texte"
    locked = age_js("lock", "mot de passé", data=b"texte")
    assert decrypt_with(locked, Passphrase("mot de passé")) == b"texte"
    seed = MasterSeed(b"m" * 32)
    keyfile = seal_seed(seed, "mot de passé", log_n=10, entropy=os.urandom)
    assert age_js("unlock", "mot de passé", data=keyfile).decode() == encode_seed(seed) + "\n"
    assert open_seed(keyfile, "mot de passé") == seed


def test_armor() -> None:
    """Both write the same armor."""
    data = os.urandom(1000)
    assert age_js("armor", data=data).strip() == armor.encode(data).strip()
    assert age_js("dearmor", data=armor.encode(data)) == data
