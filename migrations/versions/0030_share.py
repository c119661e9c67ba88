"""Links for a second guardian, and what families were told of their refunds."""

from migrations.sql import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql(__file__)
