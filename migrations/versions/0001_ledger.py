"""The books: funds, accounts, contracts, journal, requests."""

from migrations.sql import run_sql

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    run_sql(__file__)
