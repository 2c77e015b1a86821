"""The pathway out of prostitution that successive dossiers of one person belong to.

It is opened for six months and renewed for as long each time, for twenty-four months at most
(CASF L121-9, R121-12-9 and following; one engagement and three renewals).
"""

from __future__ import annotations

from typing import Final

PERIOD_MONTHS: Final = 6
"""What one decision opens or renews."""

MAX_MONTHS: Final = 24
"""The whole pathway."""

MAX_PERIODS: Final = MAX_MONTHS // PERIOD_MONTHS


def months_with(earlier: int) -> int:
    """The months that a pathway reaches with one more period, after ``earlier`` dossiers of it."""
    return (earlier + 1) * PERIOD_MONTHS


def exceeds(earlier: int) -> bool:
    """Whether one more period goes beyond the twenty-four months: to be said, the préfet decides."""
    return months_with(earlier) > MAX_MONTHS
