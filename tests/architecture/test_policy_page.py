"""The policy page is what the code says, and names every refusal that the code can give."""

from __future__ import annotations

from exchange.domain.policy import Purpose
from exchange.domain.refusals import RefusalReason
from tests.support.policy_page import PAGE, page, reasons_in_order

NOT_OF_DECIDE = {
    RefusalReason.NOTHING_KNOWN,  # a purpose that does not exist
    RefusalReason.REQUEST_SPENT,
    RefusalReason.BROKER_REFUSED,
}


def test_the_page_is_current() -> None:
    """``docs/policy.md`` is exactly what is printed from the code (``make policy-page``)."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_no_refusal_is_left_out() -> None:
    """Each reason of the code stands in the table of some purpose."""
    named = {reason for purpose in Purpose for reason in reasons_in_order(purpose)}
    assert named == set(RefusalReason) - NOT_OF_DECIDE


def test_recusals_come_before_what_tells_of_the_dossier() -> None:
    """The page shows the promised order: recused before audience, withdrawal and agenda."""
    order = reasons_in_order(Purpose.READ)
    recused = order.index(RefusalReason.RECUSED)
    for later in (
        RefusalReason.NOT_IN_AUDIENCE,
        RefusalReason.WITHDRAWN,
        RefusalReason.KEY_DESTROYED,
        RefusalReason.NOT_ON_AGENDA,
        RefusalReason.DECLARATION_MISSING,
        RefusalReason.ENVELOPE_MISSING,
    ):
        assert recused < order.index(later)
