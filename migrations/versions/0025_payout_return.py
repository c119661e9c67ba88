"""A batch may send money back that nobody here is entitled to."""

from migrations.sql import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql(__file__)
