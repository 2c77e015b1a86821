"""The secrets of a running commission, in every spelling in which one could be printed."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator

from crypto.age import bech32
from crypto.edge.identity import Identity
from crypto.edge.keyfile import open_seed
from exchange.demo.world import PASSPHRASE
from tests.support.small_commission import SmallCommission


def secrets_of(commission: SmallCommission) -> Iterator[bytes]:
    """Seeds and derived keys of every person, keys and cookie secret of the server."""
    for person in commission.people.values():
        for path in person.directory.glob("*.age"):
            seed = open_seed(path.read_bytes(), PASSPHRASE)
            identity = Identity.from_seed(seed)
            yield from (seed.reveal(), identity.age_identity.reveal())
            yield identity._signing_seed.reveal()
    server = commission.server_directory
    yield bytes.fromhex((server / "cookie.secret").read_text().strip())
    yield b64decode((server / "log.key").read_text().strip().split("+", 4)[-1])[1:]
    yield PASSPHRASE.encode()


def spellings(secret: bytes) -> Iterator[bytes]:
    """The bytes, hexadecimal, base64 at each alignment, Bech32."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        encoded = b64encode(bytes(shift) + secret)
        yield encoded[4 if shift else 0 :][:-4]
        yield urlsafe_b64encode(bytes(shift) + secret)[4 if shift else 0 :][:-4]
    text = bech32.encode("x", secret).split("1", 1)[1][:-6].encode()
    yield from (text, text.upper())
