"""Who may sign what, and the verification that follows from it.

One table says which kind of signer each statement type needs. The server, the broker, the clients
and the auditor's replay verify with the same function, each with its own index of statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar, cast

from crypto.digests import Digest
from crypto.errors import UntrustedError
from crypto.keys import VerifyKey
from crypto.statements import (
    Statement,
    Unverified,
    Verified,
    custody,
    exchange,
    presence,
    registry,
    verify,
    verify_threshold,
)
from crypto.statements.custody import Recovery
from crypto.statements.exchange import Login
from crypto.statements.registry import Certificate, Enrolment, Revocation, Role
from crypto.trust import TrustedPolicy
from exchange.usecases.ledger import Accepted, StatementIndex

S = TypeVar("S", bound=Statement)


class SignerKind(StrEnum):
    """What sort of key signs."""

    ROOT = "root"
    REGISTRAR = "registrar"
    BROKER = "broker"
    ENROLLED = "enrolled"
    """The key that the statement itself presents."""
    CERTIFIED = "certified"
    """A person's certified key."""


@dataclass(frozen=True)
class Authority:
    """Signers allowed for a type. ``roles`` apply to certified keys; empty means that none will do,
    ``own_only`` that a certified key acts on its own person's certificates alone.
    """

    kinds: frozenset[SignerKind]
    roles: frozenset[Role] = frozenset()
    own_only: bool = False


_ROOT: Final = Authority(frozenset({SignerKind.ROOT}))
_REGISTRAR: Final = Authority(frozenset({SignerKind.REGISTRAR}))
_BROKER: Final = Authority(frozenset({SignerKind.BROKER}))


def _certified(*roles: Role) -> Authority:
    return Authority(frozenset({SignerKind.CERTIFIED}), frozenset(roles))


AUTHORITY: Final[Mapping[type[Statement], Authority]] = {
    registry.TrustPolicy: _ROOT,
    registry.Invitation: _REGISTRAR,
    registry.Enrolment: Authority(frozenset({SignerKind.ENROLLED})),
    registry.Certificate: _REGISTRAR,
    registry.Revocation: Authority(
        frozenset({SignerKind.REGISTRAR, SignerKind.CERTIFIED}), frozenset(Role), own_only=True
    ),
    registry.Roster: _REGISTRAR,
    registry.Sitting: _REGISTRAR,
    registry.Agenda: _REGISTRAR,
    registry.Closing: _REGISTRAR,
    exchange.Manifest: _certified(Role.DEPOSITOR),
    exchange.ComplementRequest: _REGISTRAR,
    exchange.Grant: _certified(Role.DEPOSITOR),
    exchange.Withdrawal: _certified(Role.DEPOSITOR),
    presence.Proxy: _certified(Role.MEMBER),
    presence.Attendance: _REGISTRAR,
    exchange.Undertaking: _certified(Role.MEMBER),
    exchange.Declaration: _certified(Role.MEMBER),
    exchange.Recusal: _certified(Role.MEMBER),
    exchange.AccessRequest: _certified(Role.MEMBER, Role.DEPOSITOR),
    exchange.Complaint: _certified(Role.MEMBER, Role.DEPOSITOR),
    exchange.Opinion: _certified(Role.MEMBER),
    exchange.Decision: _certified(Role.DECIDER),
    exchange.Login: Authority(
        frozenset({SignerKind.REGISTRAR, SignerKind.CERTIFIED}), frozenset(Role)
    ),
    custody.ReleaseKey: _BROKER,
    custody.Status: _BROKER,
    custody.Destruction: _BROKER,
    custody.Hold: _REGISTRAR,
    custody.Purge: _REGISTRAR,
    custody.Retention: _REGISTRAR,
    custody.Attestation: _certified(Role.AUDITOR),
    custody.Emergency: _REGISTRAR,
    custody.Recovery: _ROOT,
    custody.BundleIndex: _certified(Role.AUDITOR),
}
"""Every statement type has a row; a type without one would be refused."""

GOOD_UNDER_EXPIRED_POLICY: Final[frozenset[type[Statement]]] = frozenset(
    {
        registry.TrustPolicy,
        registry.Revocation,
        registry.Closing,
        exchange.Login,
        exchange.Recusal,
        exchange.Withdrawal,
        custody.Destruction,
        custody.Status,
        custody.Recovery,
    }
)
"""What only takes access away, or is needed to publish the next policy: a policy that lapsed over
a week-end must not stop an association from withdrawing a dossier."""


def verify_statement(
    policy: TrustedPolicy | None, index: StatementIndex, unverified: Unverified[S], at: datetime
) -> Verified[S]:
    """Check who signed, as of ``at``; raises UntrustedError or BadSignatureError.

    A recovery needs the threshold of the roots in force, like a trust policy. Trust policies are not
    verified here but by ``crypto.trust``, which alone knows the roots.
    """
    statement = unverified.statement
    if policy is None:
        raise UntrustedError("Aucune politique de confiance n'a encore été publiée.")
    if statement.commission != policy.policy.commission:
        raise UntrustedError("Cette déclaration est celle d'une autre commission.")
    if type(statement) not in GOOD_UNDER_EXPIRED_POLICY:
        policy.require_unexpired(at)
    if isinstance(statement, Recovery):
        # It lets a log go back: one root key, lost or stolen, must not be enough.
        roots, threshold = policy.policy.roots, policy.policy.threshold
        return verify_threshold(unverified, roots, threshold=threshold)
    return verify(unverified, _signing_key(policy, index, statement, at))


def certified(index: StatementIndex, digest: Digest, at: datetime) -> Accepted[Certificate]:
    """The certificate of that digest, if it counts at ``at``; raises UntrustedError."""
    accepted = find_certificate(index, digest)
    if accepted is None:
        raise UntrustedError("Cette clé n'est pas certifiée par le secrétariat de la commission.")
    if revocation_of(index, digest) is not None:
        raise UntrustedError("Le certificat de cette clé a été révoqué.")
    if not accepted.statement.not_before <= at < accepted.statement.not_after:
        raise UntrustedError("Le certificat de cette clé n'est pas valable à cette date.")
    return accepted


def find_certificate(index: StatementIndex, digest: Digest) -> Accepted[Certificate] | None:
    """The certificate of that digest, whatever its validity."""
    accepted = index.get(digest)
    if accepted is None or not isinstance(accepted.statement, Certificate):
        return None
    return cast("Accepted[Certificate]", accepted)


def certificate_of_key(
    index: StatementIndex, fingerprint: Digest, at: datetime
) -> Accepted[Certificate] | None:
    """The valid certificate of a signing key, by its fingerprint.

    A device that was just certified does not know its certificate yet: its first login names its
    key, and the answer tells the certificate. Nothing else may be signed this way.
    """
    for accepted in reversed(index.find(Certificate)):
        if accepted.statement.signing_key.fingerprint == fingerprint:
            try:
                return certified(index, accepted.digest, at)
            except UntrustedError:
                continue
    return None


def revocation_of(index: StatementIndex, certificate: Digest) -> Accepted[Revocation] | None:
    """The first revocation of a certificate."""
    return next(iter(index.find(Revocation, certificate=certificate)), None)


def _signing_key(
    policy: TrustedPolicy, index: StatementIndex, statement: Statement, at: datetime
) -> VerifyKey:
    authority = AUTHORITY.get(type(statement))
    kinds = authority.kinds if authority else frozenset()
    signer = statement.signer
    if isinstance(statement, Enrolment) and SignerKind.ENROLLED in kinds:
        return _own_key(statement)
    if SignerKind.REGISTRAR in kinds and (key := policy.registrar_key(signer, at)):
        return key
    if SignerKind.BROKER in kinds and (key := policy.broker_key(signer)):
        return key
    if SignerKind.ROOT in kinds and (key := _root_key(policy, signer)):
        return key
    if isinstance(statement, Login) and (device := certificate_of_key(index, signer, at)):
        return device.statement.signing_key
    if authority is not None and SignerKind.CERTIFIED in kinds:
        return _certified_key(index, authority, statement, at)
    raise UntrustedError(
        "La clé qui signe cette déclaration « {type} » n'en a pas le pouvoir.", type=statement.TYPE
    )


def _own_key(statement: Enrolment) -> VerifyKey:
    if statement.signer != statement.signing_key.fingerprint:
        raise UntrustedError("Une inscription est signée par la clé même qu'elle présente.")
    return statement.signing_key


def _root_key(policy: TrustedPolicy, fingerprint: Digest) -> VerifyKey | None:
    # A trust policy needs a threshold of roots: only crypto.trust may accept one.
    return next((key for key in policy.policy.roots if key.fingerprint == fingerprint), None)


def _certified_key(
    index: StatementIndex, authority: Authority, statement: Statement, at: datetime
) -> VerifyKey:
    certificate = certified(index, statement.signer, at).statement
    if not authority.roles & set(certificate.roles):
        raise UntrustedError(
            "Ce certificat ne donne pas le rôle qu'il faut pour signer « {type} ».",
            type=statement.TYPE,
        )
    if authority.own_only and not _concerns(index, statement, certificate):
        raise UntrustedError("Une personne ne révoque que ses propres certificats.")
    return certificate.signing_key


def _concerns(index: StatementIndex, statement: Statement, certificate: Certificate) -> bool:
    if not isinstance(statement, Revocation):
        return False
    target = find_certificate(index, statement.certificate)
    return target is not None and target.statement.person == certificate.person
