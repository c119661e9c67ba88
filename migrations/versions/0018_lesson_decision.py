"""Decisions on lessons, renewed last days to answer, cash receipts, and what a contract was signed under."""

from migrations.sql import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql(__file__)
