"""The log itself: integrate, publish. Any process that needs an event published runs it.

``integrate`` takes three steps. Each of the first two is alone on all hosts (``integration()``) and
commits whole or not at all; the third needs no lock, because it only adds signatures to a text that
is already fixed.

1. *Order.* Pending events get their indices and their hashes their places in the tiles. Nothing is
   signed. From this commit on, the order of these events never changes.
2. *Sign.* What was written is read back and hashed again; the head is signed; the note goes into
   the high-water mark, outside the database.
3. *Publish.* Witnesses cosign; with a quorum the note becomes public, and its head is saved, in one
   transaction. Receipts exist only now.

Callers in one process share a run (``combining``): sixty-four writers cost the syncs of one.

Why no crash loses an event or signs backwards. An event is lost only if its transaction is rolled
back, and steps 1 and 2 either commit or leave it pending, resp. ordered, for the next caller.
Step 2 signs only trees that are durable already, so any two heads ever signed are heads of one
growing tree, also when a crash forgets the first of them:

* crash in step 1: all pending as before; nothing signed.
* crash after step 1: events are ordered beyond the head; the next caller signs them.
* crash after signing, before the mark is written: the signature is lost. The next caller signs the
  same durable tree or a longer one that begins with it.
* crash after the mark, before the head is public (or no quorum): the mark is *ahead* of the saved
  head, and is a head of the stored tree. The next caller has it cosigned and publishes it as it is,
  without signing anew. Nobody has seen a receipt under it.

Why the head need not be saved before a witness sees it. A head is signed only over a tree that is
durable already. So whatever a witness has seen, the stored tree reaches; and ``_sign`` always
gives a head over the whole of it.

Why a restored older database is refused. The mark is written before anything signed leaves step 2.
So the stored tree always reaches the mark and has its root there, whatever crashed. If it does not,
the database is not the one that signed the mark: nothing is ordered, signed or published until a
``recovery`` (``recover``) says from where to go on. A mark *behind* the head is harmless (another
host signed since) and is moved forward. Hosts that share one mark are protected best; the broker's
witness, which keeps its own head, also refuses to go back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from audit.checkpoint import Checkpoint
from audit.combining import SharedRun
from audit.cosigning import Gathered, gather
from audit.errors import (
    AuditError,
    LogFormatError,
    LogUnavailableError,
    LogVerificationError,
)
from audit.integration_state import IntegrationState, Signed
from audit.merkle import leaf_hash, tree_root
from audit.note import Note, Signer
from audit.policy import BROKER, LogPolicy
from audit.ports import Cosigner, HighWater, LogStore, LogTransaction
from audit.published import PublishedLog
from audit.tiles import TileHashes
from audit.tree import check_written, extend, stored_size

BATCH_ENTRIES: Final = 4_096
"""Entries read at once while ordering: 16 tiles, a megabyte or so of leaves and rows."""

COSIGNATURE_LIFE: Final = timedelta(hours=24)
"""A published head is cosigned again when it is older, so that a reader can tell a quiet log from a
withheld one."""

PUBLISH_ATTEMPTS: Final = 16
"""How often to start again because another process had a longer head cosigned meanwhile: as many
processes as may publish at the very same moment."""

Clock = Callable[[], datetime]
"""The current time, in UTC."""


class AuditLog(PublishedLog):
    """The log of one origin (the signer's name), over a store, a mark, and witnesses.

    ``policy()`` gives the rules in force, or None before the first trust policy is accepted: then
    heads are published with the log's signature, and with cosignatures where there are any.
    ``witnesses`` gives those that a policy names beside the ``cosigners`` that are always asked.
    """

    def __init__(  # one argument a port, in the order of their use
        self,
        store: LogStore,
        high_water: HighWater,
        signer: Signer,
        cosigners: Sequence[Cosigner],
        policy: Callable[[], LogPolicy | None],
        clock: Clock,
        witnesses: Callable[[LogPolicy], Sequence[Cosigner]] = lambda _policy: (),
    ) -> None:
        super().__init__(store)
        self._high_water = high_water
        self._signer = signer
        self._cosigners = tuple(cosigners)
        self._policy = policy
        self._clock = clock
        self._witnesses = witnesses
        self._shared = SharedRun(self._integrated)

    @property
    def origin(self) -> str:
        """The log's name, in checkpoints and in commitments."""
        return self._signer.name

    # --- writing ------------------------------------------------------------------------------

    def integrate(self) -> bytes:
        """Publish every event committed before this call; the published note.

        Raises LogUnavailableError. The events are safe then: a later call publishes them.
        """
        return self._shared.run()

    def _integrated(self) -> bytes:
        try:
            return self._publish(self._order() or self._sign())
        except LogUnavailableError:
            raise
        except AuditError as error:  # a refused write, a tile that is no tile
            raise LogUnavailableError(
                "Le journal n'a pas pu être prolongé : {reason} Vérifiez le stockage du journal ; "
                "rien n'est perdu.",
                reason=str(error),
            ) from error

    def recover(self, checkpoint: Checkpoint) -> None:
        """Go on from the stored head, which must be ``checkpoint``, and forget a higher mark.

        To be called for a verified ``recovery`` statement and nothing else: it permits the one
        thing that the mark exists to prevent. Heads signed above are contradicted from now on, and
        each witness that cosigned one must be told to recover too.
        """
        with self._store.integration() as transaction:
            head = transaction.head()
            if head is None or Checkpoint.of_note(head) != checkpoint:
                raise LogUnavailableError(
                    "La déclaration « recovery » nomme un autre point de contrôle que celui de la "
                    "base restaurée : signez-en une pour celui-ci."
                )
            self._require_root(
                transaction, checkpoint, stored_size(transaction.read_tile, checkpoint.size)
            )
            self._high_water.write(head)

    def head(self) -> bytes | None:
        """The last note that was published, as the log signed it; None before the first."""
        with self._store.integration() as transaction:
            return transaction.head()

    def _order(self) -> Signed | None:
        """Step 1; what is signed if that leaves nothing to sign."""
        with self._store.integration() as transaction:
            state = self._checked(transaction)
            size = state.size
            more = True
            while more and (batch := transaction.pending(BATCH_ENTRIES)):
                transaction.assign(size, batch)
                extend(transaction, size, [leaf_hash(entry.leaf) for entry in batch])
                size += len(batch)
                more = len(batch) == BATCH_ENTRIES
            settled = state.settled if size == state.size else None
            return Signed(settled, transaction.published()) if settled is not None else None

    def _sign(self) -> Signed:
        """Step 2."""
        with self._store.integration() as transaction:
            state = self._checked(transaction)
            head = state.head
            if state.mark is not None and state.mark_size > state.head_size:
                head = state.mark
            known = max(state.head_size, state.mark_size)
            if head is None or state.size > known:
                head = self._signed(transaction, max(known, 0), state.size)
                self._high_water.write(head)
            elif state.mark_size < state.head_size:
                self._high_water.write(head)
            return Signed(head, transaction.published())

    def _signed(self, transaction: LogTransaction, old: int, new: int) -> bytes:
        check_written(transaction, old, new)
        root = tree_root(new, TileHashes(transaction.read_tile))
        text = Checkpoint(self.origin, new, root).to_text()
        return Note(text, self._signer.sign(text)).to_bytes()

    def _checked(self, transaction: LogTransaction) -> IntegrationState:
        """Refuse to go on from a database that is not the one that signed the mark."""
        head, mark = transaction.head(), self._high_water.read()
        if head is not None and mark is None:
            raise LogUnavailableError(
                "Le repère du journal (HIGH_WATER_FILE) a disparu : sans lui, une base restaurée "
                "ne se remarque pas. Remettez le fichier en place, ou faites signer une "
                "déclaration « recovery »."
            )
        known = [self._own(note) for note in dict.fromkeys((head, mark)) if note is not None]
        reached = known[0].size if head is not None else 0
        size = stored_size(transaction.read_tile, reached)
        for checkpoint in known:
            self._require_root(transaction, checkpoint, size)
        return IntegrationState(head, mark, size)

    def _own(self, note: bytes) -> Checkpoint:
        try:
            checkpoint = Checkpoint.of_note(note)
        except LogFormatError as error:
            raise LogUnavailableError(
                "Le dernier point de contrôle signé n'est plus lisible : restaurez-le, ou faites "
                "signer une déclaration « recovery »."
            ) from error
        if checkpoint.origin != self.origin:
            raise LogUnavailableError(
                "Le repère ou la base est celle du journal « {got} », et la clé celle de "
                "« {expected} » : vérifiez la configuration.",
                got=checkpoint.origin,
                expected=self.origin,
            )
        return checkpoint

    def _require_root(self, transaction: LogTransaction, signed: Checkpoint, size: int) -> None:
        hashes = TileHashes(transaction.read_tile)
        if signed.size > size or tree_root(signed.size, hashes) != signed.root:
            raise LogUnavailableError(
                "La base ne contient pas le journal déjà signé ({signed} événements signés, "
                "{stored} en base) : c'est une copie restaurée ou abîmée. Rien n'est plus signé "
                "tant que la base complète n'est pas remise en place, ou qu'une déclaration "
                "« recovery » ne dit d'où repartir.",
                signed=signed.size,
                stored=size,
            )

    # --- publishing ---------------------------------------------------------------------------

    def _publish(self, signed: Signed) -> bytes:
        """Step 3; the published note, at least as large as the signed head.

        Several processes may be here at once. Each refusal for being behind means that another one
        advanced a witness; so somebody always gets on, and whoever is late finds its events under
        the other's note, or joins in with the newest head.
        """
        wanted = Checkpoint.of_note(signed.head).size
        for _ in range(PUBLISH_ATTEMPTS):
            head, published, policy = signed.head, signed.published, self._policy()
            if published is not None and self._suffices(published, wanted, policy):
                return published
            gathered = self._gathered(head, published, policy)
            note = gathered.note.to_bytes()
            problem = _shortfall(note, policy) if policy is not None else None
            if problem is None:
                self._store.publish(Checkpoint.of_note(head).size, head, note)
                return note
            if not gathered.overtaken:
                break
            signed = self._sign()
            self._require_not_behind(signed.head, gathered)
        raise LogUnavailableError(
            "L'événement est enregistré, mais le journal n'a pas pu être publié : {reason} "
            "Réessayez ; rien n'est perdu. ({failures})",
            reason=str(problem),
            failures=" ; ".join(str(each) for each in gathered.failures),
        ) from problem

    def require_quorum(self) -> None:
        """Raise LogUnavailableError when the witnesses would not let a new head be published now.

        They are asked for the public head again, which none of them can refuse.
        """
        published, policy = self._store.published(), self._policy()
        if published is None or policy is None:
            return
        bare = Note.parse(published)
        bare = Note(bare.text, self._signer.sign(bare.text))
        gathered = gather(bare, (*self._cosigners, *self._witnesses(policy)), policy, self._prove)
        problem = _shortfall(gathered.note.to_bytes(), policy)
        if problem is not None and not gathered.overtaken:
            raise LogUnavailableError(
                "Trop peu de témoins répondent ({failures}) : les dépôts sont gardés, mais rien n'est "
                "remis tant que cela dure.",
                failures=" ; ".join(str(each) for each in gathered.failures),
            ) from problem

    def _suffices(self, published: bytes, size: int, policy: LogPolicy | None) -> bool:
        """Whether what is public includes the first ``size`` entries and is good and fresh."""
        checkpoint = Checkpoint.of_note(published)
        if checkpoint.size != size or policy is None:
            return checkpoint.size >= size
        if _shortfall(published, policy) is not None:
            return False  # published under earlier rules
        cosigned = policy.verify_checkpoint(published).cosigned
        return cosigned[BROKER] >= (self._clock() - COSIGNATURE_LIFE).timestamp()

    def _gathered(self, head: bytes, published: bytes | None, policy: LogPolicy | None) -> Gathered:
        """``head`` with all the cosignatures that can be had."""
        note = Note.parse(head)
        # The same text may be signed by a key that the log got since: nothing new is claimed.
        note = note.with_signatures(self._signer.sign(note.text))
        if published is not None and Note.parse(published).text == note.text:
            # Cosignatures that this text already has stay: renewing one never loses another.
            note = Note.parse(published).with_signatures(note.signatures)
        further = self._witnesses(policy) if policy is not None else ()
        return gather(note, (*self._cosigners, *further), policy, self._prove)

    @staticmethod
    def _require_not_behind(head: bytes, gathered: Gathered) -> None:
        """Refuse to go on below a witness: it saw a head that this database does not have.

        A tree is committed before a head over it is signed and a witness sees that; ``head`` was
        made after the witness's answer, over all that is stored. So a witness beyond it was shown
        a tree that the database has lost.
        """
        size = Checkpoint.of_note(head).size
        if gathered.furthest > size:
            raise LogUnavailableError(
                "Un témoin a cosigné un journal plus long ({ahead} événements) que celui de la base "
                "({stored}) : la base est une copie restaurée. Remettez la base complète en place, "
                "ou faites signer une déclaration « recovery ».",
                ahead=gathered.furthest,
                stored=size,
            )


def _shortfall(note: bytes, policy: LogPolicy) -> LogVerificationError | None:
    """Why ``note`` does not meet ``policy`` yet."""
    try:
        policy.verify_checkpoint(note)
    except LogVerificationError as error:
        return error
    return None
