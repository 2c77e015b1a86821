"""Deposits, and the envelopes that wait for the broker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from crypto.digests import Digest, sha256
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ports import DepositRecord
from storage.database.metadata import Digest64, OpaqueId26, UtcInstant, metadata
from storage.database.transaction import Transaction
from storage.errors import StorageError

deposits = Table(
    "deposits",
    metadata,
    Column("deposit", OpaqueId26, primary_key=True),
    Column("sitting", OpaqueId26, nullable=False, index=True),
    Column("organisation", String(40), nullable=False),
    Column("certificate", Digest64, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("upload", String(64), nullable=False, unique=True),
    Column("object_name", String(64), unique=True),
    Column("manifest", Digest64, unique=True),
    Column("length", BigInteger),
    Column("begun_at", UtcInstant, nullable=False),
    CheckConstraint("length >= 0", name="length_not_negative"),
)

envelopes = Table(
    "envelopes",
    metadata,
    Column("deposit", OpaqueId26, ForeignKey("deposits.deposit"), primary_key=True),
    Column("sha256", Digest64, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
)


_ENVELOPE = select(envelopes.c.envelope).where(
    envelopes.c.deposit == bindparam("of"), envelopes.c.sha256 == bindparam("hash")
)


_ENVELOPES = select(envelopes).where(
    envelopes.c.deposit.in_(bindparam("of", expanding=True)),
    envelopes.c.sha256.in_(bindparam("hashes", expanding=True)),
)


class SqlDeposits:
    """Implements ``usecases.ports.Deposits``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, record: DepositRecord) -> None:
        """A new deposit; one of the same id raises ConcurrentChangeError."""
        self._transaction.change(insert(deposits).values(**_columns(record)))

    def get(self, deposit: str) -> DepositRecord | None:
        """By id."""
        row = self._transaction.row(select(deposits).where(deposits.c.deposit == deposit))
        return None if row is None else _record(row)

    def move(self, deposit: str, *, expected: str, new: str) -> None:
        """Change the state if it still is ``expected``; raises ConcurrentChangeError."""
        met = self._transaction.change(
            update(deposits)
            .where(deposits.c.deposit == deposit, deposits.c.state == expected)
            .values(state=new)
        )
        if met != 1:
            raise ConcurrentChangeError(
                "Ce dépôt n'est plus dans l'état « {expected} ». Relisez-le et recommencez.",
                expected=expected,
            )

    def promise_object(self, deposit: str, name: str) -> None:
        """Name the object before it is made; once committed, raises ConcurrentChangeError."""
        met = self._transaction.change(
            update(deposits)
            .where(deposits.c.deposit == deposit, deposits.c.manifest.is_(None))
            .values(object_name=name)
        )
        if met != 1:
            raise _other_content()

    def take_back_object(self, deposit: str, name: str) -> None:
        """Name it no more, if it still is the one promised and the deposit is not committed."""
        self._transaction.change(
            update(deposits)
            .where(deposits.c.deposit == deposit, deposits.c.manifest.is_(None))
            .where(deposits.c.object_name == name)
            .values(object_name=None)
        )

    def set_committed(
        self, deposit: str, *, object_name: str, manifest: Digest, length: int
    ) -> None:
        """Name the manifest of the object promised; of another, raises ConcurrentChangeError."""
        met = self._transaction.change(
            update(deposits)
            .where(deposits.c.deposit == deposit, deposits.c.object_name == object_name)
            .where(or_(deposits.c.manifest.is_(None), deposits.c.manifest == manifest))
            .values(manifest=manifest, length=length)
        )
        if met != 1:
            raise _other_content()

    def names_object(self, name: str, states: Iterable[str]) -> bool:
        """Whether a deposit in one of these states names this object."""
        query = select(deposits.c.deposit).where(
            deposits.c.object_name == name, deposits.c.state.in_(list(states))
        )
        return self._transaction.row(query) is not None

    def of_sitting(self, sitting: str) -> Sequence[DepositRecord]:
        """All deposits of a sitting, oldest first."""
        return self._where(deposits.c.sitting == sitting)

    def in_state(self, state: str) -> Sequence[DepositRecord]:
        """All deposits in a state, oldest first."""
        return self._where(deposits.c.state == state)

    def add_envelope(self, deposit: str, sha256: Digest, envelope: bytes) -> None:
        """Keep an envelope under its digest; the same again changes nothing."""
        if self.envelope(deposit, sha256) is not None:
            return
        _check_digest(envelope, sha256)
        self._transaction.change(
            insert(envelopes).values(deposit=deposit, sha256=sha256, envelope=envelope)
        )

    def envelope(self, deposit: str, sha256: Digest) -> bytes | None:
        """An envelope by its digest."""
        found = self._transaction.scalar(_ENVELOPE, {"of": deposit, "hash": sha256})
        return None if found is None else bytes(found)

    def envelopes(
        self, wanted: Collection[tuple[str, Digest]]
    ) -> Mapping[tuple[str, Digest], bytes]:
        """Those that are still there, by deposit and digest."""
        if not wanted:
            return {}
        values = {
            "of": sorted({deposit for deposit, _ in wanted}),
            "hashes": sorted({digest for _, digest in wanted}),
        }
        rows = self._transaction.rows(_ENVELOPES, values)
        found = {(row.deposit, Digest(row.sha256)): bytes(row.envelope) for row in rows}
        return {each: found[each] for each in wanted if each in found}

    def drop_envelopes(self, deposit: str) -> None:
        """Forget all envelopes of a deposit. Idempotent."""
        self._transaction.change(delete(envelopes).where(envelopes.c.deposit == deposit))

    def _where(self, condition: Any) -> Sequence[DepositRecord]:
        query = select(deposits).where(condition).order_by(deposits.c.begun_at, deposits.c.deposit)
        return [_record(row) for row in self._transaction.rows(query)]


def _columns(record: DepositRecord) -> dict[str, object]:
    return {
        "deposit": record.deposit,
        "sitting": record.sitting,
        "organisation": record.organisation,
        "certificate": record.certificate,
        "state": record.state,
        "upload": record.upload,
        "object_name": record.object_name,
        "manifest": record.manifest,
        "length": record.length,
        "begun_at": record.begun_at,
    }


def _record(row: Row[Any]) -> DepositRecord:
    return DepositRecord(
        deposit=row.deposit,
        sitting=row.sitting,
        organisation=row.organisation,
        certificate=Digest(row.certificate),
        state=row.state,
        upload=row.upload,
        object_name=row.object_name,
        manifest=None if row.manifest is None else Digest(row.manifest),
        length=row.length,
        begun_at=row.begun_at,
    )


def _other_content() -> ConcurrentChangeError:
    return ConcurrentChangeError("Ce dépôt a déjà été enregistré avec un autre contenu.")


def _check_digest(envelope: bytes, expected: Digest) -> None:
    if sha256(envelope) != expected:
        raise StorageError("Une enveloppe ne correspond pas à son empreinte ; rien n'est gardé.")
