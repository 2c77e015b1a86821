"""The auditor's word that a part of the log was verified while its details still existed."""

from __future__ import annotations

from collections.abc import Iterable

from crypto.statements.custody import Attestation
from crypto.statements.fields import MAX_ITEMS
from exchange.client.desk import Desk
from exchange.usecases.index_ranges import ranges_of
from exchange.usecases.ledger import Accepted


def attest(
    desk: Desk, disclosed: Iterable[int], checkpoint: bytes, verdict: str
) -> tuple[Accepted[Attestation], ...]:
    """Sign and publish that these entries were verified below ``checkpoint``, with what verdict.

    One statement holds MAX_ITEMS ranges; more of them become several statements.
    """
    ranges = ranges_of(disclosed)
    made = []
    for start in range(0, len(ranges), MAX_ITEMS):
        signed = desk.draft(
            Attestation,
            ranges=ranges[start : start + MAX_ITEMS],
            checkpoint=checkpoint.decode(),
            verdict=verdict,
        )
        made.append(desk.submit(signed)[0])
    return tuple(made)
