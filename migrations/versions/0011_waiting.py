"""Leaves are made when a request is answered; what calls moved waits as sums."""

from alembic import op

from migrations.sql import FUNCTIONS, forget_functions, run_file, run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Of the functions only 03_leaf is needed, and it serves on every way here: version 1 of a leaf never changes."""
    forget_functions(op.get_bind())
    run_file(op.get_bind(), FUNCTIONS / "03_leaf.sql")
    run_sql(__file__)
