"""What each block brought, summed: a balance known at a block in the middle of a day reads sums, not entries."""

from migrations.sql import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql(__file__)
