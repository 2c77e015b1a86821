"""What deciding on an access request, or showing a sitting, will ask of the statements: asked together.

``facts`` asks some twenty things for each deposit, one after the other, and more for each person who
declared. A database answers them as fast together as one of them alone. Nothing is decided here: what
is forgotten in these lists is only asked later, by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    AccessRequest,
    Complaint,
    ComplementRequest,
    Declaration,
    Grant,
    Manifest,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Roster,
    Sitting,
    TrustPolicy,
)
from exchange.usecases.authority import find_certificate
from exchange.usecases.facts import manifest_of
from exchange.usecases.ledger import Accepted, Lookup
from exchange.usecases.ports import Statements

_OF_THE_SITTING: Final = (Sitting, Agenda, Closing)
_OF_THE_DEPOSIT: Final = (Manifest, ReleaseKey)
_OF_THE_DOSSIER: Final = (Declaration, Recusal, Withdrawal)


def foresee_caller(statements: Statements, certificate: Digest) -> None:
    """Look up what tells whether a certificate still counts."""
    statements.foresee(
        [_identities([certificate]), _referring(Revocation, "certificate", [certificate])]
    )


def foresee_decisions(
    statements: Statements,
    requests: Sequence[AccessRequest],
    deposits: Collection[str],
    digests: Collection[Digest] = (),
) -> None:
    """Look up what ``access_facts`` and ``cited`` need for these deposits of the requests, the policy
    under which their authors are verified, and whether the requests of these ``digests`` are known.
    """
    signers = {each.signer for each in requests}
    statements.foresee(
        [
            Lookup(TrustPolicy, None),
            Lookup(Roster, None),
            Lookup(Destruction, None),
            _identities([*signers, *digests]),
            _referring(Revocation, "certificate", signers),
            *(
                _referring(kind, "sitting", {each.sitting for each in requests})
                for kind in _OF_THE_SITTING
            ),
            *(_referring(kind, "deposit", deposits) for kind in _OF_THE_DEPOSIT),
        ]
    )
    certificates = [find_certificate(statements, each) for each in signers]
    found = [manifest_of(statements, each) for each in dict.fromkeys(deposits)]
    manifests = [each for each in found if each is not None]
    dossiers = [each.statement.dossier for each in manifests]
    people = {each.statement.person for each in certificates if each}
    statements.foresee(
        [
            _referring(Grant, "manifest", [each.digest for each in manifests]),
            *(_referring(kind, "dossier", dossiers) for kind in _OF_THE_DOSSIER),
            _referring(Certificate, "person", people),
            _identities(each.statement.signer for each in manifests),
        ]
    )
    devices = [
        each.digest for person in people for each in statements.find(Certificate, person=person)
    ]
    declarants = [
        each.statement.signer
        for kind in _OF_THE_DOSSIER
        for dossier in dossiers
        for each in statements.find(kind, dossier=dossier)
    ]
    grantors = [
        each.statement.signer
        for manifest in manifests
        for each in statements.find(Grant, manifest=manifest.digest)
    ]
    statements.foresee(
        [_referring(Undertaking, "signer", devices), _identities([*declarants, *grantors])]
    )


def foresee_listed(statements: Statements, manifests: Collection[str]) -> None:
    """Look up the manifests that an agenda names."""
    statements.foresee([_identities(manifests)])


def foresee_around(statements: Statements, manifests: Collection[Accepted[Manifest]]) -> None:
    """Look up what a sitting's page shows around these deposits."""
    digests = [each.digest for each in manifests]
    deposits = [each.statement.deposit for each in manifests]
    dossiers = [each.statement.dossier for each in manifests]
    statements.foresee(
        [
            _referring(ReleaseKey, "deposit", deposits),
            *(_referring(kind, "manifest", digests) for kind in (Grant, Complaint)),
            *(_referring(kind, "dossier", dossiers) for kind in (ComplementRequest, Withdrawal)),
        ]
    )


def _referring(kind: type[Statement], field: str, values: Iterable[str]) -> Lookup:
    return Lookup(kind, field, frozenset(values))


def _identities(digests: Iterable[str]) -> Lookup:
    return Lookup(None, "digest", frozenset(digests))
