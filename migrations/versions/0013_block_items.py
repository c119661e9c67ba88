"""The items of a block are found by a b-tree."""

from migrations.sql import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql(__file__)
