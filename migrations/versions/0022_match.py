"""Bank lines are matched to announced payments: runs, their matches, undoing one."""

from migrations.sql import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql(__file__)
