"""Properties of the age format that hold for every input."""

from __future__ import annotations

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crypto.age import armor, bech32
from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.age.errors import ArmorError, HeaderError
from crypto.age.header import Header, Stanza, parse_header, split_header
from crypto.age.identities import recipient_of
from crypto.age.layout import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES
from crypto.age.payload_open import open_stream
from crypto.age.payload_seal import seal_bytes, seal_stream
from crypto.edge.seal import envelope_for, header_for
from crypto.envelope import check_envelope, check_header, payload_length, payload_length_is_valid
from crypto.errors import BrokenCiphertextError, CryptoError, MalformedError
from crypto.keys import FileKey, HybridIdentity

KEY = FileKey(b"k" * 16)
MEMBER = HybridIdentity(b"m" * 32)
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
STANZAS = st.builds(Stanza, WORDS, st.lists(WORDS, max_size=4).map(tuple), st.binary(max_size=200))
HEADERS = st.builds(
    Header,
    st.lists(STANZAS, min_size=1, max_size=5).map(tuple),
    st.binary(min_size=32, max_size=32),
)


def seeded(size: int) -> bytes:
    """The same "entropy" each time: a counterexample can be replayed."""
    return bytes(range(7, 7 + size))


FILE = encrypt_to(b"dossier", recipient_of(MEMBER), seeded)
HEADER = header_for(KEY, recipient_of(MEMBER), seeded)
ENVELOPE = envelope_for(HEADER, recipient_of(MEMBER), seeded)


def flipped(data: bytes, bit: int) -> bytes:
    altered = bytearray(data)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


@given(HEADERS, st.binary(max_size=50))
def test_every_header_round_trips(header: Header, payload: bytes) -> None:
    """What is written parses to the same header, whatever follows it."""
    data = header.to_bytes()
    assert split_header(data + payload) == (header, len(data))


@given(HEADERS, st.data())
@example(Header((Stanza("a", (), b""),), bytes(32)), None)
def test_what_parses_is_canonical(header: Header, data: st.DataObject | None) -> None:
    """An edited header is refused, or is the one spelling of what it now says."""
    text = bytearray(header.to_bytes())
    if data is not None:
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(len(text), at + 3)))
        text[at:end] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b"=", b" ", b"\r\n"])
        )
    try:
        parsed = parse_header(bytes(text))
    except HeaderError:
        return
    assert parsed.to_bytes() == bytes(text)


@given(st.binary(max_size=300))
def test_noise_is_no_header(noise: bytes) -> None:
    """Arbitrary bytes after the version line raise nothing but the format's own error."""
    for data in (
        noise,
        b"age-encryption.org/v1\n" + noise,
        b"age-encryption.org/v1\n-> a\n" + noise,
    ):
        try:
            split_header(data)
        except HeaderError:
            continue


@given(st.integers(0, 8 * len(FILE) - 1))
@settings(max_examples=400)
def test_any_flipped_bit_of_a_file_is_refused(bit: int) -> None:
    """Not one bit of a file can change: header, MAC, nonce or chunk."""
    with pytest.raises(CryptoError):
        decrypt_with(flipped(FILE, bit), MEMBER)


def test_every_byte_of_a_file_counts() -> None:
    """Each byte in turn, changed in its lowest bit, makes the file refused."""
    for at in range(len(FILE)):
        with pytest.raises(CryptoError):
            decrypt_with(flipped(FILE, 8 * at), MEMBER)


@given(st.integers(0, len(FILE) - 1))
def test_any_truncated_file_is_refused(length: int) -> None:
    """No beginning of a file is a file."""
    with pytest.raises(CryptoError):
        decrypt_with(FILE[:length], MEMBER)


@given(st.binary(min_size=1, max_size=40))
def test_nothing_may_follow_a_file(extra: bytes) -> None:
    """A file with anything behind it is refused."""
    with pytest.raises(BrokenCiphertextError):
        decrypt_with(FILE + extra, MEMBER)


@given(st.integers(0, 3), st.integers(0, 3 * CHUNK_BYTES + 100))
@settings(max_examples=25, deadline=None)
def test_truncation_at_every_chunk_border_is_refused(chunks: int, length: int) -> None:
    """A payload cut at a chunk border never opens, and releases only whole authentic chunks."""
    plaintext = bytes(length)
    payload = seal_bytes(KEY, bytes(NONCE_BYTES), plaintext)
    cut = NONCE_BYTES + chunks * SEALED_CHUNK_BYTES
    if cut >= len(payload):
        return
    sink = io.BytesIO()
    with pytest.raises(BrokenCiphertextError):
        open_stream(KEY, io.BytesIO(payload[:cut]), sink)
    assert sink.getvalue() == plaintext[: chunks * CHUNK_BYTES]


@pytest.mark.parametrize("extra", [0, 1, CHUNK_BYTES - 1])
def test_every_border_of_a_long_payload_is_refused(extra: int) -> None:
    """Cut at, one before and one after each of its borders, a payload of whole or broken chunks ends
    in an error, never in a shorter text that looks whole.
    """
    plaintext = bytes(2 * CHUNK_BYTES + extra)
    payload = seal_bytes(KEY, bytes(NONCE_BYTES), plaintext)
    borders = range(NONCE_BYTES, len(payload), SEALED_CHUNK_BYTES)
    cuts = {cut for border in borders for cut in (border - 1, border, border + 1)}
    for cut in sorted(cut for cut in cuts if cut < len(payload)):
        sink = io.BytesIO()
        with pytest.raises(CryptoError):
            open_stream(KEY, io.BytesIO(payload[:cut]), sink)
        assert len(sink.getvalue()) % CHUNK_BYTES == 0


LONG = seal_bytes(KEY, bytes(NONCE_BYTES), bytes(3 * CHUNK_BYTES + 100))


@given(st.integers(0, 8 * len(LONG) - 1))
@settings(max_examples=100, deadline=None)
def test_any_flipped_bit_of_a_long_payload_is_refused(bit: int) -> None:
    """In whichever chunk a bit changes, no byte of that chunk is handed out."""
    sink = io.BytesIO()
    with pytest.raises(BrokenCiphertextError):
        open_stream(KEY, io.BytesIO(flipped(LONG, bit)), sink)
    chunk = (bit // 8 - NONCE_BYTES) // SEALED_CHUNK_BYTES
    assert len(sink.getvalue()) <= max(0, chunk) * CHUNK_BYTES


@given(st.permutations(range(4)))
@settings(deadline=None)
def test_chunks_in_another_order_are_refused(order: list[int]) -> None:
    """Each chunk opens in its own place only."""
    start = [NONCE_BYTES + number * SEALED_CHUNK_BYTES for number in range(4)]
    pieces = [LONG[at : at + SEALED_CHUNK_BYTES] for at in start]
    moved = LONG[:NONCE_BYTES] + b"".join(pieces[number] for number in order)
    if moved == LONG:
        return
    with pytest.raises(BrokenCiphertextError):
        open_stream(KEY, io.BytesIO(moved), io.BytesIO())


@given(st.binary(max_size=2000), st.lists(st.integers(1, 700), min_size=1, max_size=5))
@settings(deadline=None)
def test_how_a_source_hands_out_its_bytes_does_not_matter(data: bytes, steps: list[int]) -> None:
    """The payload depends on the bytes and not on the sizes of the reads."""

    class Uneven:
        turn = 0

        def __init__(self, content: bytes) -> None:
            self.left = content

        def read(self, size: int, /) -> bytes:
            self.turn += 1
            step = min(size, steps[self.turn % len(steps)])
            taken, self.left = self.left[:step], self.left[step:]
            return taken

    sink = io.BytesIO()
    seal_stream(KEY, bytes(NONCE_BYTES), Uneven(data), sink)
    assert sink.getvalue() == seal_bytes(KEY, bytes(NONCE_BYTES), data)
    opened = io.BytesIO()
    open_stream(KEY, Uneven(sink.getvalue()), opened)
    assert opened.getvalue() == data


@given(st.integers(0, 2**60))
def test_lengths(plaintext_length: int) -> None:
    """Each plaintext's payload length is valid, and grows with the plaintext."""
    length = payload_length(plaintext_length)
    assert payload_length_is_valid(length)
    assert payload_length(plaintext_length + 1) > length


@given(st.integers(0, 8 * len(ENVELOPE) - 1))
@settings(max_examples=300)
def test_an_altered_envelope_is_refused_by_form_or_by_key(bit: int) -> None:
    """What the keyless check lets pass of an altered envelope, the key refuses."""
    altered = flipped(ENVELOPE, bit)
    try:
        check_envelope(altered)
    except MalformedError:
        return
    with pytest.raises(CryptoError):
        decrypt_with(altered, MEMBER)


@given(st.binary(max_size=1700))
def test_checks_raise_only_their_own_error(noise: bytes) -> None:
    """The service's checks never fail in another way, whatever is sent."""
    padded = (HEADER[: len(HEADER) - len(noise)] + noise)[: len(HEADER)]
    for data in (noise, padded):
        try:
            check_header(data)
        except MalformedError:
            continue
    with pytest.raises(MalformedError):
        check_envelope(noise)


@given(st.binary(min_size=1, max_size=500), st.sampled_from([b"\n", b"\r\n"]))
def test_armor_round_trips(data: bytes, line_end: bytes) -> None:
    """Whatever is armored comes back, with either kind of line end."""
    assert armor.decode(armor.encode(data).replace(b"\n", line_end)) == data


@given(st.binary(min_size=1, max_size=200), st.data())
def test_what_dearmors_is_canonical(data: bytes, draw: st.DataObject) -> None:
    """An edited armor is refused, or armors back to the same text but for outer space."""
    text = bytearray(armor.encode(data))
    at = draw.draw(st.integers(0, len(text) - 1))
    text[at : at + 1] = draw.draw(st.binary(max_size=2))
    try:
        decoded = armor.decode(bytes(text))
    except ArmorError:
        return
    assert armor.encode(decoded).strip() == bytes(text).strip().replace(b"\r\n", b"\n")


@given(st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True), st.binary(max_size=80))
def test_bech32_round_trips(prefix: str, data: bytes) -> None:
    """Any prefix and data come back, from lower and from upper case."""
    text = bech32.encode(prefix, data)
    assert bech32.decode(text) == bech32.decode(text.upper()) == (prefix, data)


@given(st.text(max_size=100))
def test_bech32_noise(text: str) -> None:
    """Arbitrary text raises nothing but the format's own error, or is canonical."""
    try:
        prefix, data = bech32.decode(text)
    except MalformedError:
        return
    assert bech32.encode(prefix, data) == text.lower()
