"""Keys and what is computed from them: signatures at the borders, identities, fingerprints, commitments."""

from __future__ import annotations

import hashlib
import unicodedata

from nacl import bindings as sodium

from audit.entries import commitment as event_commitment
from audit.entries import leaf_bytes
from crypto.age.recipients import format_recipient
from crypto.digests import tagged_sha256
from crypto.edge.identity import Identity
from crypto.edge.keyfile import MIN_LOG_N, encode_seed, export_age, seal_seed
from crypto.edge.seal import commitment
from crypto.fingerprints import spoken_fingerprint, spoken_trust_fingerprint
from crypto.keys import FileKey, MasterSeed, PartySigningSeed
from crypto.labels import ALL_LABELS
from crypto.statements.agenda import (
    DECOY,
    AgendaItem,
    AgendaOpening,
    AgendaPlace,
    item_commitment,
)
from crypto.trust import Trust
from tests.support.log_world import NOON, ORIGIN, CountedEntropy
from tests.support.shared_vectors.encoded import Case, b64
from tests.support.statement_samples import DIGEST, ROOTS

MESSAGE = b"dossier"
ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)
"""The eight points of the small subgroup, in their canonical encodings."""


def build_signatures() -> dict[str, list[Case]]:
    seed = PartySigningSeed(b"1" * 32)
    key, good = seed.verify_key().raw, seed.sign(MESSAGE)
    more = int.from_bytes(good[32:], "little") + ORDER
    cases = [
        ("honest", key, good, True),
        ("another message's", key, seed.sign(b"autre"), False),
        ("S not reduced", key, good[:32] + more.to_bytes(32, "little"), False),
        ("S zero", key, good[:32] + bytes(32), False),
        ("R of small order", *_small_order_r(seed), False),
        ("R with a part of small order: cofactored verifiers accept it", *_mixed_r(seed), False),
        ("R not canonical", key, bytes.fromhex("ee" + "ff" * 30 + "7f") + good[32:], False),
    ]
    return {
        "signatures": [
            {"name": name, "key": b64(public), "message": b64(MESSAGE), "signature": b64(made), "verifies": holds}
            for name, public, made, holds in cases
        ],
        "keys": [
            {"name": name, "key": b64(raw), "acceptable": holds} for name, raw, holds in _keys(key)
        ],
    }  # fmt: skip


def _keys(key: bytes) -> list[tuple[str, bytes, bool]]:
    torsion = bytes.fromhex(SMALL_ORDER[4])
    return [
        ("honest", key, True),
        *((f"small order {number}", bytes.fromhex(text), False) for number, text in enumerate(SMALL_ORDER)),
        ("with a part of small order", sodium.crypto_core_ed25519_add(key, torsion), False),
        ("y not reduced", bytes.fromhex("f0" + "ff" * 30 + "7f"), False),
        ("not on the curve", bytes.fromhex("02" + "00" * 31), False),
        ("31 bytes", key[:31], False),
        ("33 bytes", key + b"\0", False),
    ]  # fmt: skip


def _scalars(seed: PartySigningSeed) -> tuple[bytes, bytes]:
    """The secret scalar (reduced) and the nonce prefix of RFC 8032."""
    digest = hashlib.sha512(seed.reveal()).digest()
    clamped = bytearray(digest[:32])
    clamped[0] &= 248
    clamped[31] = clamped[31] & 63 | 64
    return sodium.crypto_core_ed25519_scalar_reduce(bytes(clamped) + bytes(32)), digest[32:]


def _signed_with(seed: PartySigningSeed, r: bytes, shown: bytes) -> tuple[bytes, bytes]:
    """A signature that shows ``shown`` for R, with S made for the nonce ``r``."""
    secret, _prefix = _scalars(seed)
    key = seed.verify_key().raw
    challenge = hashlib.sha512(shown + key + MESSAGE).digest()
    k = sodium.crypto_core_ed25519_scalar_reduce(challenge)
    product = sodium.crypto_core_ed25519_scalar_mul(k, secret)
    return key, shown + sodium.crypto_core_ed25519_scalar_add(r, product)


def _small_order_r(seed: PartySigningSeed) -> tuple[bytes, bytes]:
    return _signed_with(seed, bytes(32), bytes.fromhex(SMALL_ORDER[0]))


def _mixed_r(seed: PartySigningSeed) -> tuple[bytes, bytes]:
    r = sodium.crypto_core_ed25519_scalar_reduce(hashlib.sha512(b"nonce").digest())
    honest = sodium.crypto_scalarmult_ed25519_base_noclamp(r)
    shown = sodium.crypto_core_ed25519_add(honest, bytes.fromhex(SMALL_ORDER[4]))
    return _signed_with(seed, r, shown)


def build_identities() -> dict[str, list[Case]]:
    return {"identities": [_identity(bytes([number]) * 32) for number in (0, 49, 255)], "keyfiles": _keyfiles()}  # fmt: skip


def _identity(raw: bytes) -> Case:
    seed = MasterSeed(raw)
    made = Identity.from_seed(seed)
    return {
        "seed": raw.hex(),
        "paper": encode_seed(seed),
        "age_identity": export_age(seed),
        "age_recipient": format_recipient(made.recipient),
        "recipient": str(made.recipient),
        "verify_key": str(made.verify_key),
        "key_fingerprint": made.verify_key.fingerprint,
        "spoken_fingerprint": spoken_fingerprint(made.recipient, made.verify_key),
    }


def _keyfiles() -> list[Case]:
    typed = "café, été 2026"
    seed = MasterSeed(b"1" * 32)
    keyfile = seal_seed(seed, typed, log_n=MIN_LOG_N, entropy=CountedEntropy())
    spellings = [typed, unicodedata.normalize("NFD", typed)]
    return [
        {"passphrase": text, "file": b64(keyfile), "seed": seed.reveal().hex()} for text in spellings
    ]  # fmt: skip


def build_fingerprints() -> dict[str, list[Case]]:
    devices = [Identity.from_seed(MasterSeed(bytes([n]) * 32)) for n in (1, 2)]
    one, two = devices
    pairs = [
        (one.recipient, one.verify_key),
        (two.recipient, one.verify_key),
        (one.recipient, two.verify_key),
    ]
    keys = tuple(seed.verify_key() for seed in ROOTS[:3])
    trusts = [
        Trust(commission="a" * 26, root_keys=keys[:count], threshold=threshold)
        for count, threshold in ((1, 1), (3, 2), (3, 3))
    ]
    return {
        "devices": [
            {"recipient": str(recipient), "verify_key": str(key), "spoken": spoken_fingerprint(recipient, key)}
            for recipient, key in pairs
        ],
        "keys": [{"key": str(key), "fingerprint": key.fingerprint} for key in keys],
        "trusts": [
            {"trust_json": each.to_json().decode(), "digest": each.digest, "spoken": spoken_trust_fingerprint(each)}
            for each in trusts
        ],
        "tagged_hashes": [
            {"label": label.decode(), "parts": [part.hex() for part in parts], "sha256": tagged_sha256(label, parts).hex()}
            for label in ALL_LABELS[:2]
            for parts in ([], [b""], [b"", b""], [b"ab", b"c"], [b"a", b"bc"])
        ],
    }  # fmt: skip


def build_commitments() -> dict[str, list[Case]]:
    file_keys = [
        {"file_key": key.hex(), "nonce": nonce.hex(), "commitment": commitment(FileKey(key), nonce).hex()}
        for key, nonce in ((b"k" * 16, b"n" * 16), (b"k" * 16, bytes(16)), (bytes(16), bytes(16)))
    ]  # fmt: skip
    details = '{"at":"2026-11-24T12:00:00Z","cites":{},"facts":{"reason":"clé inconnue"},"type":"login.refused","v":1}'
    bound = event_commitment(b"o" * 32, ORIGIN, details.encode())
    events = [
        {
            "opening": (b"o" * 32).hex(),
            "origin": ORIGIN,
            "details": details,
            "commitment": bound.hex(),
            "leaf": leaf_bytes(NOON.date(), bound).decode(),
        }
    ]
    return {
        "file_keys": file_keys,
        "events": events,
        "agenda_items": _agenda_items(),
        "agenda_items_refused": _agenda_items_refused(),
    }


ITEM = AgendaItem(
    association="altair", dossier="k7qf2-m3xta", rank=2**41 + 7, manifests=(DIGEST, DIGEST)
)


def _agenda_items() -> list[Case]:
    content = ITEM.model_dump_json().encode()
    place, other = AgendaPlace(ORIGIN, "b" * 25 + "a", 1), AgendaPlace(ORIGIN, "b" * 25 + "a", 12)
    return [
        {
            "opening": opening.hex(),
            "origin": where.origin,
            "sitting": where.sitting,
            "version": where.version,
            "item": said.decode(),
            "commitment": item_commitment(where, AgendaOpening(opening, said)).hex(),
        }
        for where, opening, said in (
            (place, b"o" * 32, content),
            (other, b"o" * 32, content),
            (place, bytes(32), DECOY),
        )
    ]


def _agenda_items_refused() -> list[Case]:
    """Contents that no reader may take for an item, whatever commits to them."""
    good = ITEM.model_dump_json()
    refused = [
        ("nothing", ""),
        ("a decoy with white space", " null"),
        ("an empty object", "{}"),
        ("unknown key", good.replace("{", '{"x":1,', 1)),
        ("duplicate key", good.replace("{", '{"rank":1,', 1)),
        ("no manifest", good.replace(f'["{DIGEST}","{DIGEST}"]', "[]")),
        ("negative rank", good.replace(f'"rank":{2**41 + 7}', '"rank":-1')),
        ("rank in a string", good.replace(f'"rank":{2**41 + 7}', '"rank":"1"')),
        ("reference in upper case", good.replace("k7qf2", "K7QF2")),
    ]
    return [{"name": name, "item": item} for name, item in refused]
