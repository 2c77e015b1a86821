"""What a database in memory keeps of requests and people: challenges, keys, rates, notices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from exchange.usecases.ports import Contact
from exchange.usecases.request_ports import Counted, Reservation
from tests.support.memory_rows import MemoryRows


class MemoryChallenges:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def add(self, nonce: bytes, expires_at: datetime) -> None:
        self._rows.challenges[nonce] = expires_at

    def take(self, nonce: bytes) -> datetime | None:
        return self._rows.challenges.pop(nonce, None)

    def drop_expired(self, now: datetime) -> None:
        for nonce in [n for n, until in self._rows.challenges.items() if until <= now]:
            del self._rows.challenges[nonce]


class MemoryIdempotency:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def reserve(self, owner: str, key: str, wanted: Reservation, now: datetime) -> Reservation:
        return self._rows.keys.setdefault((owner, key), (wanted, now))[0]

    def drop_before(self, moment: datetime) -> None:
        kept = {name: held for name, held in self._rows.keys.items() if held[1] >= moment}
        self._rows.keys = kept


class MemoryRates:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def add(self, scope: str, who: str, window: int) -> Counted:
        number, count = self._rows.rates.get((scope, who), (window, 0))
        now = count + 1 if number == window else 1
        self._rows.rates[scope, who] = window, now
        return Counted(now, 0 if number == window else count)

    def seen(self, scope: str, who: Collection[str], window: int) -> Mapping[str, int]:
        held = {each: self._rows.rates.get((scope, each), (window, 0)) for each in who}
        return {each: count for each, (number, count) in held.items() if number == window}

    def drop_before(self, window: int) -> None:
        kept = {name: held for name, held in self._rows.rates.items() if held[0] >= window}
        self._rows.rates = kept


class MemoryContacts:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def put(self, contact: Contact) -> None:
        self._rows.contacts[contact.person] = contact

    def get(self, person: str) -> Contact | None:
        return self._rows.contacts.get(person)

    def all(self) -> list[Contact]:
        return list(self._rows.contacts.values())

    def remove(self, person: str) -> None:
        self._rows.contacts.pop(person, None)


class MemoryNotices:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def is_due(self, key: str, now: datetime) -> bool:
        known = self._rows.notices.get(key)
        return known is None or (known[1] is not None and known[1] <= now)

    def attempts(self, key: str) -> int:
        return self._rows.notices.get(key, (0, None, None))[0]

    def note(self, key: str, *, attempts: int, again_at: datetime | None, now: datetime) -> None:
        self._rows.notices[key] = (attempts, again_at, now)

    def drop_before(self, moment: datetime) -> None:
        for key in [key for key, (_, _, at) in self._rows.notices.items() if at < moment]:
            del self._rows.notices[key]
