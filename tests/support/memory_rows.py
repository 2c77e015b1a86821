"""The rows of a database in memory, and what its tables ask of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from audit.ports import NewEntry
from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import OpenedItem
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Contact, DepositRecord, ReleaseRecord
from exchange.usecases.request_ports import Reservation
from tests.support.memory_log import MemoryLogStore


@dataclass
class MemoryRows:
    """Everything that one transaction changes; copied when it begins, put back when it fails."""

    envelopes: dict[Digest, bytes] = field(default_factory=dict)
    accepted: dict[Digest, Accepted[Statement]] = field(default_factory=dict)
    acknowledged: set[Digest] = field(default_factory=set)
    opened: dict[Digest, tuple[OpenedItem, ...]] = field(default_factory=dict)
    deposits: dict[str, DepositRecord] = field(default_factory=dict)
    sealed: dict[tuple[str, Digest], bytes] = field(default_factory=dict)
    releases: dict[tuple[Digest, str], ReleaseRecord] = field(default_factory=dict)
    challenges: dict[bytes, datetime] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[Reservation, datetime]] = field(default_factory=dict)
    rates: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: dict[str, tuple[int, datetime | None, datetime]] = field(default_factory=dict)
    events: dict[int, NewEntry] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)

    def snapshot(self) -> MemoryRows:
        return MemoryRows(**{name: copy.copy(value) for name, value in vars(self).items()})


class Holding(Protocol):
    """What a table asks of its database: the log that lasts, and the next ticket."""

    log_store: MemoryLogStore

    def next_ticket(self) -> int: ...
