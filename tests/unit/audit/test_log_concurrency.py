"""Many processes on one log: each caller's events are public when its call returns."""

from __future__ import annotations

import threading

from audit.checkpoint import Checkpoint
from audit.merkle import leaf_hash, root_of
from audit.receipts import verify_receipt
from tests.support.log_world import LogWorld

WRITERS = 8
EVENTS = 12


def test_concurrent_writers_each_get_their_receipts() -> None:
    """Eight writers integrate at once; every receipt verifies and all heads are of one tree."""
    world = LogWorld()
    failures: list[BaseException] = []
    gate = threading.Barrier(WRITERS)
    adding = threading.Lock()
    asking = threading.Lock()
    for witness in world.witnesses.values():
        # A witness checks and persists in one atomic step (tlog-witness): here, under a lock.
        def locked(old, proof, note, _ask=witness.add_checkpoint):
            with asking:
                return _ask(old, proof, note)

        witness.add_checkpoint = locked  # type: ignore[method-assign]

    def write() -> None:
        log = world.open()
        gate.wait()
        try:
            for _ in range(EVENTS):
                with adding:
                    (ticket,) = world.add()
                log.integrate()
                verify_receipt(log.receipt(ticket), world.policy)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert world.size() == WRITERS * EVENTS
    hashes = [leaf_hash(leaf) for leaf in world.store.leaves(0, WRITERS * EVENTS)]
    for head in world.recorder.signed:
        assert head.root == root_of(hashes[: head.size])
    assert Checkpoint.of_note(world.log.integrate()).size == WRITERS * EVENTS
