"""Both databases and both object stores, for every test below."""

from __future__ import annotations

from tests.support.stores import (
    database,
    database_url,
    empty_url,
    objects,
    postgres,
    s3,
)

__all__ = ["database", "database_url", "empty_url", "objects", "postgres", "s3"]
