"""All tables together: what the migrations must arrive at."""

from __future__ import annotations

from sqlalchemy import MetaData

from storage.database import (
    agenda_openings,
    challenges,
    deposits,
    idempotency,
    log_tables,
    notices,
    rates,
    releases,
    statement_tables,
)
from storage.database.metadata import metadata

TABLES = (
    *(log_tables.log_entries, log_tables.log_disclosures, log_tables.log_tiles),
    *(log_tables.log_heads, log_tables.log_published),
    *(statement_tables.statements, statement_tables.statement_references),
    agenda_openings.agenda_openings,
    *(deposits.deposits, deposits.envelopes, releases.releases),
    *(challenges.challenges, idempotency.idempotency, rates.rates),
    *(notices.contacts, notices.notices),
)


def full_metadata() -> MetaData:
    """The metadata after every aggregate's module has declared its tables."""
    return metadata
