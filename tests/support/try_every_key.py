"""A thief's program: every key that was found is tried on every envelope, again and again.

What opens may hold a key or another envelope, so it goes round until nothing new opens. It knows no
formats of the product but age's, and the file names of the broker's store.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crypto.age.decrypt import decrypt_with
from crypto.age.identities import AnyIdentity, Passphrase
from crypto.digests import sha256
from crypto.envelope import ENVELOPE_BYTES
from crypto.errors import CryptoError
from crypto.keys import HybridIdentity

AGE = b"age-encryption.org/v1\n"
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{64,}")


@dataclass
class Haul:
    """All that was stolen."""

    envelopes: list[bytes] = field(default_factory=list)
    identities: list[AnyIdentity] = field(default_factory=list)

    def scan(self, data: bytes) -> None:
        """Everything of an envelope's length that begins like an age file, as it is or in base64."""
        for text in _BASE64_RUN.findall(data):
            with contextlib.suppress(binascii.Error):
                self._take_raw(base64.b64decode(text + b"=" * (-len(text) % 4)))
        self._take_raw(data)

    def _take_raw(self, data: bytes) -> None:
        place = data.find(AGE)
        while place >= 0:
            self.envelopes.append(data[place : place + ENVELOPE_BYTES])
            place = data.find(AGE, place + 1)

    def scan_database(self, path: Path) -> None:
        """Every value of every table of an SQLite database."""
        with contextlib.closing(sqlite3.connect(path)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                for row in database.execute(f'SELECT * FROM "{table}"'):  # own name
                    for value in row:
                        data = value.encode() if isinstance(value, str) else value
                        if isinstance(data, bytes):
                            self.scan(data)

    def scan_directory(self, directory: Path) -> None:
        """Every file, whatever it is."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                self.scan(path.read_bytes())

    def take_directory(self, directory: Path, passphrase: str | None = None) -> None:
        """Every file of a directory: age files are envelopes; 32 bytes or base64 of them, keys."""
        if passphrase is not None:
            self.identities.append(Passphrase(passphrase))
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                if data.startswith(AGE):
                    self.envelopes.append(data)
                self.identities.extend(_keys_in(data))


def open_everything(haul: Haul) -> list[bytes]:
    """Every header (plaintext that is an age file) that comes to light."""
    queue = {sha256(each): each for each in haul.envelopes if each.startswith(AGE)}
    identities = list(haul.identities)
    found: dict[str, bytes] = {}
    tried = 0
    pairs_done: set[tuple[str, int]] = set()
    progress = True
    while progress:
        progress = False
        for digest, envelope in list(queue.items()):
            for place, identity in enumerate(identities):
                if (digest, place) in pairs_done:
                    continue
                pairs_done.add((digest, place))
                tried += 1
                try:
                    plain = decrypt_with(envelope, identity)
                except CryptoError:
                    continue
                progress = True
                identities.extend(_keys_in(plain))
                if plain.startswith(AGE):
                    found[sha256(plain)] = plain
                    queue.setdefault(sha256(plain), plain)
    assert tried >= len(queue)
    return list(found.values())


def _keys_in(data: bytes) -> Iterator[HybridIdentity]:
    from crypto.encoding import decode_base64

    if len(data) == HybridIdentity.LENGTH:
        yield HybridIdentity(data)
        return
    try:
        raw = decode_base64(data.decode("ascii").strip())
    except (CryptoError, UnicodeDecodeError):
        return
    if len(raw) == HybridIdentity.LENGTH:
        yield HybridIdentity(raw)
