"""Deposits, their envelopes and their releases in a database in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crypto.digests import Digest
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ports import DepositRecord, ReleaseRecord
from tests.support.memory_rows import Holding, MemoryRows


class MemoryDeposits:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def add(self, record: DepositRecord) -> None:
        assert record.deposit not in self._rows.deposits
        self._rows.deposits[record.deposit] = record

    def get(self, deposit: str) -> DepositRecord | None:
        return self._rows.deposits.get(deposit)

    def move(self, deposit: str, *, expected: str, new: str) -> None:
        record = self._rows.deposits[deposit]
        if record.state != expected:
            raise ConcurrentChangeError("Ce dépôt a changé d'état entre-temps.")
        self._rows.deposits[deposit] = replace(record, state=new)

    def promise_object(self, deposit: str, name: str) -> None:
        record = self._rows.deposits[deposit]
        if record.manifest is not None:
            raise ConcurrentChangeError("Ce dépôt a déjà été enregistré avec un autre contenu.")
        self._rows.deposits[deposit] = replace(record, object_name=name)

    def take_back_object(self, deposit: str, name: str) -> None:
        record = self._rows.deposits[deposit]
        if record.manifest is None and record.object_name == name:
            self._rows.deposits[deposit] = replace(record, object_name=None)

    def names_object(self, name: str, states: Iterable[str]) -> bool:
        return any(
            each.object_name == name and each.state in states
            for each in self._rows.deposits.values()
        )

    def set_committed(
        self, deposit: str, *, object_name: str, manifest: Digest, length: int
    ) -> None:
        record = self._rows.deposits[deposit]
        if record.object_name != object_name or record.manifest not in {None, manifest}:
            raise ConcurrentChangeError("Ce dépôt a déjà été enregistré avec un autre contenu.")
        self._rows.deposits[deposit] = replace(record, manifest=manifest, length=length)

    def of_sitting(self, sitting: str) -> Sequence[DepositRecord]:
        return [each for each in self._rows.deposits.values() if each.sitting == sitting]

    def in_state(self, state: str) -> Sequence[DepositRecord]:
        return [each for each in self._rows.deposits.values() if each.state == state]

    def add_envelope(self, deposit: str, sha256: Digest, envelope: bytes) -> None:
        self._rows.sealed[deposit, sha256] = envelope

    def envelope(self, deposit: str, sha256: Digest) -> bytes | None:
        return self._rows.sealed.get((deposit, sha256))

    def envelopes(
        self, wanted: Collection[tuple[str, Digest]]
    ) -> Mapping[tuple[str, Digest], bytes]:
        return {each: self._rows.sealed[each] for each in wanted if each in self._rows.sealed}

    def drop_envelopes(self, deposit: str) -> None:
        for key in [key for key in self._rows.sealed if key[0] == deposit]:
            del self._rows.sealed[key]


class MemoryReleases:
    def __init__(self, database: Holding, rows: MemoryRows) -> None:
        self._database = database
        self._rows = rows

    def forget_between(self, first: int, last: int) -> None:
        log = self._database.log_store
        for key, each in list(self._rows.releases.items()):
            index = log.index_of(each.ticket)
            if index is not None and first <= index <= last:
                del self._rows.releases[key]

    def add_all(self, records: Sequence[ReleaseRecord]) -> None:
        for record in records:
            assert (record.request, record.deposit) not in self._rows.releases
            self._rows.releases[record.request, record.deposit] = record

    def get(self, request: Digest, deposit: str) -> ReleaseRecord | None:
        return self._rows.releases.get((request, deposit))

    def latest(self, certificate: Digest, deposit: str) -> ReleaseRecord | None:
        found = [
            each
            for each in self._rows.releases.values()
            if each.certificate == certificate and each.deposit == deposit
        ]
        return max(found, key=lambda each: each.ticket, default=None)

    def of_deposit(self, deposit: str) -> list[ReleaseRecord]:
        found = [each for each in self._rows.releases.values() if each.deposit == deposit]
        return sorted(found, key=lambda each: each.ticket)

    def set_answers(self, answers: Mapping[tuple[Digest, str], bytes]) -> None:
        for (request, deposit), answer in answers.items():
            record = self._rows.releases.get((request, deposit))
            if record is None or record.answer not in {None, answer}:
                raise ConcurrentChangeError("Cette remise a déjà reçu une autre suite.")
            self._change(request, deposit, answer=answer)

    def set_payload_ticket(self, request: Digest, deposit: str, ticket: int) -> None:
        self._change(request, deposit, payload_ticket=ticket)

    def _change(self, request: Digest, deposit: str, **changes: Any) -> None:
        record = self._rows.releases[request, deposit]
        self._rows.releases[request, deposit] = replace(record, **changes)
