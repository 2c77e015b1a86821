"""Depositing a dossier: seal it here, for exactly those who may read it, then send the ciphertext."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from crypto.age.streams import Pieces
from crypto.digests import Digest
from crypto.edge.card import CardCheck, DossierCard
from crypto.edge.container import Piece, container_length, container_pieces
from crypto.edge.seal import SealedPayload, seal_payload
from crypto.encoding import new_dossier_reference, new_opaque_id, parse_opaque_id
from crypto.errors import MalformedError
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Kind, Manifest
from crypto.statements.registry import Role, Sitting
from exchange.client.api import attested, field, text
from exchange.client.deposit_state import DepositState, Pending
from exchange.client.deposit_upload import send
from exchange.client.desk import Desk
from exchange.client.errors import (
    InterruptedDepositError,
    NotPossibleError,
    NotTrustworthyError,
    TransportError,
)
from exchange.client.filekeys import forget_ended, keep_file_key
from exchange.client.files import appearing
from exchange.client.known_devices import remember_devices
from exchange.client.pieces import Metadata, Papers, read_papers
from exchange.client.placed_file import PlacedFile
from exchange.client.recipients import Addressee, colleagues, readers, seal_envelopes
from exchange.client.registry import (
    Deposited,
    deposits_of,
    is_closed,
    is_withdrawn,
    recused_persons,
    sitting_of,
)
from exchange.domain.deposit_window import check_deposit_time
from exchange.domain.errors import RuleError
from exchange.domain.pieces import code_of, expected_in
from exchange.usecases.facts import complement_request_of, sitting_in_force
from exchange.usecases.ledger import Accepted, StatementIndex

NEW_PATHWAY: Final = "new"
"""Instead of an identifier: a renewal whose pathway this service does not know yet."""


@dataclass(frozen=True)
class Wanted:
    """What the depositor asks for."""

    sitting: str
    kind: Kind
    paths: tuple[Path, ...]
    complement_of: str | None = None
    audience: tuple[str, ...] | None = None
    pathway: str | None = None
    note: str = ""
    urgent: bool = False
    """After the limit, while the dossiers are not open: the secretariat decides on it."""
    metadata: Metadata = Metadata.STRIP
    any_type: bool = False
    """Admit files of any type: the members must know how to open them."""


@dataclass(frozen=True)
class Plan:
    """A deposit that may be made now: for whom, under which reference."""

    wanted: Wanted
    sitting: Accepted[Sitting]
    association: str
    reference: str
    pathway: str
    completes: Accepted[Manifest] | None
    addressees: tuple[Addressee, ...]
    papers: Papers

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What the container will hold."""
        return self.papers.pieces

    @property
    def checklist(self) -> tuple[CardCheck, ...]:
        """What such a request is expected to hold; of a complement nothing in particular."""
        if self.completes is not None:
            return ()
        there = {code_of(piece.path) for piece in self.pieces}
        return tuple(
            CardCheck(piece=each.code, present=each.code in there)
            for each in expected_in(self.wanted.kind.value)
        )


@dataclass(frozen=True)
class Done:
    """A committed deposit."""

    deposit: str
    reference: str
    pathway: str
    manifest: Digest
    index: int


def plan(desk: Desk, wanted: Wanted) -> Plan:
    """Check everything that can be checked before anything is sealed or sent."""
    papers = read_papers(wanted.paths, wanted.metadata, any_type=wanted.any_type)
    return plan_papers(desk, wanted, papers)


def plan_papers(desk: Desk, wanted: Wanted, papers: Papers) -> Plan:
    """The same, of pieces that are no files of this machine.

    The status is fetched last: recipients are computed from a ledger that the broker just
    confirmed (DESIGN, section 5, "Freshness").
    """
    desk.load_sitting(wanted.sitting)
    desk.status(wanted.sitting)
    forget_ended(desk)
    now = desk.machine.clock()
    index = desk.view.ledger
    sitting = sitting_of(index, wanted.sitting)
    association = desk.certificate.statement.organisation
    if Role.DEPOSITOR not in desk.certificate.statement.roles:
        raise NotPossibleError(
            "Ce profil n'est pas celui d'un référent d'association : il ne dépose pas."
        )
    if is_closed(index, sitting.statement, now):
        raise NotPossibleError("Cette séance est close : déposez pour une autre séance.")
    completes = _completed(desk, wanted, association)
    reference = completes.reference if completes else new_dossier_reference(desk.machine.entropy)
    first = completes.manifest if completes else None
    if first is not None and first.statement.urgent:
        wanted = replace(wanted, urgent=True)  # what completes an urgent dossier is as urgent
    _require_time(index, sitting.statement, reference, now, urgent=wanted.urgent)
    pathway = _pathway(desk, wanted, first)
    stepped_aside = recused_persons(index, wanted.sitting, reference)
    read = readers(
        index, sitting.statement, association, wanted.audience, now, not_these=stepped_aside
    )
    if not read:
        raise NotPossibleError(
            "Aucun membre de cette séance ne pourrait lire ce dossier : aucun siège non déporté n'a "
            "d'appareil certifié. Attendez que le secrétariat complète la séance."
        )
    addressees = (*read, *colleagues(index, association, now))
    return Plan(wanted, sitting, association, reference, pathway, first, addressees, papers)


def _require_time(
    index: StatementIndex, sitting: Sitting, reference: str, now: datetime, *, urgent: bool
) -> None:
    """The service's own rule, before anything is sealed."""
    asked = complement_request_of(index, sitting.sitting, reference)
    answer_by = asked.statement.answer_by if asked else None
    try:
        check_deposit_time(sitting_in_force(sitting), now, urgent=urgent, answer_by=answer_by)
    except RuleError as error:
        raise NotPossibleError(error.message, **error.params) from error


def _pathway(desk: Desk, wanted: Wanted, first: Accepted[Manifest] | None) -> str:
    """The completed dossier's, the one that is renewed, or a new one."""
    if first is not None:
        if wanted.pathway not in {None, first.statement.pathway}:
            raise NotPossibleError(
                "Un complément reste dans le parcours du dossier qu'il complète."
            )
        return first.statement.pathway
    if wanted.kind is Kind.ENGAGEMENT:
        if wanted.pathway is not None:
            raise NotPossibleError(
                "Une demande d'engagement ouvre un nouveau parcours : ôtez --pathway."
            )
        return new_opaque_id(desk.machine.entropy)
    if wanted.pathway is None:
        raise NotPossibleError(
            "Un renouvellement poursuit un parcours : donnez --pathway, l'identifiant que le dépôt "
            "précédent a affiché (« dossier sittings » le montre aussi), ou --pathway new si le parcours a "
            "commencé avant ce service."
        )
    if wanted.pathway == NEW_PATHWAY:
        return new_opaque_id(desk.machine.entropy)
    try:
        return parse_opaque_id(wanted.pathway)
    except MalformedError as error:
        raise NotPossibleError(
            "« {pathway} » n'est pas l'identifiant d'un parcours : recopiez celui que le dépôt "
            "précédent a affiché.",
            pathway=wanted.pathway,
        ) from error


def periods_before(desk: Desk, made: Plan) -> int | None:
    """How many dossiers of this pathway this client knows, at any sitting; None for a complement."""
    if made.completes is not None:
        return None
    known = {
        each.statement.dossier
        for each in desk.load(Manifest)
        if each.statement.pathway == made.pathway
        and not is_withdrawn(desk.view.ledger, each.statement.dossier)
    }
    return len(known)


def _completed(desk: Desk, wanted: Wanted, association: str) -> Deposited | None:
    if wanted.complement_of is None:
        return None
    for each in deposits_of(desk.view.ledger, wanted.sitting):
        same = each.reference == wanted.complement_of and each.association == association
        if same and not each.complement:
            if each.withdrawn:
                raise NotPossibleError("Ce dossier a été retiré : il ne peut plus être complété.")
            return each
    raise NotPossibleError(
        "Le dossier « {reference} » n'est pas un dossier de votre association à cette séance.",
        reference=wanted.complement_of,
    )


def make_deposit(desk: Desk, made: Plan) -> Done:
    """Begin, seal into the profile, send, and keep the receipt."""
    pending = Pending.new(desk.profile, new_opaque_id(desk.machine.entropy))
    release_key, part_bytes = _begin(desk, made, pending.key)
    sealed = _seal(desk, made, pending.payload)
    state = _manifest(desk, made, release_key, sealed, part_bytes)
    # The local copy comes before the commit: once acknowledged, a lost broker costs a re-grant only.
    keep_file_key(desk, release_key.statement.deposit, sealed.file_key)
    pending.save(state)
    return finish(desk, pending)


def _begin(desk: Desk, made: Plan, key: str) -> tuple[Accepted[ReleaseKey], int]:
    """Ask for a release key and check that it is the broker's, for this deposit and sitting."""
    sitting = made.sitting
    desk.source.begin()
    answer = desk.api.begin_deposit(sitting.statement.sitting, sitting.digest, key)
    release_key = desk.view.take_as(ReleaseKey, field(answer, "release_key", attested))
    statement = release_key.statement
    if (
        statement.deposit != field(answer, "deposit", text)
        or statement.sitting != sitting.statement.sitting
        or statement.sitting_sha256 != sitting.digest
        or statement.opens_at != sitting.statement.opens_at
        or statement.closes_at != sitting.statement.closes_at
    ):
        raise NotTrustworthyError(
            "La clé de dépôt remise n'est pas celle de cette séance : rien n'a été chiffré. Recommencez ; "
            "si cela se répète, prévenez le secrétariat."
        )
    return release_key, field(answer, "part_bytes", int)


def _seal(desk: Desk, made: Plan, payload: Path) -> SealedPayload:
    card = DossierCard(
        sitting=made.sitting.statement.sitting,
        dossier=made.reference,
        association=made.association,
        depositor=desk.signer,
        kind=made.wanted.kind,
        complement_of=made.completes.digest if made.completes else None,
        pieces=tuple(piece.on_card() for piece in made.pieces),
        checklist=made.checklist,
        note=made.wanted.note,
    )
    progress = desk.machine.progress.begin("Chiffrement", container_length(card))
    container = Pieces(container_pieces(card, made.pieces))
    with appearing(payload, replace=True) as handle:
        sink = PlacedFile(handle)
        return seal_payload(container, sink, entropy=desk.machine.entropy, progress=progress)


def _manifest(
    desk: Desk,
    made: Plan,
    release_key: Accepted[ReleaseKey],
    sealed: SealedPayload,
    part_bytes: int,
) -> DepositState:
    key = release_key.statement
    envelopes = seal_envelopes(
        sealed.file_key, key.recipient, made.addressees, desk.machine.entropy
    )
    manifest = desk.draft(
        Manifest,
        origin=desk.view.policy.policy.origin,
        sitting=key.sitting,
        sitting_sha256=made.sitting.digest,
        release_key_sha256=release_key.digest,
        dossier=made.reference,
        pathway=made.pathway,
        deposit=key.deposit,
        complement_of=made.completes.digest if made.completes else None,
        urgent=made.wanted.urgent,
        kind=made.wanted.kind,
        audience=made.wanted.audience,
        length=sealed.length,
        sha256=sealed.sha256,
        nonce=sealed.nonce,
        commitment=sealed.commitment,
        envelopes=tuple(each.entry for each in envelopes),
    )
    return DepositState(
        deposit=key.deposit,
        sitting=key.sitting,
        part_bytes=part_bytes,
        manifest=manifest.envelope,
        envelopes=tuple(each.envelope for each in envelopes),
    )


def finish(desk: Desk, pending: Pending) -> Done:
    """Send what is sealed and keep the receipt; the spool file goes once the server committed."""
    state = pending.load()
    try:
        manifest = send(desk, pending, state)
    except TransportError as error:
        raise InterruptedDepositError(
            "{reason} Le dossier attend, chiffré, dans votre profil : reprenez l'envoi avec « dossier "
            "deposit --resume ».",
            reason=error,
        ) from error
    remember_devices(desk.profile, {each.certificate for each in manifest.statement.envelopes})
    pending.remove()
    statement = manifest.statement
    return Done(
        statement.deposit, statement.dossier, statement.pathway, manifest.digest, manifest.order
    )


def resume(desk: Desk) -> tuple[Done, ...]:
    """Finish every deposit that was sealed and not committed; forget those never sealed."""
    done = []
    for pending in Pending.all(desk.profile):
        if not pending.is_sealed:
            pending.remove()
            continue
        state = pending.load()
        desk.load_sitting(state.sitting)
        desk.status(state.sitting)
        _require_still_right(desk, state)
        done.append(finish(desk, pending))
    return tuple(done)


def _require_still_right(desk: Desk, state: DepositState) -> None:
    """What was sealed yesterday must not go to somebody revoked or unseated since."""
    manifest = state.parsed().statement
    now = desk.machine.clock()
    sitting = sitting_of(desk.view.ledger, state.sitting).statement
    association = desk.certificate.statement.organisation
    allowed: Sequence[Addressee] = (
        *readers(desk.view.ledger, sitting, association, manifest.audience, now),
        *colleagues(desk.view.ledger, association, now),
    )
    known = {(each.certificate, each.purpose) for each in allowed}
    if any((entry.certificate, entry.purpose) not in known for entry in manifest.envelopes):
        raise NotPossibleError(
            "Depuis que ce dépôt a été préparé, une personne ne siège plus ou sa clé a été révoquée : il "
            "ne sera pas envoyé. Supprimez-le avec « dossier deposit --discard » et déposez à nouveau."
        )


def discard(desk: Desk) -> int:
    """Forget every deposit that was not committed; returns how many."""
    waiting = Pending.all(desk.profile)
    for pending in waiting:
        if pending.is_sealed:
            desk.profile.forget_filekey(pending.load().deposit)
        pending.remove()
    return len(waiting)
