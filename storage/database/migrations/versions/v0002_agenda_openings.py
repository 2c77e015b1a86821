"""What agendas list, beside their commitments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agenda_openings",
        sa.Column("agenda", sa.String(64), nullable=False),
        sa.Column("commitment", sa.LargeBinary(32), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agenda"], ["statements.digest"], name=op.f("fk_agenda_openings_agenda")
        ),
        sa.PrimaryKeyConstraint("agenda", "commitment", name=op.f("pk_agenda_openings")),
    )


def downgrade() -> None:
    op.drop_table("agenda_openings")
