"""Merkle blocks, checkpoints and signing keys; refusals are sealed too; buckets of every class."""

from alembic import op

from migrations.sql import FUNCTIONS, run_file, run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Old blocks are hashed by the functions that hash new ones: what a leaf of version 1 is never changes."""
    run_sql(__file__)
    run_file(op.get_bind(), FUNCTIONS / "03_leaf.sql")
    op.execute("SELECT ledger._chain_again()")
    op.execute(
        """ALTER TABLE ledger.block ALTER tree_size SET NOT NULL, ALTER root SET NOT NULL, ALTER previous SET NOT NULL,
           ALTER hash SET NOT NULL, ALTER totals SET NOT NULL"""
    )
