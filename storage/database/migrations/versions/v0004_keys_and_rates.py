"""Idempotency keys name what they make; rates are counted for all workers together.

The keys of before are forgotten both ways: they hold answers of minutes ago, which say nothing of ids.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _keys(sa.Column("subject", sa.String(26), nullable=False))
    op.create_table(
        "rates",
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "who", name=op.f("pk_rates")),
    )
    op.create_index("ix_rates_number", "rates", ["number"])


def downgrade() -> None:
    op.drop_table("rates")
    _keys(
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _keys(*columns: sa.Column[object]) -> None:
    """The table anew: SQLite cannot drop a column that holds no default."""
    op.drop_table("idempotency")
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        *columns,
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
