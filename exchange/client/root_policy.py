"""Composing and signing the trust policy: the root's act, done by its k of n keys, off line if wished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from audit.policy import LogPolicy
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.encoding import new_opaque_id
from crypto.errors import MalformedError
from crypto.keys import Entropy, VerifyKey
from crypto.statements import Unverified, parse
from crypto.statements.model import load_strict_json
from crypto.statements.registry import RegistrarKey, TrustPolicy
from crypto.trust import Trust, accept_first, accept_next
from exchange.client.api import attested as attested_json
from exchange.client.api import field, many, utf8
from exchange.client.desk import OnlineSource
from exchange.client.errors import NotPossibleError
from exchange.client.machine import Machine
from exchange.client.trusted_view import TrustedView
from exchange.usecases.ports import Attested

MAX_DRAFT_BYTES: Final = 65_536
"""Origin, a few keys, a witness policy."""


@dataclass(frozen=True)
class PolicyDraft:
    """What ``dossier init`` proposes: the service's own keys and names."""

    origin: str
    log_keys: tuple[str, ...]
    broker_keys: tuple[VerifyKey, ...]
    witness_policy: str

    @classmethod
    def parse(cls, data: bytes) -> PolicyDraft:
        """Read a draft file; raises MalformedError."""
        loaded = load_strict_json(data, limit=MAX_DRAFT_BYTES)
        try:
            return cls(
                str(loaded["origin"]),
                tuple(str(each) for each in loaded["log_keys"]),
                tuple(VerifyKey.parse(each) for each in loaded["broker_keys"]),
                str(loaded["witness_policy"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise MalformedError(
                "Ce fichier n'est pas un projet de politique de confiance : « dossier init » en écrit un."
            ) from error


@dataclass(frozen=True)
class NextRoot:
    """The root keys after this policy, and how many of them the next one needs."""

    keys: tuple[VerifyKey, ...]
    threshold: int


def compose(
    trust: Trust,
    draft: PolicyDraft,
    registrars: Sequence[tuple[VerifyKey, datetime]],
    next_root: NextRoot,
    *,
    version: int,
    expires_at: datetime,
    signer: Digest,
    now: datetime,
    entropy: Entropy,
) -> TrustPolicy:
    """The statement to be signed by the root keys; raises MalformedError."""
    try:
        policy = TrustPolicy(
            commission=trust.commission,
            id=new_opaque_id(entropy),
            issued_at=now.replace(microsecond=0),
            signer=signer,
            version=version,
            expires_at=expires_at,
            origin=draft.origin,
            log_keys=draft.log_keys,
            broker_keys=draft.broker_keys,
            registrar_keys=tuple(RegistrarKey(key=key, not_after=end) for key, end in registrars),
            witness_policy=draft.witness_policy,
            roots=next_root.keys,
            threshold=next_root.threshold,
        )
    except ValidationError as error:
        raise MalformedError(
            "Cette politique de confiance serait incomplète ou trop longue."
        ) from error
    # A policy under which no receipt could ever verify would lock everybody out: try it now.
    LogPolicy.from_trust_policy(policy)
    return policy


def sign(policy: TrustPolicy, roots: Sequence[Identity]) -> Unverified[TrustPolicy]:
    """One envelope with the signature of every root key given."""
    signed = [root.sign(policy) for root in roots]
    return joined(signed[0], signed[1:])


def joined(
    first: Unverified[TrustPolicy], others: Sequence[Unverified[TrustPolicy]]
) -> Unverified[TrustPolicy]:
    """One envelope with all signatures of the same statement; raises NotPossibleError."""
    if any(each.digest != first.digest for each in others):
        raise NotPossibleError("Ces signatures portent sur des politiques différentes.")
    outer: dict[str, Any] = json.loads(first.envelope)
    for each in others:
        outer["signatures"].extend(json.loads(each.envelope)["signatures"])
    return parse(TrustPolicy, json.dumps(outer, separators=(",", ":")).encode())


def policies_of(machine: Machine, trust: Trust) -> TrustedView:
    """The policies published so far, verified; an empty view before the first one."""
    view = TrustedView(trust, OnlineSource(machine), machine.clock)
    answer = machine.api.trust()
    names = ("policies", "emergencies", "recoveries")
    view.take_policies(*(field(answer, name, many(attested_json)) for name in names))
    return view


def publish_first(machine: Machine, trust: Trust, signed: Unverified[TrustPolicy]) -> None:
    """Publish policy 1, for which no login exists yet, and verify its receipt under itself."""
    accept_first(trust, signed)
    answer = machine.api.post_statement(signed.envelope)
    view = TrustedView(trust, OnlineSource(machine), machine.clock)
    view.take_policies([Attested(signed.envelope, field(answer, "receipt", utf8))])


def publish_next(machine: Machine, trust: Trust, signed: Unverified[TrustPolicy]) -> None:
    """Publish the successor of the policy in force; no login is needed, the threshold speaks.

    When the broker was lost nobody can log in before this policy names another one.
    """
    accept_next(policies_of(machine, trust).policy, signed)
    machine.api.post_statement(signed.envelope)
    policies_of(machine, trust)
