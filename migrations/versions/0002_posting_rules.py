"""The allow-list of the accounting policy."""

from migrations.sql import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(__file__)
