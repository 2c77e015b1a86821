"""Which file is built by what."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.shared_vectors import (
    containers,
    emergencies,
    keys,
    receipts,
    sealed,
    statements,
    trust,
)
from tests.support.shared_vectors.encoded import Case

Builder = Callable[[], dict[str, list[Case]]]

REPRODUCIBLE: dict[str, Builder] = {
    "statements": statements.build,
    "signatures": keys.build_signatures,
    "identities": keys.build_identities,
    "fingerprints": keys.build_fingerprints,
    "commitments": keys.build_commitments,
    "containers": containers.build,
    "trust_chains": trust.build,
    "receipts": receipts.build,
    "emergencies": emergencies.build,
}
SEALED_ONCE: dict[str, Builder] = {
    "headers": sealed.build_headers,
    "envelopes": sealed.build_envelopes,
}
