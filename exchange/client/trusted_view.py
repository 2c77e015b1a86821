"""What this client knows to be true: statements that end in the pinned root and are in the log.

A view starts from the pinned trust, walks the chain of trust policies, and takes statements one batch
at a time. Each is taken only if (1) its receipt proves that an event which cites exactly this
statement is in a log signed and cosigned as the policy asks, (2) that log grows out of the last
checkpoint that this profile accepted, (3) its signature is by a key that was certified, unexpired and
unrevoked when the event was logged. What was taken is in ``ledger``; nothing else is ever used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.policy import LogPolicy, VerifiedCheckpoint
from audit.receipts import VerifiedReceipt, verify_receipt
from crypto.digests import Digest
from crypto.statements import Statement, Unverified, parse, parse_any
from crypto.statements.agenda import AgendaOpening, OpenedItem, open_item
from crypto.statements.custody import Emergency, Recovery
from crypto.statements.registry import Agenda, Certificate, Revocation, TrustPolicy
from crypto.trust import Trust, TrustedPolicy, accept_first, accept_next
from exchange.client.errors import NotTrustworthyError
from exchange.usecases.authority import verify_statement
from exchange.usecases.emergency import log_rules
from exchange.usecases.ledger import Accepted, MemoryLedger
from exchange.usecases.ports import Attested
from exchange.usecases.recording import recording_of

S = TypeVar("S", bound=Statement)

MAX_CHAIN: Final = 8
"""Certificates fetched in turn to verify one statement: registrar-signed ones need none."""


class Source(Protocol):
    """Where a view gets what it lacks, and who watches the log's growth."""

    def begin(self) -> None:
        """A request is about to leave."""

    def permit(self, recovery: Digest, checkpoint: Checkpoint) -> None:
        """A verified recovery lets the log go on from there."""

    def accept(self, checkpoints: Iterable[VerifiedCheckpoint], now: datetime) -> None:
        """Refuse checkpoints that contradict what was accepted before."""

    def statement(self, digest: Digest) -> Attested:
        """One statement that the ledger lacks."""


@dataclass(frozen=True)
class LedgerBefore:
    """What was known when the entry ``order`` was logged: a later revocation undoes no signature."""

    ledger: MemoryLedger
    order: int

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""
        found = self.ledger.get(digest)
        return found if found is not None and found.order < self.order else None

    def find(self, kind: type[S], **references: str) -> Sequence[Accepted[S]]:
        """All of a type whose references match, oldest first."""
        found = self.ledger.find(kind, **references)
        return [each for each in found if each.order < self.order]

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """What was shown of an agenda that was known then."""
        return self.ledger.opened(agenda) if self.get(agenda) else ()


@dataclass(frozen=True)
class _Candidate:
    attested: Attested
    unverified: Unverified[Statement]
    receipt: VerifiedReceipt


class TrustedView:
    """Verified statements under one pinned trust. Made by :func:`open_view`."""

    def __init__(self, trust: Trust, source: Source, clock: Callable[[], datetime]) -> None:
        self.trust = trust
        self.ledger = MemoryLedger()
        self._source = source
        self._clock = clock
        self._policies: list[tuple[int, TrustedPolicy]] = []
        self._log: LogPolicy | None = None
        self._attested: dict[Digest, Attested] = {}

    # -- policies -------------------------------------------------------------------------

    @property
    def policy(self) -> TrustedPolicy:
        """The trust policy in force."""
        if not self._policies:
            raise NotTrustworthyError(
                "Aucune politique de confiance n'a encore été publiée pour cette commission : le "
                "secrétariat doit d'abord exécuter « dossier registrar trust »."
            )
        return self._policies[-1][1]

    @property
    def has_policy(self) -> bool:
        """Whether any trust policy was published yet."""
        return bool(self._policies)

    @property
    def log(self) -> LogPolicy:
        """Whose signatures a checkpoint needs, by the policy in force."""
        _ = self.policy
        assert self._log is not None
        return self._log

    def take_policies(
        self,
        items: Sequence[Attested],
        emergencies: Sequence[Attested] = (),
        recoveries: Sequence[Attested] = (),
    ) -> None:
        """Walk the chain of policies, then verify their receipts under the last one.

        ``emergencies`` count as far as they verify under it. They are in the log themselves, or all
        is refused: a quorum that nobody will ever hear of is not lowered. By ``recoveries`` the log may
        have gone back to what they name.
        """
        current: TrustedPolicy | None = None
        chain: list[TrustedPolicy] = []
        for item in items:
            unverified = parse(TrustPolicy, item.envelope)
            current = (
                accept_next(current, unverified)
                if current
                else accept_first(self.trust, unverified)
            )
            chain.append(current)
        if current is None:
            return
        log = log_rules(current, [parse(Emergency, each.envelope) for each in emergencies])
        receipts = [verify_receipt(item.receipt, log) for item in items]
        places = [(receipt.index, policy) for receipt, policy in zip(receipts, chain, strict=True)]
        for each in recoveries:
            self._permit(places, log, each)
        self._source.accept([receipt.checkpoint for receipt in receipts], self._clock())
        for item, policy, receipt in zip(items, chain, receipts, strict=True):
            require_event(
                receipt, (EventType.STATEMENT_ACCEPTED,), {"statement": policy.verified.digest}
            )
            self._policies.append((receipt.index, policy))
            self._keep(item, policy.verified.statement, policy.verified.digest, receipt)
        self._log = log
        self.take([*emergencies, *recoveries])

    def _permit(
        self, places: Sequence[tuple[int, TrustedPolicy]], log: LogPolicy, item: Attested
    ) -> None:
        """Believe a recovery that stands in the log it excuses, signed by the roots of its place there:
        those that came later know nothing of it.
        """
        unverified = parse(Recovery, item.envelope)
        receipt = verify_receipt(item.receipt, log)
        require_event(receipt, (EventType.STATEMENT_ACCEPTED,), {"statement": unverified.digest})
        before = [policy for index, policy in places if index < receipt.index]
        policy = before[-1] if before else None
        verified = verify_statement(policy, MemoryLedger(), unverified, receipt.details.at)
        note = verified.statement.checkpoint.encode()
        self._source.permit(verified.digest, Checkpoint.of_note(note))

    def _policy_at(self, order: int) -> TrustedPolicy:
        """The policy that was in force when the entry ``order`` was logged."""
        before = [policy for index, policy in self._policies if index < order]
        return before[-1] if before else self.policy

    # -- statements -----------------------------------------------------------------------

    def take(self, items: Iterable[Attested]) -> tuple[Accepted[Statement], ...]:
        """Verify a batch and add it to the ledger, in log order; all of it or none."""
        candidates = [
            _Candidate(item, parse_any(item.envelope), verify_receipt(item.receipt, self.log))
            for item in items
        ]
        self._source.accept([each.receipt.checkpoint for each in candidates], self._clock())
        ordered = sorted(candidates, key=lambda candidate: candidate.receipt.index)
        return tuple(self._take_one(each, MAX_CHAIN) for each in ordered)

    def take_as(self, kind: type[S], item: Attested) -> Accepted[S]:
        """Verify one statement that must be of type ``kind``."""
        taken = self.take([item])[0]
        return narrowed(kind, taken)

    def need(self, kind: type[S], digest: Digest) -> Accepted[S]:
        """A statement by digest: from the ledger, or fetched and verified."""
        known = self.ledger.get(digest)
        if known is None:
            self._source.begin()
            item = self._source.statement(digest)
            if parse_any(item.envelope).digest != digest:
                raise NotTrustworthyError(
                    "Le service a remis une autre déclaration que celle demandée : elle est refusée."
                )
            known = self.take([item])[0]
        return narrowed(kind, known)

    def take_openings(self, agenda: Digest, shown: Iterable[AgendaOpening]) -> None:
        """Verify what the service shows of an agenda taken before; all of it or none."""
        statement = self.need(Agenda, agenda).statement
        origin = self.policy.policy.origin
        self.ledger.open_items(agenda, [open_item(statement, origin, each) for each in shown])

    def attested(self, digest: Digest) -> Attested:
        """A taken statement with its receipt, as it came."""
        return self._attested[digest]

    def all_attested(self) -> tuple[tuple[Digest, Attested], ...]:
        """Every taken statement as it came, policies first."""
        return tuple(self._attested.items())

    def _take_one(self, candidate: _Candidate, depth: int) -> Accepted[Statement]:
        unverified, receipt = candidate.unverified, candidate.receipt
        known = self.ledger.get(unverified.digest)
        if known is not None:
            return known
        _require_recorded(receipt, unverified)
        if unverified.statement.commission != self.trust.commission:
            raise NotTrustworthyError("Cette déclaration est celle d'une autre commission.")
        policy = self._policy_at(receipt.index)
        self._resolve_signer(policy, unverified, receipt, depth)
        before = LedgerBefore(self.ledger, receipt.index)
        verify_statement(policy, before, unverified, receipt.details.at)
        return self._keep(candidate.attested, unverified.statement, unverified.digest, receipt)

    def _resolve_signer(
        self,
        policy: TrustedPolicy,
        unverified: Unverified[Any],
        receipt: VerifiedReceipt,
        depth: int,
    ) -> None:
        """Fetch the signer's certificate where the ledger lacks it; never trusts the fetching."""
        signer = unverified.claimed_signer
        own_key = getattr(unverified.statement, "signing_key", None)
        if (
            isinstance(unverified.statement, Recovery)  # the roots sign it: the policy names them
            or policy.broker_key(signer) is not None
            or policy.registrar_key(signer, receipt.details.at) is not None
            or (own_key is not None and own_key.fingerprint == signer)
        ):
            return
        self._fetch_certificate(signer, depth)
        if isinstance(unverified.statement, Revocation):
            # One's own certificates alone may be revoked: whose it is must be known, too.
            self._fetch_certificate(unverified.statement.certificate, depth)

    def _fetch_certificate(self, digest: Digest, depth: int) -> None:
        if self.ledger.get(digest) is not None:
            return
        if depth == 0:
            raise NotTrustworthyError(
                "La chaîne de certificats de cette déclaration est trop longue."
            )
        item = self._source.statement(digest)
        certificate = parse(Certificate, item.envelope)
        verified = verify_receipt(item.receipt, self.log)
        self._source.accept([verified.checkpoint], self._clock())
        self._take_one(_Candidate(item, certificate, verified), depth - 1)

    def _keep(
        self, item: Attested, statement: Statement, digest: Digest, receipt: VerifiedReceipt
    ) -> Accepted[Statement]:
        accepted = Accepted(statement, digest, receipt.index, receipt.details.at)
        self.ledger.add(accepted)
        self._attested[digest] = item
        return accepted

    # -- receipts of acts -----------------------------------------------------------------

    def check_receipt(
        self,
        receipt: bytes,
        event: EventType,
        cites: dict[str, Digest],
        facts: dict[str, str] | None = None,
    ) -> VerifiedReceipt:
        """A receipt of an event that cites exactly these statements and states these facts."""
        return self.check_any_receipt(receipt, (event,), cites, facts)

    def check_any_receipt(
        self,
        receipt: bytes,
        events: tuple[EventType, ...],
        cites: dict[str, Digest],
        facts: dict[str, str] | None = None,
    ) -> VerifiedReceipt:
        """Like :meth:`check_receipt`, where one of several events may have happened."""
        verified = verify_receipt(receipt, self.log)
        self._source.accept([verified.checkpoint], self._clock())
        require_event(verified, events, cites, facts)
        return verified


def narrowed(kind: type[S], accepted: Accepted[Statement]) -> Accepted[S]:
    """The same as of type ``kind``; raises NotTrustworthyError when it is another."""
    statement = accepted.statement
    if not isinstance(statement, kind):
        raise NotTrustworthyError(
            "Une déclaration « {due} » était attendue, pas « {got} ».",
            due=kind.TYPE,
            got=statement.TYPE,
        )
    return Accepted(statement, accepted.digest, accepted.order, accepted.at)


def _require_recorded(receipt: VerifiedReceipt, unverified: Unverified[Statement]) -> None:
    """Raise NotTrustworthyError unless the receipt is of the event that records this statement."""
    recording = recording_of(type(unverified.statement))
    if recording is None:
        raise NotTrustworthyError("Le journal ne porte pas de déclarations de cette sorte.")
    require_event(receipt, tuple(sorted(recording.events)), {recording.role: unverified.digest})


def require_event(
    receipt: VerifiedReceipt,
    events: tuple[EventType, ...],
    cites: dict[str, Digest],
    facts: dict[str, str] | None = None,
) -> None:
    """Raise NotTrustworthyError unless the receipt is of such an event with these values."""
    details = receipt.details
    if (
        details.type not in events
        or any(details.cites.get(role) != digest for role, digest in cites.items())
        or any(details.facts.get(name) != value for name, value in (facts or {}).items())
    ):
        raise NotTrustworthyError(
            "Le récépissé remis par le service n'est pas celui de ce qu'il accompagne ({got} ; attendu : "
            "{due}) : l'un des deux a été changé ou échangé, et rien n'a été utilisé. Recommencez ; si cela se répète, prévenez le vérificateur.",
            got=details.type.value,
            due=events[0].value,
        )
