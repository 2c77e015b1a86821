"""Release keys: made for a deposit, destroyed when its dossier or its sitting ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from crypto.age.identities import recipient_of
from crypto.digests import Digest
from crypto.encoding import parse_opaque_id
from crypto.errors import MalformedError
from crypto.keys import Entropy, HybridIdentity
from crypto.statements.custody import Cause, Destruction, ReleaseKey
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.fields import MAX_ITEMS
from crypto.statements.registry import Closing, Sitting
from exchange.broker.desk import Desk
from exchange.broker.keystore import KeyStore
from exchange.broker.record import BrokerRecord
from exchange.broker.refusals import Why, refusal
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.facts import association_of, closing_of, latest_sitting
from exchange.usecases.ledger import Accepted

EXPIRY_DELAY: Final = timedelta(hours=24)
"""How long after ``closes_at`` keys outlive a sitting that nobody closed (DESIGN, section 5)."""

MAX_KEYS_PER_SITTING: Final = MAX_ITEMS
"""One destruction statement must be able to name them all; the busiest sitting has about 100."""


def make_release_key(desk: Desk, deposit: str, sitting_sha256: Digest) -> bytes:
    """The ``release-key`` envelope of a deposit; the same one when asked again."""
    made = desk.record.keys.get(_checked_id(deposit))
    sitting = _acknowledged_sitting(desk, sitting_sha256)
    if made is not None:
        if made.digest in desk.record.destroyed:
            raise _destroyed()
        if made.statement.sitting != sitting.statement.sitting:
            raise refusal(Why.OTHER_SITTING, "Ce dépôt appartient à une autre séance.")
        return made.envelope
    desk.require_policy()
    _require_open(desk, sitting)
    identity = HybridIdentity.generate(desk.entropy)
    desk.store.put_release_key(deposit, identity, desk.entropy)
    statement = ReleaseKey.model_validate(
        {
            **desk.new_fields(),
            "deposit": deposit,
            "sitting": sitting.statement.sitting,
            "sitting_sha256": sitting.digest,
            "recipient": recipient_of(identity),
            "opens_at": sitting.statement.opens_at,
            "closes_at": sitting.statement.closes_at,
        }
    )
    signed = desk.sign(statement)
    desk.enter(
        RecordKind.KEY_MADE,
        cites={"release_key": signed.digest},
        facts={"deposit": deposit},
        envelope=signed.envelope,
    )
    return signed.envelope


def destroy(desk: Desk, because: Digest) -> bytes:
    """Destroy what an acknowledged withdrawal or closing ends; the ``destruction`` envelope."""
    accepted = desk.ledger.index.get(because)
    statement = accepted.statement if accepted else None
    if isinstance(statement, Closing):
        return _destroy(desk, Cause.CLOSING, because, _keys_of_sitting(desk, statement.sitting))
    if isinstance(statement, Withdrawal):
        return _destroy(desk, Cause.WITHDRAWAL, because, _keys_of_dossier(desk, statement))
    raise refusal(
        Why.NOTHING_ENDS,
        "Aucune clé n'est détruite sans un retrait ou une clôture que le gardien a lui-même vérifié.",
    )


def destroy_expired(desk: Desk) -> tuple[bytes, ...]:
    """Destroy the keys of sittings whose ``closes_at`` passed 24 hours ago by the broker's clock.

    Returns every destruction statement of that cause so far: whoever logs them knows which are new.
    """
    sittings = {made.statement.sitting for made in desk.record.keys.values()}
    for sitting in sorted(sittings):
        latest = latest_sitting(desk.ledger.index, sitting)
        if latest is not None and latest.statement.closes_at + EXPIRY_DELAY <= desk.now:
            deposits = _keys_of_sitting(desk, sitting)
            if deposits:
                _destroy(desk, Cause.EXPIRY, None, deposits)
    expired = (made for made in desk.record.destructions if made.statement.cause is Cause.EXPIRY)
    return tuple(made.envelope for made in expired)


def destroy_orphans(store: KeyStore, record: BrokerRecord, entropy: Entropy) -> None:
    """Destroy keys that were never announced: a crash came between the key and its statement."""
    store.destroy_release_keys(sorted(store.live_deposits() - record.keys.keys()), entropy)


def require_key(desk: Desk, deposit: str, release_key: Digest) -> HybridIdentity:
    """The release key that an envelope was sealed to, by the manifest or grant that lists it."""
    made = desk.record.keys.get(deposit)
    if made is None or made.digest != release_key:
        raise refusal(
            Why.FOREIGN_KEY,
            "Ce dépôt n'a pas été scellé à une clé que ce gardien a faite pour lui.",
        )
    identity = desk.release_key(deposit)
    if identity is None or made.digest in desk.record.destroyed:
        raise _destroyed()
    return identity


def _destroy(desk: Desk, cause: Cause, because: Digest | None, deposits: tuple[str, ...]) -> bytes:
    earlier = [made for made in desk.record.destructions if made.statement.because == because]
    if not deposits and because is not None and earlier:
        return earlier[-1].envelope
    desk.store.destroy_release_keys(deposits, desk.entropy)
    desk.store.answers.drop(deposits)
    statement = Destruction.model_validate(
        {
            **desk.new_fields(),
            "release_keys": tuple(desk.record.keys[deposit].digest for deposit in deposits),
            "cause": cause,
            "because": because,
        }
    )
    signed = desk.sign(statement)
    # Last: a crash before this line leaves keys destroyed and not yet named; the next call finds
    # them unnamed still, and names them.
    desk.enter(
        RecordKind.DESTROYED,
        cites={"destruction": signed.digest, **({"because": because} if because else {})},
        facts={"cause": cause},
        envelope=signed.envelope,
    )
    return signed.envelope


def _keys_of_sitting(desk: Desk, sitting: str) -> tuple[str, ...]:
    keys = desk.record.keys
    return _not_destroyed(desk, (each for each in keys if keys[each].statement.sitting == sitting))


def _keys_of_dossier(desk: Desk, withdrawal: Withdrawal) -> tuple[str, ...]:
    """The deposits of the dossier by the association that withdraws it.

    The reference alone does not prove whose dossier it is: another association may have used, by
    chance or malice, the same one, and must not be able to destroy these keys.
    """
    index = desk.ledger.index
    association = association_of(index, withdrawal)
    deposits = {
        manifest.statement.deposit
        for manifest in index.find(Manifest, dossier=withdrawal.dossier)
        if association is not None and association_of(index, manifest.statement) == association
    }
    return _not_destroyed(desk, sorted(deposits & desk.record.keys.keys()))


def _not_destroyed(desk: Desk, deposits: Iterable[str]) -> tuple[str, ...]:
    keys, destroyed = desk.record.keys, desk.record.destroyed
    return tuple(deposit for deposit in deposits if keys[deposit].digest not in destroyed)


def _acknowledged_sitting(desk: Desk, digest: Digest) -> Accepted[Sitting]:
    accepted = desk.ledger.index.get(digest)
    statement = accepted.statement if accepted else None
    if not isinstance(statement, Sitting):
        raise refusal(
            Why.UNKNOWN_SITTING, "Le gardien des clés n'a pas encore pris acte de cette séance."
        )
    latest = latest_sitting(desk.ledger.index, statement.sitting)
    if latest is None or latest.digest != digest:
        raise refusal(
            Why.STALE,
            "Cette version de la séance est dépassée : relisez la séance puis recommencez.",
        )
    return latest


def _require_open(desk: Desk, sitting: Accepted[Sitting]) -> None:
    ident = sitting.statement.sitting
    if closing_of(desk.ledger.index, ident) or desk.now >= sitting.statement.closes_at:
        raise refusal(Why.SITTING_CLOSED, "Cette séance est close : elle ne reçoit plus de dépôt.")
    made = [key for key in desk.record.keys.values() if key.statement.sitting == ident]
    if len(made) >= MAX_KEYS_PER_SITTING:
        raise refusal(
            Why.TOO_MANY_KEYS,
            "Cette séance a déjà {limit} dépôts, le nombre maximal.",
            limit=MAX_KEYS_PER_SITTING,
        )


def _checked_id(deposit: str) -> str:
    try:
        return parse_opaque_id(deposit)
    except MalformedError as error:
        raise refusal(Why.MALFORMED, error.message, **error.params) from error


def _destroyed() -> Exception:
    return refusal(
        Why.KEY_DESTROYED,
        "La clé de ce dépôt a été détruite (retrait ou clôture) : rien ne peut plus l'ouvrir.",
    )
