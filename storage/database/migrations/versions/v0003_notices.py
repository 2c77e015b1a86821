"""Addresses for notices, and which were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.database.metadata import UtcInstant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("person", sa.String(26), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_contacts")),
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("again_at", UtcInstant(), nullable=True),
        sa.Column("noted_at", UtcInstant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_noted_at"), "notices", ["noted_at"])


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("contacts")
