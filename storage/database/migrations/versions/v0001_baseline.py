"""The first schema. A published revision is never edited: a change is a new revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _log()
    _statements()
    _deposits()
    _logins()


def downgrade() -> None:
    for table in (
        "idempotency",
        "challenges",
        "releases",
        "envelopes",
        "deposits",
        "statement_references",
        "statements",
        "log_published",
        "log_heads",
        "log_tiles",
        "log_disclosures",
        "log_entries",
    ):
        op.drop_table(table)


def _ticket() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _log() -> None:
    op.create_table(
        "log_entries",
        sa.Column("ticket", _ticket(), sa.Identity(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "log_index >= 0", name=op.f("ck_log_entries_log_index_counts_from_zero")
        ),
        sa.PrimaryKeyConstraint("ticket", name=op.f("pk_log_entries")),
        sa.UniqueConstraint("log_index", name=op.f("uq_log_entries_log_index")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_log_entries_pending",
        "log_entries",
        ["ticket"],
        sqlite_where=sa.text("log_index IS NULL"),
        postgresql_where=sa.text("log_index IS NULL"),
    )
    op.create_table(
        "log_disclosures",
        sa.Column("ticket", _ticket(), autoincrement=False, nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket"], ["log_entries.ticket"], name=op.f("fk_log_disclosures_ticket")
        ),
        sa.PrimaryKeyConstraint("ticket", name=op.f("pk_log_disclosures")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "log_heads",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_heads")),
    )
    op.create_table(
        "log_published",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_published_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_published")),
    )


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("ticket", _ticket(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket"], ["log_entries.ticket"], name=op.f("fk_statements_ticket")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_statements")),
    )
    op.create_index("ix_statements_ticket", "statements", ["ticket"])
    op.create_index("ix_statements_type", "statements", ["type", "ticket"])
    op.create_index(
        "ix_statements_unacknowledged",
        "statements",
        ["ticket"],
        sqlite_where=sa.text("acknowledged IS 0"),
        postgresql_where=sa.text("acknowledged IS false"),
    )
    op.create_table(
        "statement_references",
        sa.Column("field", sa.String(20), nullable=False),
        sa.Column("value", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["statements.digest"], name=op.f("fk_statement_references_digest")
        ),
        sa.PrimaryKeyConstraint("field", "value", "digest", name=op.f("pk_statement_references")),
    )
    op.create_index("ix_statement_references_digest", "statement_references", ["digest"])


def _deposits() -> None:
    op.create_table(
        "deposits",
        sa.Column("deposit", sa.String(26), nullable=False),
        sa.Column("sitting", sa.String(26), nullable=False),
        sa.Column("organisation", sa.String(40), nullable=False),
        sa.Column("certificate", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("upload", sa.String(64), nullable=False),
        sa.Column("object_name", sa.String(64), nullable=True),
        sa.Column("manifest", sa.String(64), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length >= 0", name=op.f("ck_deposits_length_not_negative")),
        sa.PrimaryKeyConstraint("deposit", name=op.f("pk_deposits")),
        sa.UniqueConstraint("upload", name=op.f("uq_deposits_upload")),
        sa.UniqueConstraint("object_name", name=op.f("uq_deposits_object_name")),
        sa.UniqueConstraint("manifest", name=op.f("uq_deposits_manifest")),
    )
    op.create_index("ix_deposits_sitting", "deposits", ["sitting"])
    op.create_index("ix_deposits_state", "deposits", ["state"])
    op.create_table(
        "envelopes",
        sa.Column("deposit", sa.String(26), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deposit"], ["deposits.deposit"], name=op.f("fk_envelopes_deposit")
        ),
        sa.PrimaryKeyConstraint("deposit", "sha256", name=op.f("pk_envelopes")),
    )
    op.create_table(
        "releases",
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("deposit", sa.String(26), nullable=False),
        sa.Column("certificate", sa.String(64), nullable=False),
        sa.Column("ticket", _ticket(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("payload_ticket", _ticket(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deposit"], ["deposits.deposit"], name=op.f("fk_releases_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["ticket"], ["log_entries.ticket"], name=op.f("fk_releases_ticket")
        ),
        sa.ForeignKeyConstraint(
            ["payload_ticket"], ["log_entries.ticket"], name=op.f("fk_releases_payload_ticket")
        ),
        sa.PrimaryKeyConstraint("request", "deposit", name=op.f("pk_releases")),
        sa.UniqueConstraint("ticket", name=op.f("uq_releases_ticket")),
        sa.UniqueConstraint("payload_ticket", name=op.f("uq_releases_payload_ticket")),
    )
    op.create_index("ix_releases_certificate", "releases", ["certificate", "deposit", "ticket"])


def _logins() -> None:
    op.create_table(
        "challenges",
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_challenges")),
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"])
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
