"""Which checkpoints count: log keys, and a quorum of witnesses (C2SP tlog-policy).

``WitnessPolicy`` is the text format, complete. ``LogPolicy`` is what this service demands: *every*
log key of the trust policy signed, the quorum is met, and the witness named ``broker`` cosigned,
whatever the quorum says. The broker runs under the service's own operator as often as not, so it
is required and never counted as independent.

``LoweredQuorum`` is the registrar's exception for an outage: for checkpoints that the broker cosigned
within its time, so many independent witnesses are enough. Every log key and the broker stay required.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import LogFormatError, LogVerificationError
from audit.note import KeyType, Note, NoteVerifier
from crypto.statements.registry import TrustPolicy

BROKER: Final = "broker"
"""The name, in every witness policy, of the broker's cosigner."""

NO_QUORUM: Final = "none"
"""The predefined name for "no cosignature needed" (tlog-policy, "Defining the quorum")."""

MAX_POLICY_LINES: Final = 256
"""The specification asks for 32 logs, 32 witnesses and 32 groups."""

KEPT_POLICIES: Final = 16
"""Witness policies remembered by their texts: a commission's whole life has fewer."""

KEPT_CHECKPOINTS: Final = 32
"""Checkpoints remembered as verified: receipts shown together are under one or two of them."""

_MADE_HERE: Final = object()


@dataclass(frozen=True)
class Witness:
    """One ``witness`` line."""

    name: str
    verifier: NoteVerifier
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """One ``group`` line: witnessed when ``threshold`` of ``members`` are."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class WitnessPolicy:
    """A parsed tlog-policy text."""

    logs: tuple[NoteVerifier, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> WitnessPolicy:
        """Read the text; raises LogFormatError naming the line."""
        return _parsed_policy(text)

    def satisfied_by(self, names: frozenset[str]) -> bool:
        """Whether cosignatures of these witnesses meet the quorum."""
        if self.quorum == NO_QUORUM:
            return True
        reached = set(names & {witness.name for witness in self.witnesses})
        for group in self.groups:  # members stand on earlier lines: one pass is enough
            if len(reached.intersection(group.members)) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    def counted(self) -> tuple[str, ...]:
        """The witnesses that the quorum can count, in the order of their lines."""
        members = {group.name: group.members for group in self.groups}
        pending, reached = [self.quorum], set[str]()
        while pending:
            name = pending.pop()
            reached.add(name)
            pending += members.get(name, ())
        return tuple(witness.name for witness in self.witnesses if witness.name in reached)


@dataclass(frozen=True)
class LoweredQuorum:
    """``quorum`` independent witnesses are enough from ``begins`` until before ``ends``.

    The time is that of the broker's cosignature: the log's own clock proves nothing, and a reader's
    clock would make yesterday's receipts worthless today.
    """

    quorum: int
    begins: datetime
    ends: datetime

    def permits(self, independent: int, cosigned_at: int) -> bool:
        """Whether it covers a checkpoint with so many witnesses, cosigned at that POSIX second."""
        in_time = self.begins.timestamp() <= cosigned_at < self.ends.timestamp()
        return in_time and independent >= self.quorum


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """A checkpoint that met a :class:`LogPolicy`. Only that policy makes one."""

    checkpoint: Checkpoint
    note: bytes
    cosigned: Mapping[str, int]
    """Witness name in the policy to POSIX second of its cosignature."""
    _maker: object

    def __post_init__(self) -> None:
        if self._maker is not _MADE_HERE:
            raise TypeError("only audit.policy makes a VerifiedCheckpoint")


@dataclass(frozen=True)
class LogPolicy:
    """What a checkpoint must carry to be believed."""

    origin: str
    log_keys: tuple[NoteVerifier, ...]
    witnesses: WitnessPolicy
    lowered: tuple[LoweredQuorum, ...] = ()

    def __post_init__(self) -> None:
        if not self.log_keys or any(not _signs_for(self.origin, key) for key in self.log_keys):
            raise LogFormatError(
                "Chaque clé du journal doit être une clé Ed25519 au nom de l'origine « {origin} ».",
                origin=self.origin,
            )
        if BROKER not in {witness.name for witness in self.witnesses.witnesses}:
            raise LogFormatError(
                "La politique de témoins doit nommer le gardien des clés : « witness broker … »."
            )
        raw = [key.key.raw for key in self.log_keys]
        raw += [witness.verifier.key.raw for witness in self.witnesses.witnesses]
        if len(set(raw)) != len(raw):
            raise LogFormatError(
                "Une même clé ne peut pas être deux fois journal ou témoin : elle ne compterait "
                "que pour une."
            )
        if self.witnesses.logs and set(self.witnesses.logs) != set(self.log_keys):
            raise LogFormatError("Les lignes « log » contredisent les clés du journal.")

    @classmethod
    def from_trust_policy(cls, policy: TrustPolicy) -> LogPolicy:
        """The log rules of an accepted trust policy; raises LogFormatError."""
        return _rules(policy.origin, tuple(policy.log_keys), policy.witness_policy)

    def with_lowered(self, lowered: Iterable[LoweredQuorum]) -> LogPolicy:
        """The same rules with these exceptions, each of which its caller has verified."""
        exceptions = tuple(lowered)
        return self if exceptions == self.lowered else replace(self, lowered=exceptions)

    @property
    def independent_witnesses(self) -> tuple[str, ...]:
        """The witnesses beside the broker that the quorum can count; empty means: say so."""
        return tuple(name for name in self.witnesses.counted() if name != BROKER)

    def verify_checkpoint(self, note: bytes) -> VerifiedCheckpoint:
        """Verify signatures and quorum; raises LogVerificationError or LogFormatError."""
        return _verified_checkpoint(self, note)

    def _verified(self, note: bytes) -> VerifiedCheckpoint:
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
        if checkpoint.origin != self.origin:
            raise LogVerificationError(
                "Ce point de contrôle est celui du journal « {got} », et non de « {expected} ».",
                got=checkpoint.origin,
                expected=self.origin,
            )
        names = {witness.verifier: witness.name for witness in self.witnesses.witnesses}
        times = parsed.verify([*self.log_keys, *names])
        if any(key not in times for key in self.log_keys):
            raise LogVerificationError(
                "Il manque à ce point de contrôle la signature d'une clé du journal."
            )
        cosigned = {name: times[key] for key, name in names.items() if key in times}
        self._require_quorum(cosigned)
        return VerifiedCheckpoint(checkpoint, note, MappingProxyType(cosigned), _MADE_HERE)

    def _require_quorum(self, cosigned: Mapping[str, int]) -> None:
        names = frozenset(cosigned)
        if BROKER not in names:
            raise LogVerificationError(
                "Le gardien des clés n'a pas cosigné ce point de contrôle : attendez un point de "
                "contrôle complet."
            )
        if self.witnesses.satisfied_by(names):
            return
        independent = len(names.intersection(self.independent_witnesses))
        if not any(each.permits(independent, cosigned[BROKER]) for each in self.lowered):
            raise LogVerificationError(
                "Les témoins exigés par la politique de confiance n'ont pas tous cosigné ce point "
                "de contrôle ({names}) : attendez un point de contrôle complet.",
                names=", ".join(sorted(names)),
            )


@lru_cache(maxsize=KEPT_CHECKPOINTS)
def _verified_checkpoint(policy: LogPolicy, note: bytes) -> VerifiedCheckpoint:
    """Remembered, because nothing but these two arguments decides it: no clock is read, and neither
    can change. What failed is not remembered.
    """
    return policy._verified(note)  # noqa: SLF001  # the second half of the same method


@lru_cache(maxsize=KEPT_POLICIES)
def _rules(origin: str, log_keys: tuple[str, ...], witness_policy: str) -> LogPolicy:
    verifiers = tuple(NoteVerifier.parse(vkey) for vkey in log_keys)
    return LogPolicy(origin, verifiers, WitnessPolicy.parse(witness_policy))


@lru_cache(maxsize=KEPT_POLICIES)
def _parsed_policy(text: str) -> WitnessPolicy:
    return _PolicyParser().run(text)


def _signs_for(origin: str, key: NoteVerifier) -> bool:
    return key.name == origin and key.type is KeyType.ED25519


class _PolicyParser:
    """Reads lines in order, because a name must be defined before it is used."""

    def __init__(self) -> None:
        self._logs: list[NoteVerifier] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._keys: set[tuple[str, bytes]] = set()

    def run(self, text: str) -> WitnessPolicy:
        lines = text.split("\n")
        if len(lines) > MAX_POLICY_LINES or any(c < " " and c not in "\t\n" for c in text):
            raise LogFormatError("Cette politique de témoins est trop longue ou illisible.")
        for number, line in enumerate(lines, start=1):
            items = line.replace("\t", " ").split(" ")
            words = [item for item in items if item]
            if words and not words[0].startswith("#"):
                self._read(number, words)
        if self._quorum is None:
            raise LogFormatError("Cette politique de témoins n'a pas de ligne « quorum ».")
        return WitnessPolicy(
            tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum
        )

    def _read(self, number: int, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._logs.append(self._key(number, "log", vkey))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(number, name)
                verifier = self._key(number, "witness", vkey)
                self._witnesses.append(Witness(name, verifier, url[0] if url else None))
            case ["group", name, threshold, *members] if members:
                self._group(number, name, threshold, tuple(members))
            case ["quorum", name] if self._quorum is None and name in self._names | {NO_QUORUM}:
                self._quorum = name
            case _:
                raise _refused_line(number)

    def _key(self, number: int, role: str, vkey: str) -> NoteVerifier:
        verifier = NoteVerifier.parse(vkey)
        wanted = KeyType.ED25519 if role == "log" else KeyType.COSIGNATURE_V1
        known = (role, verifier.key.raw)
        if verifier.type is not wanted or known in self._keys:
            raise _refused_line(number)
        self._keys.add(known)
        return verifier

    def _group(self, number: int, name: str, threshold: str, members: tuple[str, ...]) -> None:
        # Members are looked up before the name is defined: no group contains itself, and a
        # witness counts in one way only ("each name can be listed as a group member at most once").
        repeated = len(set(members)) != len(members) or self._members & set(members)
        if repeated or not set(members) <= self._names:
            raise _refused_line(number)
        words = {"any": 1, "all": len(members)}
        decimal = threshold.isascii() and threshold.isdigit() and threshold[0] != "0"
        count = words.get(threshold, int(threshold) if decimal and len(threshold) < 4 else 0)
        if not 1 <= count <= len(members):
            raise _refused_line(number)
        self._define(number, name)
        self._members.update(members)
        self._groups.append(Group(name, count, members))

    def _define(self, number: int, name: str) -> None:
        if name == NO_QUORUM or name in self._names:
            raise _refused_line(number)
        self._names.add(name)


def _refused_line(number: int) -> LogFormatError:
    return LogFormatError(
        "La ligne {number} de la politique de témoins n'est pas conforme : corrigez-la avant de la "
        "faire signer.",
        number=number,
    )
