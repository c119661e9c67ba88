"""Certificates: a day is closed, and reopened, on a proposal by one person and the approval of another."""

from migrations.sql import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql(__file__)
