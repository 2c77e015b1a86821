"""Headers and envelopes: sealed once by this implementation, kept, and opened by every other.

The encapsulation's randomness comes from the cryptographic library, so these two files cannot be
made again bit for bit; the generator makes them only when asked.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from crypto.age.encrypt import encrypt_to
from crypto.age.header import Header, Stanza, parse_header
from crypto.age.identities import format_identity, recipient_of, x25519_recipient_of
from crypto.age.primitives import header_mac
from crypto.age.wrap import make_header, make_header_for_all
from crypto.edge.identity import Identity
from crypto.edge.seal import SealedPayload, envelope_for, header_for, seal_payload
from crypto.encoding import decode_raw_base64, encode_raw_base64
from crypto.keys import FileKey, HybridIdentity, MasterSeed, X25519Identity
from tests.support.containers import FILES, container_of
from tests.support.log_world import CountedEntropy
from tests.support.shared_vectors.encoded import Case, b64

SEED = MasterSeed(b"1" * 32)
MEMBER = Identity.from_seed(SEED)
OTHER = HybridIdentity(b"o" * 32)
RELEASE = HybridIdentity(b"r" * 32)
CLASSIC = X25519Identity(b"c" * 32)


def deposited() -> tuple[SealedPayload, bytes, bytes]:
    """The same deposit each time: its container, and its payload under the same key."""
    container, sink = container_of(FILES), io.BytesIO()
    sealed = seal_payload(io.BytesIO(container), sink, entropy=CountedEntropy())
    return sealed, container, sink.getvalue()


def build_headers() -> dict[str, list[Case]]:
    sealed, container, payload = deposited()
    common = {"age_identity": format_identity(MEMBER.age_identity)}
    signed = {"nonce": sealed.nonce.hex(), "commitment": sealed.commitment.hex()}
    header = header_for(sealed.file_key, MEMBER.recipient, CountedEntropy())
    opened = {
        "header": b64(header),
        "file_key": sealed.file_key.reveal().hex(),
        **signed,
        "payload": b64(payload),
        "length": sealed.length,
        "sha256": sealed.sha256,
        "container": b64(container),
    }
    refused = [
        {"name": name, **common, "header": b64(data), **signed, "error": error}
        for name, data, error in _bad_headers(sealed.file_key, header)
    ]
    return {"opened": [{**common, **opened}], "refused": refused}


def _bad_headers(key: FileKey, good: bytes) -> Iterator[tuple[str, bytes, str]]:
    entropy = CountedEntropy()
    stanza = parse_header(good).stanzas[0]
    share = decode_raw_base64(stanza.arguments[0])

    def resealed(*stanzas: Stanza) -> bytes:
        bare = Header(stanzas, bytes(32))
        return Header(stanzas, header_mac(key, bare.covered())).to_bytes()

    low = Stanza(stanza.kind, (encode_raw_base64(share[:-32] + bytes(32)),), stanza.body)
    both = [MEMBER.recipient, recipient_of(OTHER)]
    classic = x25519_recipient_of(CLASSIC)
    another = header_for(FileKey(b"x" * 16), MEMBER.recipient, entropy)
    yield "of another file key: a dead header, or another dossier", another, "broken-ciphertext"
    yield "for another member", header_for(key, recipient_of(OTHER), entropy), "not-for-this-key"
    yield "two stanzas", make_header_for_all(key, both, entropy), "malformed"
    yield "classic", make_header(key, classic, entropy), "malformed"
    yield "a classic stanza beside", resealed(stanza, _stanza(key, classic)), "malformed"
    yield "share of small order", resealed(low), "malformed"
    yield "MAC of another key", good[:-10] + bytes([good[-10] ^ 1]) + good[-9:], "broken-ciphertext"
    yield "body altered", _altered_body(good), "not-for-this-key"
    yield "base64 with stray bits", _stray_bits(good), "malformed"
    yield "carriage returns", good.replace(b"\n", b"\r\n"), "malformed"
    yield "a byte more", good + b"\n", "malformed"
    yield "a byte less", good[:-1], "malformed"
    yield "no stanza", resealed(), "malformed"
    yield "nothing", b"", "malformed"


def _stanza(key: FileKey, recipient: object) -> Stanza:
    return parse_header(make_header(key, recipient, CountedEntropy())).stanzas[0]  # type: ignore[arg-type]


def _altered_body(header: bytes) -> bytes:
    at = header.index(b"\n--- ") - 20
    letter = b"A" if header[at : at + 1] != b"A" else b"B"
    return header[:at] + letter + header[at + 1 :]


def _stray_bits(header: bytes) -> bytes:
    """The body's last letter carries two bits that decode to nothing."""
    at = header.index(b"\n--- ") - 1
    return header[:at] + bytes([header[at] + 1]) + header[at + 1 :]


def build_envelopes() -> dict[str, list[Case]]:
    sealed, _container, _payload = deposited()
    entropy = CountedEntropy()
    release = recipient_of(RELEASE)
    header = header_for(sealed.file_key, MEMBER.recipient, entropy)
    envelope = envelope_for(header, release, entropy)
    common = {"age_identity": format_identity(RELEASE)}
    bad = [
        ("for another release key", envelope_for(header, recipient_of(OTHER), entropy), "not-for-this-key"),
        ("to a classic key", encrypt_to(header, x25519_recipient_of(CLASSIC), entropy), "malformed"),
        ("holds a classic header", encrypt_to(make_header(sealed.file_key, x25519_recipient_of(CLASSIC), entropy), release, entropy), "malformed"),
        ("holds a header's length of noise", encrypt_to(bytes(len(header)), release, entropy), "malformed"),
        ("tag altered", envelope[:-1] + bytes([envelope[-1] ^ 1]), "broken-ciphertext"),
        ("a byte less", envelope[:-1], "malformed"),
        ("a byte more", envelope + b"\0", "malformed"),
        ("nothing", b"", "malformed"),
    ]  # fmt: skip
    refused = [
        {"name": name, **common, "envelope": b64(data), "error": error} for name, data, error in bad
    ]
    return {
        "opened": [{**common, "envelope": b64(envelope), "header": b64(header)}],
        "refused": refused,
    }
