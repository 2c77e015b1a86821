"""A broker that does what it promises, in memory and without cryptography on envelopes.

It decides again from what it acknowledged, like the real one; it does not open anything: an answer
is a text that says what would have been opened. ``down`` and ``refuses`` play its bad days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from audit.receipts import disclosed_by
from crypto.age.identities import recipient_of
from crypto.digests import Digest, sha256
from crypto.encoding import new_opaque_id
from crypto.keys import Entropy, HybridIdentity, ServiceSigningSeed
from crypto.statements import Statement, parse, parse_any, seal
from crypto.statements.agenda import AgendaOpening, OpenedItem, read_item
from crypto.statements.custody import Cause, Destruction, ReleaseKey, Status
from crypto.statements.exchange import AccessRequest, Manifest, Withdrawal
from crypto.statements.registry import Closing
from exchange.broker.shown_agenda import ShownAgenda
from exchange.domain.policy import Refuse, decide
from exchange.usecases import facts
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.ledger import Accepted, MemoryLedger, StatementIndex
from exchange.usecases.ports import Attested, Opening, OpenRequest

EXPIRY_DELAY = timedelta(hours=24)


class HonestBroker:
    """``usecases.ports.Broker``."""

    def __init__(self, commission: str, clock: Callable[[], datetime], entropy: Entropy) -> None:
        self._commission = commission
        self._clock = clock
        self._entropy = entropy
        self.seed = ServiceSigningSeed.generate(entropy)
        self._release_recipient = recipient_of(HybridIdentity.generate(entropy))
        self.index = MemoryLedger()
        self.keys: dict[str, bytes] = {}
        self.destructions: dict[Digest | None, bytes] = {}
        self.opened: list[tuple[Digest, str]] = []
        self.down = False
        self.refuses: str | None = None
        self.dies_after: int | None = None
        """How many of the openings asked for together it answers before it goes away."""
        self._number = 0

    def make_release_key(self, deposit: str, sitting: Digest) -> bytes:
        self._check_up()
        if deposit not in self.keys:
            version = self.index.get(sitting)
            if version is None:
                raise BrokerRefusalError("Séance inconnue.")
            self.keys[deposit] = self._sign(
                ReleaseKey,
                deposit=deposit,
                sitting=version.statement.sitting,
                sitting_sha256=sitting,
                recipient=self._release_recipient,
                opens_at=version.statement.opens_at,
                closes_at=version.statement.closes_at,
            )
        return self.keys[deposit]

    def acknowledge(self, statement: Attested) -> None:
        self._check_up()
        unverified = parse_any(statement.envelope)
        place = disclosed_by(statement.receipt).index
        self.index.add(Accepted(unverified.statement, unverified.digest, place, self._clock()))

    def acknowledge_policies(self, policies: Sequence[Attested]) -> None:
        for each in policies:
            if self.index.get(parse_any(each.envelope).digest) is None:
                self.acknowledge(each)

    def status(self, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
        self._check_up()
        self._number += 1
        version = facts.latest_sitting(self.index, sitting) if sitting else None
        agenda = facts.latest_agenda(self.index, sitting) if sitting else None
        return self._sign(
            Status,
            nonce=nonce,
            number=self._number,
            trust_version=1,
            sitting=version.digest if version else None,
            agenda=agenda.digest if agenda else None,
            revoked=facts.revoked_digest(self.index),
            includes=tuple(each for each in includes if self.index.get(each)),
        )

    def open_all(self, requests: Sequence[OpenRequest]) -> list[Opening]:
        self._check_up()
        outcomes: list[Opening] = []
        for each in requests:
            try:
                if len(outcomes) == self.dies_after:
                    raise BrokerUnavailableError("Le gardien des clés ne répond plus.")
                outcomes.append(self._open(each))
            except (BrokerRefusalError, BrokerUnavailableError) as error:
                outcomes.append(error)
        return outcomes

    def _open(self, request: OpenRequest) -> bytes:
        if self.refuses is not None:
            raise BrokerRefusalError(self.refuses)
        asked = parse(AccessRequest, request.access_request)
        verdict = decide(
            facts.access_facts(
                self._with(asked.statement.sitting, request.item),
                certificate=asked.statement.signer,
                sitting=asked.statement.sitting,
                deposit=request.deposit,
                purpose=asked.statement.purpose,
                now=self._clock(),
            )
        )
        details = disclosed_by(request.release)
        assert b"release.authorised" in details.details, "opened before it was logged"
        if isinstance(verdict, Refuse):
            raise BrokerRefusalError("Refusé.")
        self.opened.append((asked.digest, request.deposit))
        return f"opened {request.deposit} {sha256(request.envelope)}".encode()

    def _with(self, sitting: str, shown: AgendaOpening | None) -> StatementIndex:
        agenda = facts.latest_agenda(self.index, sitting)
        if shown is None or agenda is None:
            return self.index
        item = OpenedItem(b"", shown, read_item(shown.content))
        return ShownAgenda(self.index, agenda.digest, item)

    def destroy(self, because: Digest) -> bytes:
        self._check_up()
        if because not in self.destructions:
            accepted = self.index.get(because)
            statement: Statement | None = accepted.statement if accepted else None
            if not isinstance(statement, (Closing, Withdrawal)):
                raise BrokerRefusalError("Rien à détruire.")
            cause = Cause.CLOSING if isinstance(statement, Closing) else Cause.WITHDRAWAL
            self.destructions[because] = self._destruction(
                cause, because, self._deposits(statement)
            )
        return self.destructions[because]

    def destroy_expired(self) -> tuple[bytes, ...]:
        self._check_up()
        made = [parse(ReleaseKey, each).statement for each in self.keys.values()]
        ended = {
            key.deposit
            for key in made
            if self._clock() >= key.closes_at + EXPIRY_DELAY and not self._is_gone(key.deposit)
        }
        if ended:
            self.destructions[None] = self._destruction(Cause.EXPIRY, None, ended)
        return (self.destructions[None],) if None in self.destructions else ()

    def record(self) -> tuple[bytes, bytes]:
        self._check_up()
        return b"", b""

    def _deposits(self, statement: Closing | Withdrawal) -> set[str]:
        if isinstance(statement, Withdrawal):
            found = self.index.find(Manifest, dossier=statement.dossier)
            return {each.statement.deposit for each in found}
        made = [parse(ReleaseKey, each).statement for each in self.keys.values()]
        return {key.deposit for key in made if key.sitting == statement.sitting}

    def _is_gone(self, deposit: str) -> bool:
        digest = parse(ReleaseKey, self.keys[deposit]).digest
        destroyed = [parse(Destruction, each).statement for each in self.destructions.values()]
        return any(digest in each.release_keys for each in destroyed)

    def _destruction(self, cause: Cause, because: Digest | None, deposits: set[str]) -> bytes:
        keys = tuple(parse(ReleaseKey, self.keys[each]).digest for each in sorted(deposits))
        return self._sign(Destruction, release_keys=keys, cause=cause, because=because)

    def _sign(self, kind: type[Any], /, **values: Any) -> bytes:
        statement = kind(
            commission=self._commission,
            id=new_opaque_id(self._entropy),
            issued_at=self._clock(),
            signer=self.seed.verify_key().fingerprint,
            **values,
        )
        return seal(statement, [self.seed]).envelope

    def _check_up(self) -> None:
        if self.down:
            raise BrokerUnavailableError("Le gardien des clés ne répond pas.")
